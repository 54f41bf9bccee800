package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"fourwires/feed"
)

// MaxSpeed is the most that a replay is faster than its recording.
const MaxSpeed = 1000

// NewReplay returns the source replay, which publishes the messages of the file
// at path, speed times as fast as they once came. The error is one sentence on
// what is wrong with either; what the file holds is only seen as it is reached.
func NewReplay(path string, speed float64, log *slog.Logger) (Input, error) {
	if !(speed > 0 && speed <= MaxSpeed) { // so written, NaN is refused too
		return Input{}, fmt.Errorf("speed %v: must be a number above 0, at most %d", speed, MaxSpeed)
	}
	file, err := os.Open(path)
	if err != nil {
		return Input{}, fmt.Errorf("file: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return Input{}, fmt.Errorf("file %q: must be a regular file", path)
	}
	r := replay{path, speed, log}
	return Input{Replay, r.run}, nil
}

type replay struct {
	path  string
	speed float64
	log   *slog.Logger
}

func (r replay) run(ctx context.Context, f *feed.Feed) error {
	file, err := os.Open(r.path)
	if err != nil {
		r.log.Error("replay has failed; the lab goes on", "err", err)
		return nil
	}
	defer file.Close()
	n, err := r.play(ctx, file, f)
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, feed.ErrClosed):
		return err
	case err != nil:
		r.log.Error("replay has failed; the lab goes on", "err", err, "messages", n)
	default:
		r.log.Info("replay has ended; the lab goes on", "file", r.path, "messages", n)
	}
	return nil
}

// play publishes what in holds until its end or that of ctx, and returns how
// many messages that were. The error names the line at fault.
func (r replay) play(ctx context.Context, in io.Reader, f *feed.Feed) (published int, err error) {
	lines := newLines(in)
	fail := func(err error) (int, error) {
		return published, fmt.Errorf("%s:%d: %w", r.path, lines.number, err)
	}
	next := time.Now() // the intended instant of the next message
	last := int64(0)   // the time in the message before, 0 where there is none
	for ctx.Err() == nil {
		line, err := lines.next()
		switch {
		case err == io.EOF:
			return published, nil
		case err != nil:
			return fail(err)
		case len(line) == 0:
			continue
		}
		m, err := feed.Decode(line)
		if _, gap := errors.AsType[*feed.GapError](err); gap {
			continue // whoever recorded this has missed some
		}
		if err == nil && m.At <= 0 {
			err = errors.New("a message without its time")
		}
		if err != nil {
			return fail(err)
		}

		if last > 0 {
			next = next.Add(r.gap(last, m.At))
		}
		last = m.At
		if time.Since(next) > maxLate {
			next = time.Now()
		}
		select {
		case <-time.After(time.Until(next)): // at once where it is due
		case <-ctx.Done():
			return published, nil
		}
		if _, err := f.Publish(m.Data); err != nil {
			return fail(err)
		}
		published++
	}
	return published, nil
}

// gap returns the time between two messages that were published at those
// times; 0 where the clock went back.
func (r replay) gap(was, is int64) time.Duration {
	return time.Duration(min(float64(max(is-was, 0))/r.speed*1000, float64(forever)))
}
