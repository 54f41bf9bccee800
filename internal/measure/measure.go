package measure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
	"fourwires/internal/source"
	"fourwires/internal/wire"
	"fourwires/polling"
)

const (
	// WarmUp is how many messages come to the clients before anything is counted.
	WarmUp = 21

	warmUpTime = 100 * time.Millisecond // over which they come
	settle     = 20 * time.Millisecond  // for what follows a message: the next long-poll, the end of a chunk
	drain      = 2 * time.Second        // for what is still on its way, beyond a polling interval
	patience   = 10 * time.Second       // with a server of our own
	parting    = time.Second            // for it to answer and end once it is asked to end
)

// What a measurement can be asked for.
const (
	MaxFor      = time.Hour
	MaxClients  = 1000
	MaxMessages = 1_000_000
)

// Options say what is measured.
type Options struct {
	For      time.Duration // of publishing, for each transport
	Rate     float64       // messages a second
	Payload  int           // bytes of a message's data
	Interval time.Duration // of polling
	Clients  int
	Protocol protocol.Settings
	Network  netsim.Settings // between the clients and a server of our own

	Direction string        // scenario.Down, Both or Up; empty: Down
	Burst     int           // messages that come together; 0: 1
	Apart     time.Duration // from one message of a burst to the next

	// Targets are what is measured; none: the four, on a lab of our own, which is
	// a process that Server, a command line, starts. It has to call [Serve].
	Targets []Target
	Server  []string

	// Progress is shown what runs and how long it takes, on a line that is
	// overwritten and at last erased; nil: nobody.
	Progress io.Writer
}

// A Target is one transport of a server.
type Target struct{ Transport, URL string }

// A Result is what was measured on one transport.
type Result struct {
	Transport string `json:"transport"`
	HTTP      string `json:"http"`    // version, 1.1 or 2
	TLS       bool   `json:"tls"`     //
	Network   string `json:"network"` // loopback, with what was put between; or unknown

	Delivered   int    `json:"delivered"`   // messages, to each client
	Lost        uint64 `json:"lost"`        // after draining
	Duplicated  int    `json:"duplicated"`  //
	Reordered   int    `json:"reordered"`   //
	Requests    int64  `json:"requests"`    // heads that were sent; those of streams are paid once
	Connections int64  `json:"connections"` //

	P50 *float64 `json:"p50_us"`         // of the one-way latency; nil: not known
	P99 *float64 `json:"p99_us"`         // nil also with fewer than 100 samples
	Off *float64 `json:"clock_error_us"` // by which latencies and ages of another's server may be wrong, up or down; nil: by nothing, or not known
	Age *float64 `json:"age_us"`         // of the newest message that a client has, its mean over time; nil: not known
	CPU *float64 `json:"cpu_us"`         // of the server's process, for all; nil: not known

	Up   wire.Parts `json:"up"` // bytes
	Down wire.Parts `json:"down"`

	Took time.Duration `json:"-"` // from the first instant of the schedule on
}

// Check returns nil for options that can be measured, and otherwise one
// sentence on the first fault.
func (o Options) Check() error {
	switch {
	case o.For <= 0 || o.For > MaxFor:
		return fmt.Errorf("for %v: must be above 0 and at most %v", o.For, MaxFor)
	case !(o.Rate > 0) || o.Rate > source.MaxRate: // so written, NaN is refused too
		return fmt.Errorf("rate %v: must be above 0 and at most %d messages a second", o.Rate, source.MaxRate)
	case len(o.Targets) == 0 && o.messages() < 1:
		return fmt.Errorf("rate %v: that is no message in %v", o.Rate, o.For)
	case o.messages() > MaxMessages:
		return fmt.Errorf("rate %v: that is more than %d messages in %v", o.Rate, MaxMessages, o.For)
	case o.Payload < scenario.MinPayload || o.Payload > feed.MaxData:
		return fmt.Errorf("payload %d: must be from %d to %d bytes", o.Payload, scenario.MinPayload, feed.MaxData)
	case o.Interval < time.Millisecond || o.Interval > time.Minute:
		return fmt.Errorf("interval %v: must be from 1ms to 1m", o.Interval)
	case o.Clients < 1 || o.Clients > MaxClients:
		return fmt.Errorf("clients %d: must be from 1 to %d", o.Clients, MaxClients)
	case !slices.Contains([]string{"", scenario.Down, scenario.Both, scenario.Up}, o.Direction):
		return fmt.Errorf("direction %q: must be %s, %s or %s", o.Direction, scenario.Down, scenario.Both, scenario.Up)
	}
	if err := o.Network.Check(); err != nil {
		return err
	}
	return o.Protocol.Check()
}

