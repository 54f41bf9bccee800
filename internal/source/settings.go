package source

import (
	"fmt"
	"slices"
	"strings"

	"fourwires/feed"
)

// The sources and phases of [Settings].
const (
	Host   = "host"
	Market = "market"
	None   = "none"
	Stdin  = "stdin"  // needs the input of NewStdin
	Relay  = "relay"  // needs the input of NewRelay
	Replay = "replay" // needs the input of NewReplay

	Poisson = "poisson" // random gaps, exponentially distributed: any instant is as likely as any other
	Even    = "even"    // equal gaps
)

const (
	// MaxRate is the most messages a second.
	MaxRate = 10_000

	// MaxHostRate is the most messages a second of host. Between readings that are closer, processor times hardly
	// change.
	MaxHostRate = 10

	// MaxBurst is the most messages of a burst.
	MaxBurst = 1000
)

// Sources returns the names of all sources, the default first. A pump has stdin, relay and replay only if it was
// created with them: see [Pump.Sources].
func Sources() []string { return []string{Host, Market, None, Stdin, Relay, Replay} }

// Phases returns the names of the phases, the default first.
func Phases() []string { return []string{Poisson, Even} }

// Settings say what is published and how fast. An input has a pace and data of its own: to stdin, relay and replay only
// Source applies.
type Settings struct {
	Source  string  `json:"source"`   // one of Pump.Sources
	Rate    float64 `json:"rate"`     // messages a second: above 0, at most MaxRate, for host MaxHostRate
	Phase   string  `json:"phase"`    // one of Phases
	Burst   int     `json:"burst"`    // messages of a burst, from 1 to MaxBurst; 0 means 1
	Apart   float64 `json:"apart_ms"` // time between those of a burst, in ms: at most as long as the rate allows
	Payload int     `json:"payload"`  // bytes to which data is padded, at most feed.MaxData; 0: no padding
	Seed    uint64  `json:"seed"`     // of the market's random walk, and of the poisson gaps
}

// Default returns the default settings: two readings of host a second.
func Default() Settings {
	return Settings{Source: Host, Rate: 2, Phase: Poisson, Burst: 1, Seed: 1}
}

// check returns nil for settings that a pump with these sources accepts, and otherwise one sentence on the first fault.
// All settings are checked, whether or not they apply to the source, so that they stay valid when the source changes.
func (s Settings) check(sources []string) error {
	switch {
	case !slices.Contains(sources, s.Source):
		return fmt.Errorf("source %q: must be one of %s", s.Source, strings.Join(sources, ", "))
	case !slices.Contains(Phases(), s.Phase):
		return fmt.Errorf("phase %q: must be one of %s", s.Phase, strings.Join(Phases(), ", "))
	case !(s.Rate > 0): // in this form NaN is refused too
		return fmt.Errorf("rate %v: must be a number above 0", s.Rate)
	case s.Source == Host && s.Rate > MaxHostRate:
		return fmt.Errorf("rate %v: host takes at most %d readings a second", s.Rate, MaxHostRate)
	case s.Rate > MaxRate:
		return fmt.Errorf("rate %v: must be at most %d messages a second", s.Rate, MaxRate)
	case s.Burst < 0 || s.Burst > MaxBurst:
		return fmt.Errorf("burst %d: must be from 1 to %d messages", s.Burst, MaxBurst)
	case !(s.Apart >= 0) || s.Apart*s.Rate > 1000:
		const text = "apart_ms %v: must be from 0 to %v ms, what the rate leaves for a message"
		return fmt.Errorf(text, s.Apart, 1000/s.Rate)
	case s.Payload < 0 || s.Payload > feed.MaxData:
		return fmt.Errorf("payload %d: must be from 0 to %d bytes", s.Payload, feed.MaxData)
	}
	return nil
}
