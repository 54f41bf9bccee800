package measure

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"fourwires/internal/wire"
	"fourwires/websocket"
)

const (
	firstAsks = clockKept              // of a clock, at once
	askEvery  = 500 * time.Millisecond // from then on
)

// A remoteClock is what is known of the clock of another's server, and of the
// messages that it stamped. A lab says its clock at /websocket/echo.
type remoteClock struct {
	mu    sync.Mutex
	clock Clock
	raw   []time.Duration // from a message's stamp by their clock to its coming by ours
}

// watchClock asks the server of the target for its clock, until ctx ends. It returns
// nil where there is none to be had, or asked ends before it is. What it sends is not
// counted.
func (s *session) watchClock(asked, ctx context.Context) *remoteClock {
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
	c := &remoteClock{}
	for range firstAsks {
		if !c.ask(soon, echo) {
			echo.Close()
			return nil
		}
	}
	s.running.Go(func() {
		defer echo.Close()
		tick := time.NewTicker(askEvery)
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

func (c *remoteClock) ask(ctx context.Context, echo *websocket.EchoConn) bool {
	asked, received, sent, answered, err := echo.Stamps(ctx)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock.Add(asked, received, sent, answered)
	return true
}

// take counts a message that was stamped at, in µs, and has just come.
func (c *remoteClock) take(at int64) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.raw) < MaxMessages {
		c.raw = append(c.raw, now.Round(0).Sub(time.UnixMicro(at)))
	}
}

// into writes the latency into a result, corrected by the best that is known of the
// clock, with its error. A negative one stays negative.
func (c *remoteClock) into(r *Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	best, ok := c.clock.Best()
	if !ok || len(c.raw) == 0 {
		return
	}
	sorted := slices.Sorted(slices.Values(c.raw))
	quantile := func(share float64) *float64 {
		us := float64(sorted[int(share*float64(len(sorted)-1)+0.5)]+best.Ahead) / 1e3
		return &us
	}
	r.P50 = quantile(0.5)
	if len(sorted) >= 100 {
		r.P99 = quantile(0.99)
	}
	off := float64(best.Error) / 1e3
	r.Off = &off
}
