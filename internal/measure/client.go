package measure

import (
	"context"
	"errors"
	"time"

	"fourwires/feed"
	"fourwires/internal/child"
	"fourwires/internal/lab"
)

// newClient returns a client of the target's transport, whose bytes the ledger counts.
func (s *session) newClient() lab.Client {
	version := s.Protocol.Version(s.transport.HTTP2)
	dial := s.ledger.watch(s.Protocol.Dialer(version, &s.ledger.wire, nil))
	return s.transport.Client(lab.Access{URL: s.target.URL, Dial: dial, HTTP2: version == 2, Interval: s.Interval})
}

// read has a client read until ctx ends. It continues after a gap, whose ids are lost, and returns any other error. The
// polls of each client have a phase of their own.
func (s *session) read(ctx context.Context, number int, client lab.Client) error {
	if s.transport.Interval {
		select {
		case <-time.After(s.Interval * time.Duration(number) / time.Duration(s.Clients)):
		case <-ctx.Done():
		}
	}
	for {
		var gap *feed.GapError
		for message, err := range client.Messages(ctx) {
			if err != nil && !errors.As(err, &gap) {
				return err
			}
			if err == nil {
				s.tally.take(number, message.ID, message.Data, child.Monotonic())
				if s.clock != nil {
					s.clock.take(message.At)
				}
			}
		}
		if gap == nil {
			return errors.New("the client ended")
		}
	}
}
