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
	maxLate = time.Second            // a schedule that is further behind is given up
	forever = time.Duration(1) << 62 // 146 years, and no overflow when added to an instant
)

// The streams of random numbers of one seed. They are separate so that the pace does not change the market's data.
const (
	paceStream = iota
	marketStream
)

// data appends the data of the next message to dst. Calls do not overlap, and now does not decrease from one to the
// next.
type data func(dst []byte, now time.Time) []byte

// open returns the data of a source that is generated here; nil for none and for an input.
func open(s Settings) data {
	switch s.Source {
	case Host:
		return newHost(time.Now()).data
	case Market:
		return newMarket(s.Seed).data
	}
	return nil
}

// A Pump publishes the data of one source to a feed, at the pace of its settings or at that of an input. Make one with
// [New], and start it with [Pump.Run]. Its methods may be called by any number of goroutines at once, but only one may
// be in Run.
type Pump struct {
	feed    *feed.Feed
	inputs  []Input
	changed chan struct{} // has an element where Run has not noticed a change yet; capacity 1

	mu        sync.Mutex
	settings  Settings
	input     *Input             // the present one, if it has not ended; nil for a source that is generated here
	stopInput context.CancelFunc // ends the run of the input
	data      data               // nil for an input
	gaps      *rand.Rand
	left      int       // messages of the present burst
	next      time.Time // the intended instant of the next message
	buffer    []byte    // Publish does not keep data, so all messages share one
}

// New returns a pump for f with the sources host, market and none, and these inputs, at most one of each kind. It
// publishes nothing before [Pump.Run]. The error is that of [Pump.Change].
func New(f *feed.Feed, s Settings, inputs ...Input) (*Pump, error) {
	p := &Pump{feed: f, inputs: inputs, changed: make(chan struct{}, 1), stopInput: func() {}}
	if err := p.Change(s); err != nil {
		return nil, err
	}
	return p, nil
}

// Sources returns the names of the sources that this pump has.
func (p *Pump) Sources() []string {
	names := []string{Host, Market, None}
	for _, input := range p.inputs {
		names = append(names, input.name)
	}
	return names
}

// Settings returns the settings in force.
func (p *Pump) Settings() Settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settings
}

// Change puts s into force at once, whether or not the pump runs: the next message is due one new gap from now. It does
// not block. A market's random walk goes on from its present prices, unless the source or the seed changes. An input
// goes on unless the source changes; then it may still publish the message that it is handling.
//
// The error is one sentence on the first fault, for the user who made the settings; then nothing changes.
func (p *Pump) Change(s Settings) error {
	if err := s.check(p.Sources()); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.settings
	s.Burst = max(s.Burst, 1)
	p.settings = s
	if p.gaps == nil || s.Seed != was.Seed {
		p.gaps = rand.New(rand.NewPCG(s.Seed, paceStream))
	}
	if s.Source != was.Source || s.Seed != was.Seed {
		p.data = open(s)
	}
	if s.Source != was.Source {
		p.input = nil
		if i := slices.IndexFunc(p.inputs, func(input Input) bool { return input.name == s.Source }); i >= 0 {
			p.input = &p.inputs[i]
		}
		p.stopInput()
	}
	p.left = 0
	p.next = time.Now().Add(p.gap())
	select {
	case p.changed <- struct{}{}:
	default: // Run has not noticed an earlier change yet
	}
	return nil
}

// Run publishes until ctx ends or the feed is closed, and then returns nil. It notices that the feed is closed when it
// publishes, so with the source none it waits for ctx. The first message is due one gap after the call, except from an
// input.
func (p *Pump) Run(ctx context.Context) error {
	p.mu.Lock()
	p.left = 0
	p.next = time.Now().Add(p.gap())
	p.mu.Unlock()

	timer := time.NewTimer(forever)
	defer timer.Stop()
	for ctx.Err() == nil {
		err := p.follow(ctx)
		wait := forever
		if err == nil {
			wait, err = p.step()
		}
		if errors.Is(err, feed.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		timer.Reset(wait) // fires at once where the next message is due
		select {
		case <-timer.C:
		case <-p.changed:
		case <-ctx.Done():
		}
	}
	return nil
}

// follow runs the present input, if there is one, until it ends, the source changes, or ctx ends.
func (p *Pump) follow(ctx context.Context) error {
	p.mu.Lock()
	input := p.input
	if input == nil {
		p.mu.Unlock()
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.stopInput = cancel
	p.mu.Unlock()

	err := input.run(ctx, p.feed)
	p.mu.Lock()
	defer p.mu.Unlock()
	if ctx.Err() == nil { // it has ended by itself
		p.input = nil
	}
	return err
}

// step publishes the next message if it is due; only one, so that a change or the end of ctx does not wait for all
// messages that are due. It returns the time until the message after that, 0 or less where that is due as well.
func (p *Pump) step() (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.data == nil {
		return forever, nil
	}
	now := time.Now()
	switch late := now.Sub(p.next); {
	case late > maxLate:
		p.left = 0
		p.next = now.Add(p.gap())
	case late >= 0:
		p.buffer = pad(p.data(p.buffer[:0], now), p.settings.Payload)
		if _, err := p.feed.Publish(p.buffer); err != nil {
			return 0, err
		}
		p.next = p.next.Add(p.gap()) // not now plus a gap: that would be a closed loop
	}
	return time.Until(p.next), nil // not p.next.Sub(now): Publish took time
}

// gap returns the time from one message to the next. Within a burst it is Apart. To the next burst it is what that
// leaves of the mean time of a burst; for poisson a random time with that mean.
func (p *Pump) gap() time.Duration {
	s := p.settings
	if p.left > 0 {
		p.left--
		return time.Duration(s.Apart * float64(time.Millisecond))
	}
	p.left = s.Burst - 1
	gap := float64(s.Burst)/s.Rate - float64(p.left)*s.Apart/1000 // seconds
	if s.Phase == Poisson {
		gap *= p.gaps.ExpFloat64()
	}
	return time.Duration(min(gap*float64(time.Second), float64(forever)))
}

// pad lengthens data, a JSON object with at least one field, to size bytes by a last field "pad". Data that would be
// longer with an empty pad is returned as it is.
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
