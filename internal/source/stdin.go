package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"

	"fourwires/feed"
)

// NewStdin returns the source stdin, which publishes the lines of in, such as os.Stdin. It logs skipped lines, failures
// and the end.
func NewStdin(in io.Reader, log *slog.Logger) Input {
	s := &stdin{lines: newLines(in), log: log}
	return Input{Stdin, s.run}
}

// A stdin has at most one pending read. It cannot be interrupted, so it may outlive the run that began it: then the
// next run takes its line.
type stdin struct {
	lines *lines
	log   *slog.Logger
	read  chan line // of the pending read; nil where there is none
}

type line struct {
	text []byte
	err  error
}

func (s *stdin) run(ctx context.Context, f *feed.Feed) error {
	for ctx.Err() == nil {
		if s.read == nil {
			read := make(chan line, 1)
			go func() {
				text, err := s.lines.next()
				read <- line{text, err}
			}()
			s.read = read
		}
		var l line
		select {
		case l = <-s.read:
			s.read = nil
		case <-ctx.Done():
			return nil
		}

		fault := l.err
		if l.err == nil && len(bytes.TrimSpace(l.text)) > 0 {
			_, fault = f.Publish(asJSON(l.text))
		}
		switch {
		case l.err == io.EOF:
			s.log.Info("stdin has ended; the lab goes on", "lines", s.lines.number)
			return nil
		case l.err != nil && l.err != feed.ErrTooLarge:
			s.log.Error("stdin has failed; the lab goes on", "err", l.err)
			return nil
		case errors.Is(fault, feed.ErrClosed):
			return fault
		case fault != nil:
			s.log.Warn("stdin: a line is skipped", "line", s.lines.number, "err", fault)
		}
	}
	return nil
}
