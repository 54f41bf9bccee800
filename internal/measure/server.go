package measure

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"fourwires/feed"
	"fourwires/internal/child"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
)

// A command is what the server's process is to do: exactly one field is set.
type command struct {
	Publish *publication     `json:"publish,omitempty"` // publishes; has no answer
	Network *netsim.Settings `json:"network,omitempty"` // sets the network before the lanes; has no answer
	Stop    bool             `json:"stop,omitempty"`    // ends the publishing; the answer is a standing
}

// A publication is what is published, and when: at the instants of the schedule of seed, after start.
type publication struct {
	Start    int64         `json:"start"` // of the monotonic clock, in ns; 0: now
	Seed     uint64        `json:"seed"`
	Messages int           `json:"messages"`
	Over     time.Duration `json:"over"`    // ns, in which they are published
	Payload  int           `json:"payload"` // bytes of a message's data
	Burst    int           `json:"burst"`
	Apart    time.Duration `json:"apart"` // ns
}

// addresses are where the server's lanes are.
type addresses struct {
	Plain string `json:"plain"`
	TLS   string `json:"tls"`
}

// A standing is the state of the server.
type standing struct {
	Head uint64        `json:"head"` // the newest id
	CPU  time.Duration `json:"cpu"`  // ns that the process has used
}

// Serve is the server's process: a lab on free ports of the loopback interface, whose feed has no source. It writes its
// addresses on stdout and carries out commands from stdin (see package child). It blocks until stdin ends.
func Serve(stdin io.Reader, stdout io.Writer) error {
	limits := lab.DefaultLimits()
	limits.Publishes = 0 // any number
	none := source.Settings{Source: source.None, Rate: 1, Phase: source.Poisson}
	l, err := lab.New(lab.Settings{Keep: feed.Keep, Source: none, Limits: limits, Untapped: true})
	if err != nil {
		return err
	}
	on, err := lab.Loopback(true)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	var serving, publishing sync.WaitGroup
	serving.Go(func() { err = l.Serve(ctx, on) })

	var failed error // of publishing
	stop := func() {}
	begin := func(p publication) {
		publishing.Wait()
		if p.Start == 0 {
			p.Start = child.Monotonic()
		}
		var until context.Context
		until, stop = context.WithCancel(ctx)
		instants := Options{Burst: p.Burst, Apart: p.Apart}.schedule(p.Seed, p.Messages, p.Over)
		publishing.Go(func() {
			if err := publish(until, l.Feed, p.Start, instants, data(p.Payload)); err != nil && until.Err() == nil {
				failed = err
				end()
			}
		})
	}
	at := addresses{on.Lanes.Addr().String(), on.TLS.Addr().String()}
	refused := child.Serve(stdin, stdout, at, func(c command) (any, error) {
		switch {
		case c.Publish != nil:
			begin(*c.Publish)
			return nil, nil
		case c.Network != nil:
			return nil, l.Network.Set(*c.Network)
		case c.Stop:
			stop()
			publishing.Wait()
			return standing{l.Feed.Head().ID, child.CPUTime()}, nil
		}
		return nil, errors.New("must be one of publish, network, stop")
	})
	stop()
	end()
	publishing.Wait()
	serving.Wait()
	return errors.Join(refused, failed, err)
}

// A server is the server's process, as its parent sees it.
type server struct {
	*child.Process
	addresses
}

// start starts the process. The caller must close it.
func start(ctx context.Context, command []string) (*server, error) {
	var at addresses
	p, err := child.Start(ctx, command, &at)
	if err != nil {
		return nil, err
	}
	return &server{p, at}, nil
}

// network has the process put a network before its lanes.
func (s *server) network(n netsim.Settings) error { return s.Send(command{Network: &n}) }

// publish has the process publish n messages over a time, and does not wait.
func (s *server) publish(start int64, seed uint64, n int, over time.Duration, o Options) error {
	return s.Send(command{Publish: &publication{start, seed, n, over, o.Payload, o.Burst, o.Apart}})
}

// stop ends the publishing and returns the newest id, and the CPU time that the process has used.
func (s *server) stop(ctx context.Context) (head uint64, cpu time.Duration, err error) {
	var now standing
	err = s.Ask(ctx, command{Stop: true}, &now)
	return now.Head, now.CPU, err
}