// messages returns how many messages are published for each transport.
func (o Options) messages() int { return int(math.Round(o.Rate * o.For.Seconds())) }

// Targets reads what is to be measured: the address of a lab, or one address
// for each of some transports, TRANSPORT=URL. The error is one sentence.
func Targets(args []string) ([]Target, error) {
	var targets []Target
	for _, arg := range args {
		name, address, named := strings.Cut(arg, "=")
		if strings.Contains(name, ":") { // an "=" of the URL's own
			name, address, named = "", arg, false
		}
		if !named {
			address = arg
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return nil, fmt.Errorf("url %q: must be http://host:port, or TRANSPORT=http://host:port/path, or https", arg)
		}
		switch {
		case !named && (len(args) > 1 || strings.Trim(u.Path, "/") != "" || u.RawQuery != ""):
			return nil, fmt.Errorf("url %q: must be one http://host:port alone, or TRANSPORT=http://host:port/path for each", arg)
		case !named:
			for _, t := range lab.Transports {
				targets = append(targets, Target{t.Name, u.Scheme + "://" + u.Host + "/" + t.Name})
			}
		case rank(name) < 0:
			return nil, fmt.Errorf("url %q: a transport is one of %s", arg, strings.Join(names(), ", "))
		case slices.ContainsFunc(targets, func(t Target) bool { return t.Transport == name }):
			return nil, fmt.Errorf("url %q: %s has one already", arg, name)
		default:
			targets = append(targets, Target{name, u.String()})
		}
	}
	slices.SortFunc(targets, func(a, b Target) int { return cmp.Compare(rank(a.Transport), rank(b.Transport)) })
	return targets, nil
}

// names are the transports, in their order.
func names() (names []string) {
	for _, t := range lab.Transports {
		names = append(names, t.Name)
	}
	return names
}

// rank returns the place of a transport in that order, or -1.
func rank(transport string) int { return slices.Index(names(), transport) }

// Run measures one transport after the other, and calls done with the result of
// each. When ctx ends, it ends soon, and without an error. It also ends with the
// first transport that fails. In both cases, done is called with what was
// measured of this one so far, if that is anything. An error of done ends it, too.
// A transport that brought no message is measured and counted like the others, and
// in the end is an error.
func Run(ctx context.Context, o Options, done func(Result) error) error {
	targets := o.Targets
	if len(targets) == 0 {
		for _, name := range names() {
			targets = append(targets, Target{Transport: name})
		}
	}
	var ways []way
	for _, target := range targets {
		ways = append(ways, way{target, o.Protocol})
	}
	return o.run(ctx, ways, rand.Uint64(), done)
}

// A way is what is measured at a time.
type way struct {
	target   Target
	protocol protocol.Settings
}

// run is Run over these ways, with one schedule for all.
func (o Options) run(ctx context.Context, ways []way, seed uint64, done func(Result) error) error {
	var brought []string // nothing, by these
	for i, way := range ways {
		if ctx.Err() != nil {
			return nil
		}
		o.Protocol = way.protocol
		so, erase := o.show(ways[i:], len(ways))
		r, err := o.measure(ctx, way.target, seed, so)
		erase()
		nothing := errors.As(err, new(nothingError))
		if r != nil && (err == nil || nothing || r.Delivered > 0) {
			if err := done(*r); err != nil {
				return err
			}
		}
		if nothing {
			brought = append(brought, err.Error())
			continue
		}
		if errors.Is(err, errInterrupted) {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return errors.New(strings.Join(append(brought, err.Error()), "; "))
		}
	}
	if len(brought) > 0 {
		return errors.New(strings.Join(brought, "; "))
	}
	return nil
}

// A nothingError says that a transport that was measured to the end brought no message.
type nothingError struct{ error }

