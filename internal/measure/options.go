package measure

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
	"fourwires/internal/source"
)

// The most that can be asked for.
const (
	MaxFor      = time.Hour
	MaxClients  = 1000
	MaxMessages = 1_000_000
)

// Options are what is measured, and how.
type Options struct {
	For      time.Duration // how long messages are published, for each transport
	Rate     float64       // messages a second
	Payload  int           // bytes of a message's data
	Interval time.Duration // of polling
	Clients  int
	Protocol protocol.Settings // TLS is for a server of our own; an external server's URL has it
	Network  netsim.Settings   // between the clients and a server of our own

	Direction string        // scenario.Down, Both or Up; empty: Down
	Burst     int           // messages that come together; 0: 1
	Apart     time.Duration // from one message of a burst to the next

	// Targets are what is measured. None: all transports, on a lab of our own. That is a process which Server, a
	// command line, starts; it must call [Serve].
	Targets []Target
	Server  []string

	// Progress gets a line that shows what is measured and how long it takes. The line is overwritten, and erased in
	// the end. nil: nobody gets it.
	Progress io.Writer
}

// With returns the options with those that the scenario sets.
func (o Options) With(s scenario.Scenario) Options {
	o.Direction, o.Rate, o.Payload, o.Burst, o.Apart = s.Direction, s.Rate, s.Payload, s.Burst, s.Apart
	o.Clients, o.Interval = s.Clients, s.Interval
	return o
}

// Check returns nil for valid options, and otherwise one sentence on the first fault.
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
		return fmt.Errorf("direction %q: must be %s, %s or %s",
			o.Direction, scenario.Down, scenario.Both, scenario.Up)
	}
	if err := o.Network.Check(); err != nil {
		return err
	}
	return o.Protocol.Check()
}

// messages returns how many messages are published for each transport.
func (o Options) messages() int { return int(math.Round(o.Rate * o.For.Seconds())) }

// roundTrip returns the longest round trip of the network.
func (o Options) roundTrip() time.Duration { return o.Network.RTT + 2*o.Network.Jitter }
