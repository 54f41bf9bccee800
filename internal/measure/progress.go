package measure

import (
	"fmt"
	"sync"
	"time"

	"fourwires/internal/lab"
)

// A progress counts what the clients of a trial have received so far. Its methods may be called by any number of
// goroutines at once.
type progress struct {
	mu    sync.Mutex
	tally *tally // nil: the clients are not there yet
}

// set has the progress show this tally.
func (p *progress) set(t *tally) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally = t
}

// String returns how many messages have been received, and their median latency.
func (p *progress) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tally == nil {
		return ""
	}
	var r Result
	p.tally.into(&r, 0)
	return fmt.Sprintf("; %d came, p50 %s", r.Delivered, duration(r.P50, 1))
}

// show shows the progress of the first of the trials that are left, of so many in all, until erase is called.
func (o Options) show(left []trial, all int) (p *progress, erase func()) {
	p = &progress{}
	if o.Progress == nil {
		return p, func() {}
	}
	end, others := time.Now().Add(o.duration(left[0])), time.Duration(0)
	for _, t := range left[1:] {
		others += o.duration(t)
	}
	stop := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		tick := time.NewTicker(time.Second / 4)
		defer tick.Stop()
		for {
			rest := max(0, time.Until(end))
			fmt.Fprintf(o.Progress, "\r\x1b[K%s, %d of %d: %.0fs left, %.0fs in all%s",
				left[0].target.Transport, all-len(left)+1, all, rest.Seconds(), (rest + others).Seconds(), p)
			select {
			case <-tick.C:
			case <-stop:
				fmt.Fprint(o.Progress, "\r\x1b[K")
				return
			}
		}
	})
	return p, func() {
		close(stop)
		showing.Wait()
	}
}

// duration estimates how long a trial takes.
func (o Options) duration(t trial) time.Duration {
	d := o.For
	if len(o.Targets) > 0 {
		return d
	}
	d += time.Second/2 + 6*o.roundTrip()
	if transport, _ := lab.Find(t.target.Transport); transport.Interval {
		d += 3 * o.Interval
	}
	return d
}
