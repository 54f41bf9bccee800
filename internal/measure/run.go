package measure

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
	"unicode"

	"fourwires/internal/child"
	"fourwires/internal/lab"
	"fourwires/internal/protocol"
)

// Run measures one transport after the other, and calls done with the result of each. It blocks until all are measured,
// and ends soon, without an error, when ctx does. It also ends with the first transport that fails. In both cases it
// calls done with what was measured of this transport so far, if that is anything. An error of done ends it too. A
// transport that brought no message is measured and counted like the others, and in the end is an error.
func Run(ctx context.Context, o Options, done func(Result) error) error {
	targets := o.Targets
	if len(targets) == 0 {
		for _, name := range names() {
			targets = append(targets, Target{Transport: name})
		}
	}
	var trials []trial
	for _, target := range targets {
		trials = append(trials, trial{target, o.Protocol})
	}
	return o.run(ctx, trials, rand.Uint64(), done)
}

// RunAll measures all transports by HTTP/1.1, and then by HTTP/2 those that can speak it, as [Run] does.
func RunAll(ctx context.Context, o Options, done func(Result) error) error {
	var trials []trial
	for _, http := range []int{1, 2} {
		for _, t := range lab.Transports {
			settings := o.Protocol
			if settings.HTTP = http; settings.Version(t.HTTP2) == http {
				trials = append(trials, trial{Target{Transport: t.Name}, settings})
			}
		}
	}
	return o.run(ctx, trials, rand.Uint64(), done)
}

// A trial is one transport, measured under one protocol.
type trial struct {
	target   Target
	protocol protocol.Settings
}

// run is [Run] over these trials, all with the schedule of one seed.
func (o Options) run(ctx context.Context, trials []trial, seed uint64, done func(Result) error) error {
	var failures []string // of transports that brought no message
	for i, t := range trials {
		if ctx.Err() != nil {
			return nil
		}
		o.Protocol = t.protocol
		p, erase := o.show(trials[i:], len(trials))
		r, err := o.measure(ctx, t.target, seed, p)
		erase()
		empty := errors.As(err, new(emptyError))
		if r != nil && (err == nil || empty || r.Delivered > 0) {
			if err := done(*r); err != nil {
				return err
			}
		}
		if empty {
			failures = append(failures, err.Error())
			continue
		}
		if errors.Is(err, child.ErrInterrupted) {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return errors.New(strings.Join(append(failures, err.Error()), "; "))
		}
	}
	if len(failures) > 0 {
		return errors.New(strings.Join(failures, "; "))
	}
	return nil
}

// measure measures one transport. Beside an error, the result is what was measured before it, or nil.
func (o Options) measure(ctx context.Context, target Target, seed uint64, p *progress) (*Result, error) {
	begun := time.Now()
	fail := func(err error) error {
		text := strings.TrimPrefix(err.Error(), target.Transport+": ")
		return fmt.Errorf("%s, after %.1fs: %s", target.Transport, time.Since(begun).Seconds(), sentence(text))
	}
	s, err := o.open(ctx, target)
	if errors.Is(err, child.ErrInterrupted) {
		return nil, err
	}
	if err != nil {
		return nil, fail(err)
	}
	defer s.close(ctx)
	p.set(s.tally)
	if err := s.warmUp(ctx); err != nil {
		return nil, fail(err)
	}
	err = s.drive(ctx, seed)
	if s.begun.IsZero() {
		return nil, fail(err)
	}
	head, err := s.drain(ctx, err)
	r := s.result(ctx, head)
	if err == nil && s.server == nil && r.Down.Total == 0 {
		err = errors.New("the server says nothing")
	}
	if err != nil {
		return r, fail(err)
	}
	if r.Delivered == 0 {
		return r, emptyError{fail(received(r))}
	}
	return r, nil
}

// An emptyError is the error of a transport that was measured to the end and brought no message.
type emptyError struct{ error }

// received returns an error with what was received in place of messages.
func received(r *Result) error {
	var all []string
	for part, n := range r.Down.All() {
		if n > 0 {
			all = append(all, fmt.Sprintf("%d of %s", n, part))
		}
	}
	return fmt.Errorf("no message came; %s sent on %s, and %s received: %s", plural(r.Requests, "request"),
		plural(r.Connections, "connection"), plural(r.Down.Total, "byte"), strings.Join(all, ", "))
}

// plural returns a number with its noun.
func plural(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// sentence returns an error's text, which may quote a server's answer, as one short line.
func sentence(text string) string {
	const most = 300
	space := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }
	text = strings.Join(strings.FieldsFunc(text, space), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + " …"
	}
	return text
}
