//go:build !linux

package child

import (
	"context"
	"time"
)

// A Timer sleeps until instants of the clock [Monotonic]. One goroutine at a time may use it.
type Timer struct{ timer *time.Timer }

// NewTimer returns a timer. The caller must close it.
func NewTimer() (*Timer, error) { return &Timer{time.NewTimer(0)}, nil }

// SleepUntil waits for the instant at, or for the end of ctx. If ctx ends first it returns the error of ctx.
func (t *Timer) SleepUntil(ctx context.Context, at int64) error {
	t.timer.Reset(time.Duration(at - Monotonic()))
	select {
	case <-t.timer.C:
		return nil
	case <-ctx.Done():
		if at <= Monotonic() {
			return nil
		}
		return ctx.Err()
	}
}

// Close frees the timer.
func (t *Timer) Close() { t.timer.Stop() }
