package measure

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"fourwires/internal/child"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/scenario"
)

// WarmUp is how many messages all clients receive before anything is counted.
const WarmUp = 21

const (
	warmUpTime = 100 * time.Millisecond // over which they are published
	settle     = 20 * time.Millisecond  // for what follows a message: the next long-poll, the end of a chunk
	drainTime  = 2 * time.Second        // for what is still on its way, beyond a polling interval
	patience   = 10 * time.Second       // for late messages, and the clock of an external server
)

// A session is one trial under way: open, warmUp, drive, drain, result, close.
type session struct {
	Options
	target    Target
	transport lab.Transport
	server    *server // of our own; nil: the target is an external server
	addr      string  // of our own server's lanes
	senders   []sender
	clock     *serverClock // of an external server; nil: unknown
	tally     *tally
	ledger    *ledger
	failed    chan error // what a client ended with, or a sender
	leave     context.CancelFunc
	running   sync.WaitGroup // clients, and what sends or asks for the clock

	// From the beginning of the schedule on, which is when it is no longer zero:
	begun  time.Time
	before count         // what the ledger had then
	cpu    time.Duration // what our own server had used then
	length time.Duration // of the schedule
	sent   chan struct{} // closed when all senders have sent; nil: there are none
	took   time.Duration // until its end
}

// open starts the server, if it is to be our own, and the clients. It fails when asked ends before they are started.
// The caller must close the session.
func (o Options) open(asked context.Context, target Target) (*session, error) {
	// The clients outlive an interrupt: what they have received by then is counted.
	ctx, leave := context.WithCancel(context.WithoutCancel(asked))
	s := &session{Options: o, target: target, leave: leave, failed: make(chan error, o.Clients+1)}
	s.transport, _ = lab.Find(target.Transport)
	next := uint64(0)
	if target.URL == "" {
		next = 1
		if err := s.startServer(asked); err != nil {
			s.close(asked)
			return nil, err
		}
	} else {
		s.Protocol.TLS = strings.HasPrefix(target.URL, "https:")
		if s.clock = s.watchClock(asked, ctx); asked.Err() != nil {
			s.close(asked)
			return nil, asked.Err()
		}
	}
	s.tally, s.ledger = newTally(o.Clients, next), newLedger(s.target)
	for i := range o.Clients {
		client := s.newClient()
		if o.Direction == scenario.Both || o.Direction == scenario.Up {
			sender, err := s.newSender(asked, client)
			if err != nil {
				s.close(asked)
				return nil, err
			}
			s.senders = append(s.senders, sender)
		}
		if o.Direction != scenario.Up {
			s.running.Go(func() { s.failed <- s.read(ctx, i, client) })
		}
	}
	return s, nil
}

// startServer starts a server of our own, with the network before it.
func (s *session) startServer(ctx context.Context) error {
	var err error
	if s.server, err = start(ctx, s.Server); err != nil {
		return err
	}
	if err := s.server.network(s.Network); err != nil {
		return err
	}
	s.addr = s.server.Plain
	if s.Protocol.TLS {
		s.addr, s.Protocol.Insecure = s.server.TLS, true // its certificate is self-signed
	}
	s.target.URL = s.Protocol.Scheme() + "://" + s.addr + "/" + s.target.Transport + "?after=0"
	return nil
}

// warmUp has all clients receive some messages of a server of our own, so that they are connected and it is warm.
func (s *session) warmUp(ctx context.Context) error {
	if s.server == nil {
		return nil
	}
	if s.Direction == scenario.Up { // each client has been answered, then
		return s.sendAll(ctx, child.Monotonic(), make([]time.Duration, 2*len(s.senders)))
	}
	if err := s.publish(ctx, 1, 0); err != nil {
		return err
	}
	if err := s.publish(ctx, WarmUp, warmUpTime); err != nil {
		return err
	}
	if n := len(s.senders); n > 0 { // their connections are opened, too
		if err := s.sendAll(ctx, child.Monotonic(), make([]time.Duration, n)); err != nil {
			return err
		}
		if err := s.receive(ctx, uint64(WarmUp+n)); err != nil {
			return err
		}
	}
	pause := settle + s.roundTrip()
	if s.transport.Interval { // all have polled just now; the schedule must not begin at the phase of the polls
		pause += time.Duration(rand.Int64N(int64(s.Interval)))
	}
	return s.pause(ctx, pause)
}

// publish has the server publish until head is the newest id, over a time, and waits until all clients have it.
func (s *session) publish(ctx context.Context, head uint64, over time.Duration) error {
	n := int(head)
	if head > 1 {
		n-- // the first is published
	}
	if err := s.server.publish(0, 0, n, over, s.Options); err != nil {
		return err
	}
	return s.receive(ctx, head)
}

