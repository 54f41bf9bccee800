package source

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"fourwires/feed"
)

// MaxSpeed is the highest speed of a replay, as a multiple of its recording's.
const MaxSpeed = 1000

// NewReplay returns the source replay, which publishes the messages of the file at path, speed times as fast as they
// were recorded. The error is one sentence on what is wrong with path or speed. The file's content is read during the
// replay, which logs skipped lines, failures and the end.
func NewReplay(path string, speed float64, log *slog.Logger) (Input, error) {
	if !(speed > 0 && speed <= MaxSpeed) { // in this form NaN is refused too
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
	messages, skipped, err := r.play(ctx, file, f)
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, feed.ErrClosed):
		return err
	case err != nil:
		r.log.Error("replay has failed; the lab goes on", "err", err, "messages", messages, "skipped", skipped)
	default:
		r.log.Info("replay has ended; the lab goes on", "file", r.path, "messages", messages, "skipped", skipped)
	}
	return nil
}

// play publishes the messages of in until its end or that of ctx. It returns the number of messages, and that of the
// lines that were skipped because they are none. The error is in's, or feed.ErrClosed.
func (r replay) play(ctx context.Context, in io.Reader, f *feed.Feed) (messages, skipped int, err error) {
	lines := newLines(in)
	skip := func(err error) {
		if skipped++; skipped == 1 {
			r.log.Warn("replay: a line is skipped, and so will be others like it", "line", lines.number, "err", err)
		}
	}
	next := time.Now() // the intended instant of the next message
	last := int64(0)   // the time of the message before, 0 where there is none
	for ctx.Err() == nil {
		line, err := lines.next()
		if err == io.EOF {
			return messages, skipped, nil
		}
		if err != nil && err != feed.ErrTooLarge {
			return messages, skipped, err
		}
		var m feed.Message
		if err == nil {
			m, err = recorded(line)
		}
		if err != nil {
			if err != errOther {
				skip(err)
			}
			continue
		}

		if last > 0 {
			next = next.Add(r.gap(last, m.At))
		}
		last = m.At
		if time.Since(next) > maxLate {
			next = time.Now()
		}
		select {
		case <-time.After(time.Until(next)): // at once where the message is due
		case <-ctx.Done():
			return messages, skipped, nil
		}
		_, err = f.Publish(m.Data)
		switch {
		case errors.Is(err, feed.ErrClosed):
			return messages, skipped, err
		case err != nil:
			skip(err)
		default:
			messages++
		}
	}
	return messages, skipped, nil
}

// errOther means that a line is no message, but belongs in a recording.
var errOther = errors.New("no message")

// recorded returns the message in a line of a recording; errOther for a line that is blank or another object of a lab:
// a gap, a hello, a heartbeat.
func recorded(line []byte) (feed.Message, error) {
	if len(bytes.TrimSpace(line)) == 0 {
		return feed.Message{}, errOther
	}
	m, err := feed.Decode(line)
	if err == nil && m.At <= 0 {
		err = errors.New("a message without its time")
	}
	var other struct{ Gap, Head, Heartbeat json.RawMessage }
	if err != nil && json.Unmarshal(line, &other) == nil {
		if other.Gap != nil || other.Head != nil || other.Heartbeat != nil {
			err = errOther
		}
	}
	return m, err
}

// gap returns the time between two messages that were published at these times; 0 where the clock went back.
func (r replay) gap(was, is int64) time.Duration {
	return time.Duration(min(float64(max(is-was, 0))/r.speed*1000, float64(forever)))
}
