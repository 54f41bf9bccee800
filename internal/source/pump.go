package source

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"fourwires/feed"
)

const (
	maxLate = time.Second            // further behind, a schedule is given up
	forever = time.Duration(1) << 62 // 146 years, and no overflow when added to an instant
)

// The streams of random numbers drawn from one seed. They are apart so that
// the pace cannot change what the market says.
const (
	paceStream = iota
	marketStream
)

// data appends the data of the next message to dst. Calls do not overlap; now
// does not go back between them.
type data func(dst []byte, now time.Time) []byte

// open returns the data of a source, nil for none.
func open(s Settings) data {
	switch s.Source {
	case Host:
		return newHost(time.Now()).data
	case Market:
		return newMarket(s.Seed).data
	}
	return nil
}

// A Pump publishes the data of one source to a feed at a pace. Make one with
// [New] and let it work with [Pump.Run]. Its methods may be called by any number
// of goroutines at once, but only one may be in Run.
type Pump struct {
	feed    *feed.Feed
	changed chan struct{} // tells Run that next is another; holds one

	mu       sync.Mutex
	settings Settings
	data     data
	gaps     *rand.Rand
	next     time.Time // the intended instant of the next message
	buffer   []byte    // Publish does not keep data, so all messages share one
}

// New returns a pump for f. It publishes nothing before [Pump.Run]. The error
// is that of [Settings.Check].
func New(f *feed.Feed, s Settings) (*Pump, error) {
	p := &Pump{feed: f, changed: make(chan struct{}, 1)}
	if err := p.Change(s); err != nil {
		return nil, err
	}
	return p, nil
}

// Settings returns the settings in force.
func (p *Pump) Settings() Settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settings
}

// Change puts s in force at once, running or not: the next message is due one
// new gap from now. A market's walk goes on from where it is, unless source or
// seed are others. The error is that of [Settings.Check]; then nothing changes.
func (p *Pump) Change(s Settings) error {
	if err := s.Check(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.settings
	p.settings = s
	if p.gaps == nil || s.Seed != was.Seed {
		p.gaps = rand.New(rand.NewPCG(s.Seed, paceStream))
	}
	if s.Source != was.Source || s.Seed != was.Seed {
		p.data = open(s)
	}
	p.next = time.Now().Add(p.gap())
	select {
	case p.changed <- struct{}{}:
	default: // Run was told of an earlier change and has yet to look
	}
	return nil
}

// Run publishes until ctx ends or the feed is closed, and then returns nil. It
// learns of the closing when it publishes, so with none it waits for ctx. The
// first message is due one gap after the call.
func (p *Pump) Run(ctx context.Context) error {
	p.mu.Lock()
	p.next = time.Now().Add(p.gap())
	p.mu.Unlock()

	timer := time.NewTimer(forever)
	defer timer.Stop()
	for ctx.Err() == nil {
		wait, err := p.step()
		if errors.Is(err, feed.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		timer.Reset(wait) // fires at once where the next is due
		select {
		case <-timer.C:
		case <-p.changed:
		case <-ctx.Done():
		}
	}
	return nil
}

// step publishes the next message if it is due, one only, so that a change or
// the end of ctx does not wait for all that are due. It returns the time until
// the message after that, 0 or less where that is due as well.
func (p *Pump) step() (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.data == nil {
		return forever, nil
	}
	now := time.Now()
	switch late := now.Sub(p.next); {
	case late > maxLate:
		p.next = now.Add(p.gap())
	case late >= 0:
		p.buffer = pad(p.data(p.buffer[:0], now), p.settings.Payload)
		if _, err := p.feed.Publish(p.buffer); err != nil {
			return 0, err
		}
		p.next = p.next.Add(p.gap()) // not now plus a gap: the loop is open
	}
	return time.Until(p.next), nil // the clock went on meanwhile
}

// gap draws the time from one message to the next.
func (p *Pump) gap() time.Duration {
	gap := 1.0 // times the mean
	if p.settings.Phase == Poisson {
		gap = p.gaps.ExpFloat64()
	}
	return time.Duration(min(gap/p.settings.Rate*float64(time.Second), float64(forever)))
}

// pad lengthens data, a JSON object with at least one field, to size bytes by
// a last field "pad". Data for which even an empty one is too much stays as it is.
func pad(data []byte, size int) []byte {
	fill := size - len(data) - len(`,"pad":""`)
	if fill < 0 {
		return data
	}
	data = slices.Grow(data, size-len(data))
	data = append(data[:len(data)-len("}")], `,"pad":"`...)
	for range fill {
		data = append(data, 'x')
	}
	return append(data, `"}`...)
}