// receive waits until all clients have received all ids up to head.
func (s *session) receive(ctx context.Context, head uint64) error {
	limit := s.Interval + patience + 4*s.roundTrip()
	err := s.await(ctx, head, limit)
	if err == errMissing {
		return fmt.Errorf("message %d has not come to every client in %v", head, limit)
	}
	return err
}

// drive begins the schedule and waits until its time is over. Of an external server, which publishes by itself, it only
// waits. Where the schedule could not begin, begun stays zero.
func (s *session) drive(ctx context.Context, seed uint64) error {
	s.length = s.For
	if s.server != nil {
		if err := s.begin(ctx, seed); err != nil {
			return err
		}
	}
	s.begun = time.Now()
	err := s.pause(ctx, s.length)
	if err == nil && s.sent != nil { // a client that is late with its own messages is waited for
		select {
		case <-s.sent:
		case err = <-s.failed:
		case <-time.After(patience):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	s.took = time.Since(s.begun)
	return err
}

// begin notes what was counted before the schedule, and has the messages of the schedule published or sent.
func (s *session) begin(ctx context.Context, seed uint64) error {
	head, cpu, err := s.server.stop(ctx)
	if err != nil {
		return err
	}
	s.cpu, s.before = cpu, s.ledger.count()
	if s.transport.Stream {
		s.before.requests = 0 // they are a part of the opening
	}
	start := int64(0)
	if child.Shared {
		start = child.Monotonic() + int64(settle)
		s.length += settle
	}
	n := s.messages()
	instants := s.schedule(seed, n, s.For)
	s.length = max(s.length, instants[n-1]+settle) // a burst may begin at the end
	s.tally.begin(head+1, start, instants, s.Direction)
	if len(s.senders) == 0 {
		return s.server.publish(start, seed, n, s.For, s.Options)
	}
	s.sent = make(chan struct{})
	s.running.Go(func() {
		defer close(s.sent)
		if err := s.sendAll(ctx, start, instants); err != nil {
			s.failed <- err
		}
	})
	return nil
}

// drain waits until the clients have received all that was published, or for as long as it may take, and returns the
// newest id. After an error of drive, which it returns, it does not wait. The id is 0 where it is unknown: of an
// external feed, and after an error.
func (s *session) drain(ctx context.Context, err error) (head uint64, _ error) {
	if s.sent != nil && err == nil { // what was sent last is still on its way to the server
		err = s.pause(ctx, settle+2*s.roundTrip())
	}
	if s.server != nil && s.Direction != scenario.Up {
		newest, _, ended := s.server.stop(ctx)
		if err == nil {
			head, err = newest, ended
		}
	}
	if err == nil {
		err = s.await(ctx, head, s.Interval+drainTime+2*s.roundTrip())
	}
	if err == errMissing {
		err = nil // what is missing is lost
	}
	if err == nil && s.server != nil {
		err = s.pause(ctx, settle+s.roundTrip())
	}
	if err != nil {
		return 0, err
	}
	return head, nil
}

// result returns what was counted. Ids up to head that no client received are lost.
func (s *session) result(ctx context.Context, head uint64) *Result {
	counted := s.ledger.count().since(s.before)
	r := &Result{
		Transport: s.target.Transport, HTTP: "1.1", TLS: s.Protocol.TLS, Network: "loopback", Took: s.took,
		Requests: counted.requests, Connections: counted.connections, Up: counted.up, Down: counted.down,
	}
	if s.Protocol.Version(s.transport.HTTP2) == 2 {
		r.HTTP = "2"
	}
	switch {
	case s.ledger.remote.Load():
		r.Network = "unknown"
	case s.server != nil && s.Network != netsim.Settings{}:
		r.Network += ", " + s.Network.String()
	}
	s.tally.into(r, head)
	if s.clock != nil {
		s.clock.into(r)
	}
	if s.server != nil && child.Shared {
		if _, cpu, err := s.server.stop(ctx); err == nil {
			us := float64(cpu-s.cpu) / 1e3
			r.CPU = &us
		}
	}
	return r
}

// close ends the clients and the server.
func (s *session) close(ctx context.Context) {
	s.leave()
	s.running.Wait()
	for _, sender := range s.senders {
		sender.close()
	}
	if s.server != nil {
		s.server.Close(ctx)
	}
}

// pause waits. It ends early with the error of ctx, or of a client or sender.
func (s *session) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case err := <-s.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errMissing = errors.New("ids are missing")

// await waits until all clients have received all ids up to head. The error is that of pause, or after limit
// errMissing.
func (s *session) await(ctx context.Context, head uint64, limit time.Duration) error {
	for deadline := time.Now().Add(limit); !s.tally.complete(head); {
		if time.Now().After(deadline) {
			return errMissing
		}
		if err := s.pause(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