// nothing says what was received in place of messages.
func nothing(r *Result) error {
	var all []string
	for _, part := range parts {
		if n := part.of(r.Down); n > 0 && part.name != "total" {
			all = append(all, fmt.Sprintf("%d of %s", n, part.name))
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

var errLate = errors.New("late")

// measure measures one transport. Beside an error, the result is what was
// measured before it, or nil.
func (o Options) measure(ctx context.Context, target Target, seed uint64, so *far) (*Result, error) {
	begun := time.Now()
	fail := func(err error) error {
		text := strings.TrimPrefix(err.Error(), target.Transport+": ")
		return fmt.Errorf("%s, after %.1fs: %s", target.Transport, time.Since(begun).Seconds(), sentence(text))
	}
	m, err := o.open(ctx, target)
	if errors.Is(err, errInterrupted) {
		return nil, err
	}
	if err != nil {
		return nil, fail(err)
	}
	defer m.close(ctx)
	so.set(m.tally)
	if err := m.warmUp(ctx); err != nil {
		return nil, fail(err)
	}
	r, err := m.window(ctx, seed)
	if err == nil && m.own == nil && r.Down.Total == 0 {
		err = errors.New("the server says nothing")
	}
	if err != nil {
		return r, fail(err)
	}
	if r.Delivered == 0 {
		return r, nothingError{fail(nothing(r))}
	}
	return r, nil
}

// sentence makes one short line of an error's text, which may quote a server's
// answer.
func sentence(text string) string {
	const most = 300
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + " …"
	}
	return text
}

// A measurement is that of one transport, under way.
type measurement struct {
	Options
	target  Target
	own     *server // nil: the server is another's
	addr    string  // of that
	senders []sender
	clock   *remoteClock // of another's server; nil: not known
	tally   *tally
	ledger  *ledger
	failed  chan error // what a client ended with, or the way up
	leave   context.CancelFunc
	reading sync.WaitGroup
}

// open starts the server, if it is to be our own, and the clients, unless asked ends
// before. The caller has to close the measurement.
func (o Options) open(asked context.Context, target Target) (*measurement, error) {
	ctx, leave := context.WithCancel(context.WithoutCancel(asked)) // the clients outlive an interrupt: they are read once more
	m := &measurement{Options: o, target: target, leave: leave, failed: make(chan error, o.Clients+1)}
	next := uint64(0)
	if target.URL == "" {
		var err error
		if m.own, err = start(asked, o.Server); err != nil {
			leave()
			return nil, err
		}
		if err := m.own.network(o.Network); err != nil {
			m.close(asked)
			return nil, err
		}
		next = 1
		addr := m.own.plain
		if o.Protocol.TLS {
			addr, m.Protocol.Insecure = m.own.tls, true // it vouches for itself
		}
		m.addr = addr
		m.target.URL = o.Protocol.Scheme() + "://" + addr + "/" + target.Transport + "?after=0"
	} else {
		m.Protocol.TLS = strings.HasPrefix(target.URL, "https:")
		if m.clock = m.watchClock(asked, ctx); asked.Err() != nil {
			m.close(asked)
			return nil, asked.Err()
		}
	}
	m.tally = newTally(o.Clients, next)
	m.ledger = newLedger(m.target)
	for i := range o.Clients {
		client := m.client()
		if o.Direction == scenario.Both || o.Direction == scenario.Up {
			s, err := m.sender(asked, client)
			if err != nil {
				m.close(asked)
				return nil, err
			}
			m.senders = append(m.senders, s)
		}
		if o.Direction == scenario.Up {
			continue
		}
		m.reading.Go(func() {
			if target.Transport == lab.Transports[0].Name { // polls come at phases of their own
				select {
				case <-time.After(o.Interval * time.Duration(i) / time.Duration(o.Clients)):
				case <-ctx.Done():
				}
			}
			m.failed <- m.read(ctx, i, client)
		})
	}
	return m, nil
}

// close ends the clients and the server.
func (m *measurement) close(ctx context.Context) {
	m.leave()
	m.reading.Wait()
	for _, s := range m.senders {
		s.close()
	}
	if m.own != nil {
		m.own.close(ctx)
	}
}

// read is one client. It goes on after a gap, whose ids are lost, and returns
// any other error.
func (m *measurement) read(ctx context.Context, number int, client lab.Client) error {
	for {
		var gap *feed.GapError
		for message, err := range client.Messages(ctx) {
			if err != nil && !errors.As(err, &gap) {
				return err
			}
			if err == nil {
				m.tally.take(number, message.ID, message.Data, monotonic())
				if m.clock != nil {
					m.clock.take(message.At)
				}
			}
		}
		if gap == nil {
			return errors.New("the client ended")
		}
	}
}

// client returns a new client.
func (m *measurement) client() lab.Client {
	dial := m.ledger.watch(m.Protocol.Dialer(m.target.Transport, &m.ledger.wire, nil))
	http2 := m.Protocol.Version(m.target.Transport) == 2
	if m.target.Transport == "polling" { // the only one with a setting of its own
		c := &polling.Client{URL: m.target.URL, Interval: m.Interval, Dial: dial, HTTP2: http2}
		return lab.Client{Messages: c.Messages, Cursor: &c.Cursor}
	}
	return lab.Transports[rank(m.target.Transport)].Client(lab.Access{URL: m.target.URL, Dial: dial, HTTP2: http2})
}

// warmUp has some messages come to all clients of a server of our own: they are
// connected then, and it is warm.
func (m *measurement) warmUp(ctx context.Context) error {
	if m.own == nil {
		return nil
	}
	if m.Direction == scenario.Up { // each has been answered, then
		return m.sendAll(ctx, monotonic(), make([]time.Duration, 2*len(m.senders)))
	}
	if err := m.publish(ctx, 1, 0); err != nil {
		return err
	}
	if err := m.publish(ctx, WarmUp, warmUpTime); err != nil {
		return err
	}
	if n := len(m.senders); n > 0 { // their connections are to be there, too
		if err := m.sendAll(ctx, monotonic(), make([]time.Duration, n)); err != nil {
			return err
		}
		if err := m.come(ctx, uint64(WarmUp+n)); err != nil {
			return err
		}
	}
	pause := settle + m.trip()
	if m.target.Transport == "polling" { // all have polled just now; the schedule is not to know that
		pause += time.Duration(rand.Int64N(int64(m.Interval)))
	}
	return m.pause(ctx, pause)
}

// publish publishes messages until head is the newest, and returns when all
// clients have it.
func (m *measurement) publish(ctx context.Context, head uint64, over time.Duration) error {
	n := int(head)
	if head > 1 {
		n-- // the first is there
	}
	if err := m.own.publish(0, 0, n, over, m.Options); err != nil {
		return err
	}
	return m.come(ctx, head)
}

// come returns when head has come to all clients.
func (m *measurement) come(ctx context.Context, head uint64) error {
	limit := m.Interval + patience + 4*m.trip()
	err := m.await(ctx, head, limit)
	if err == errLate {
		return fmt.Errorf("message %d has not come to every client in %v", head, limit)
	}
	return err
}

// trip returns what a round trip takes at most.
func (o Options) trip() time.Duration { return o.Network.RTT + 2*o.Network.Jitter }

// window is what is counted: a schedule, and the draining after it. A server of
// another's has its own schedule, and is counted from the start.
func (m *measurement) window(ctx context.Context, seed uint64) (*Result, error) {
	var err error
	var first uint64
	var cpuBefore time.Duration
	var before count
	over := m.For
	sent := make(chan struct{})
	if m.own != nil {
		if first, cpuBefore, err = m.own.stop(ctx); err != nil {
			return nil, err
		}
		first++
		before = m.ledger.count()
		if lab.Transports[rank(m.target.Transport)].Stream {
			before.requests = 0 // they are a part of the opening
		}
		start := int64(0)
		if shared {
			start = monotonic() + int64(settle)
			over += settle
		}
		n := m.messages()
		instants := m.schedule(seed, n, m.For)
		over = max(over, instants[n-1]+settle) // a burst may begin at the end
		m.tally.begin(first, start, instants, m.Direction)
		if len(m.senders) > 0 {
			m.reading.Go(func() {
				defer close(sent)
				if err := m.sendAll(ctx, start, instants); err != nil {
					m.failed <- err
				}
			})
		} else if err = m.own.publish(start, seed, n, m.For, m.Options); err != nil {
			return nil, err
		}
	}
	begun := time.Now()
	err = m.pause(ctx, over)
	if err == nil && len(m.senders) > 0 { // a client that is late with its own is waited for
		select {
		case <-sent:
		case err = <-m.failed:
		case <-time.After(patience):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}

	// Draining: all that was published has come, or will not come any more. Of
	// another's feed, and after an interrupt, the end is not known.
	var head uint64
	took := time.Since(begun)
	if m.own != nil && m.Direction == scenario.Up {
		if err == nil {
			err = m.pause(ctx, settle+2*m.trip())
		}
	} else if m.own != nil {
		if err == nil && len(m.senders) > 0 { // what was sent last is still on its way up
			err = m.pause(ctx, settle+2*m.trip())
		}
		newest, _, dead := m.own.stop(ctx)
		if err == nil {
			head, err = newest, dead
		}
	}
	if err == nil {
		if err = m.await(ctx, head, m.Interval+drain+2*m.trip()); err == errLate {
			err = nil // and lost
		}
		if err == nil && m.own != nil {
			err = m.pause(ctx, settle+m.trip())
		}
	}
	if err != nil {
		head = 0
	}

	counted := m.ledger.count().since(before)
	r := &Result{
		Transport: m.target.Transport, HTTP: "1.1", TLS: m.Protocol.TLS, Network: "loopback", Took: took,
		Requests: counted.requests, Connections: counted.connections, Up: counted.up, Down: counted.down,
	}
	if m.Protocol.Version(m.target.Transport) == 2 {
		r.HTTP = "2"
	}
	switch {
	case m.ledger.remote.Load():
		r.Network = "unknown"
	case m.own != nil && m.Network != netsim.Settings{}:
		r.Network += ", " + m.Network.String()
	}
	m.tally.into(r, head)
	if m.clock != nil {
		m.clock.into(r)
	}
	if m.own != nil && shared {
		if _, cpu, dead := m.own.stop(ctx); dead == nil {
			us := float64(cpu-cpuBefore) / 1e3
			r.CPU = &us
		}
	}
	return r, err
}

// pause waits. It ends early with the error of ctx or of a client.
func (m *measurement) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case err := <-m.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await waits until all ids up to head have come to all clients. The error is
// that of pause, or errLate.
func (m *measurement) await(ctx context.Context, head uint64, limit time.Duration) error {
	for deadline := time.Now().Add(limit); !m.tally.caught(head); {
		if time.Now().After(deadline) {
			return errLate
		}
		if err := m.pause(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// show shows the progress of the first of these ways, with what has come so far,
// until the function that it returns is called.
func (o Options) show(left []way, all int) (so *far, erase func()) {
	so = &far{}
	if o.Progress == nil {
		return so, func() {}
	}
	each := func(w way) time.Duration {
		d := o.For
		if len(o.Targets) == 0 {
			d += time.Second/2 + 6*o.trip()
			if w.target.Transport == "polling" {
				d += 3 * o.Interval
			}
		}
		return d
	}
	this, others := time.Now().Add(each(left[0])), time.Duration(0)
	for _, w := range left[1:] {
		others += each(w)
	}
	end := make(chan struct{})
	var showing sync.WaitGroup
	showing.Go(func() {
		tick := time.NewTicker(time.Second / 4)
		defer tick.Stop()
		for {
			rest := max(0, time.Until(this))
			fmt.Fprintf(o.Progress, "\r\x1b[K%s, %d of %d: %.0fs left, %.0fs in all%s",
				left[0].target.Transport, all-len(left)+1, all, rest.Seconds(), (rest + others).Seconds(), so)
			select {
			case <-tick.C:
			case <-end:
				fmt.Fprint(o.Progress, "\r\x1b[K")
				return
			}
		}
	})
	return so, func() {
		close(end)
		showing.Wait()
	}
}

// far is how far a measurement has come.
type far struct {
	mu    sync.Mutex
	tally *tally // nil: it has not begun
}

func (f *far) set(t *tally) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tally = t
}

// String says what has come so far.
func (f *far) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tally == nil {
		return ""
	}
	var r Result
	f.tally.into(&r, 0)
	return fmt.Sprintf("; %d came, p50 %s", r.Delivered, duration(r.P50, 1))
}
