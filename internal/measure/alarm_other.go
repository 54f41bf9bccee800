//go:build !linux

package measure

import (
	"context"
	"time"
)

// An alarm wakes at an instant.
type alarm struct{ timer *time.Timer }

func newAlarm() (*alarm, error) { return &alarm{time.NewTimer(0)}, nil }

// until waits for at of the monotonic clock, or for the end of ctx, whose error
// it returns if at lies ahead then.
func (a *alarm) until(ctx context.Context, at int64) error {
	a.timer.Reset(time.Duration(at - monotonic()))
	select {
	case <-a.timer.C:
		return nil
	case <-ctx.Done():
		if at <= monotonic() {
			return nil
		}
		return ctx.Err()
	}
}

func (a *alarm) close() { a.timer.Stop() }
