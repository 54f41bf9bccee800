package measure

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"fourwires/internal/stats"
	"fourwires/internal/wire"
	"fourwires/websocket"
)

const (
	firstQuestions = clockKept              // for a clock, at once
	questionEvery  = 500 * time.Millisecond // from then on
)

// A serverClock is what is known of the clock of an external server, and of the messages with its timestamps. A lab
// answers questions for its clock at /websocket/echo. Its methods may be called by any number of goroutines at once.
type serverClock struct {
	mu    sync.Mutex
	clock Clock
	raw   []time.Duration // from a message's timestamp by the server's clock to its callback by ours
}

// watchClock asks the target's server for its clock, until ctx ends. It returns nil where there is no answer, or asked
// ends before there is one. The bytes of questions and answers are not counted.
func (s *session) watchClock(asked, ctx context.Context) *serverClock {
	u, err := url.Parse(s.target.URL)
	if err != nil {
		return nil
	}
	u.Path, u.RawQuery = "/websocket/echo", "stamps=1"
	soon, cancel := context.WithTimeout(asked, patience)
	defer cancel()
	var uncounted wire.Ledger
	echo, err := websocket.DialEcho(soon, u.String(), s.Protocol.Dialer(1, &uncounted, nil))
	if err != nil {
		return nil
	}
	c := &serverClock{}
	for range firstQuestions {
		if !c.ask(soon, echo) {
			echo.Close()
			return nil
		}
	}
	s.running.Go(func() {
		defer echo.Close()
		tick := time.NewTicker(questionEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if !c.ask(ctx, echo) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return c
}

// ask asks one question, and reports whether it was answered.
func (c *serverClock) ask(ctx context.Context, echo *websocket.EchoConn) bool {
	asked, received, sent, answered, err := echo.Stamps(ctx)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock.Add(asked, received, sent, answered)
	return true
}

// take counts a message that has just been received, whose timestamp is at, in µs.
func (c *serverClock) take(at int64) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.raw) < MaxMessages {
		c.raw = append(c.raw, now.Round(0).Sub(time.UnixMicro(at)))
	}
}

// into writes the latency into a result, corrected by the best estimate of the clock, with its error. A negative one
// stays negative.
func (c *serverClock) into(r *Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	best, ok := c.clock.Best()
	if !ok || len(c.raw) == 0 {
		return
	}
	sorted := slices.Sorted(slices.Values(c.raw))
	quantile := func(q float64) *float64 {
		us := float64(stats.Quantile(sorted, q)+best.Ahead) / 1e3
		return &us
	}
	r.P50 = quantile(0.5)
	if stats.Enough(len(sorted), 0.99) {
		r.P99 = quantile(0.99)
	}
	off := float64(best.Error) / 1e3
	r.Off = &off
}
