// Package decide calculates which transport suits a need, and why. It never measures: it calculates the cost of each
// candidate from model.json, which has what this repository has measured. "lab decide" prints its advice.
package decide

import (
	"fmt"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
	"fourwires/internal/source"
)

// A Need is what a product needs of a live feed.
type Need struct {
	Rate      float64       // messages a second, of all clients together
	Size      int           // bytes of a message's data
	Direction string        // scenario.Down, Both or Up; with Down and Both each message goes to all clients
	Clients   int           // at once
	Late      time.Duration // the longest that a message may take
	RTT       time.Duration // a round trip between clients and server
	HTTP      int           // version, 1 or 2; a WebSocket opens its connection by 1
	Headers   string        // of the polls' requests: protocol.Go or protocol.Chrome
}

// Usual returns the need that "lab decide" begins with: the defaults of its flags.
func Usual() Need {
	return Need{Rate: 1, Size: 200, Direction: scenario.Down, Clients: 1000,
		Late: time.Second, RTT: 40 * time.Millisecond, HTTP: 2, Headers: protocol.Chrome}
}

// Check returns nil for a valid need, and otherwise one sentence on the first fault.
func (n Need) Check() error {
	switch {
	case !(n.Rate > 0) || n.Rate > source.MaxRate: // so written, NaN is refused too
		return fmt.Errorf("rate %v: must be above 0 and at most %d messages a second", n.Rate, source.MaxRate)
	case n.Size < scenario.MinPayload || n.Size > feed.MaxData:
		return fmt.Errorf("size %d: must be from %d to %d bytes", n.Size, scenario.MinPayload, feed.MaxData)
	case n.Direction != scenario.Down && n.Direction != scenario.Both && n.Direction != scenario.Up:
		return fmt.Errorf("direction %q: must be %s, %s or %s", n.Direction, scenario.Down, scenario.Both, scenario.Up)
	case n.Clients < 1 || n.Clients > 1_000_000:
		return fmt.Errorf("clients %d: must be from 1 to 1000000", n.Clients)
	case n.Late <= 0 || n.Late > time.Hour:
		return fmt.Errorf("late %v: must be above 0 and at most 1h", n.Late)
	case n.RTT < 0 || n.RTT > time.Minute:
		return fmt.Errorf("rtt %v: must be from 0s to 1m", n.RTT)
	case n.HTTP != 1 && n.HTTP != 2:
		return fmt.Errorf("http %d: must be 1 or 2", n.HTTP)
	case n.Headers != protocol.Go && n.Headers != protocol.Chrome:
		return fmt.Errorf("headers %q: must be %s or %s", n.Headers, protocol.Go, protocol.Chrome)
	}
	return nil
}

// version returns the version of HTTP that the client of a transport speaks.
func (n Need) version(transport string) int {
	t, _ := lab.Find(transport)
	return protocol.Settings{HTTP: n.HTTP}.Version(t.HTTP2)
}
