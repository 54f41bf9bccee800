// Package scenario has six uses of a live feed, each with what it asks of a transport: how often messages come, how
// large they are, in which direction they go, and for how many clients. "lab measure --scenario" measures them, the lab
// serves them at GET /control/scenarios, and the page plays them.
package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The directions in which messages go.
const (
	Down = "down" // downstream: the server publishes, all clients read
	Both = "both" // clients publish, all of them read
	Up   = "up"   // upstream alone: clients send, and the server echoes each message, which stands for an acknowledgement
)

// MinPayload is the least bytes of a message's data: an empty JSON string.
const MinPayload = len(`""`)

// A Scenario is one use of a live feed.
type Scenario struct {
	Name      string
	Direction string        // Down, Both or Up
	Rate      float64       // messages a second, of all clients together
	Payload   int           // bytes of a message's data
	Burst     int           // messages that come together; 1: each comes alone
	Apart     time.Duration // from one message of a burst to the next
	Clients   int
	Interval  time.Duration // of polling: the longest that the use can bear
	Why       string        // one or two sentences
}

// MarshalJSON returns the scenario with its times in milliseconds, which may have fractions.
func (s Scenario) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return json.Marshal(struct {
		Name      string  `json:"name"`
		Direction string  `json:"direction"`
		Rate      float64 `json:"rate"`
		Payload   int     `json:"payload"`
		Burst     int     `json:"burst"`
		Apart     float64 `json:"apart_ms"`
		Clients   int     `json:"clients"`
		Interval  float64 `json:"interval_ms"`
		Why       string  `json:"why"`
	}{s.Name, s.Direction, s.Rate, s.Payload, s.Burst, ms(s.Apart), s.Clients, ms(s.Interval), s.Why})
}

// All are the six scenarios, in the order in which they are shown. Nobody changes them.
var All = []Scenario{
	{"chat", Both, 4, 120, 1, 0, 20, time.Second,
		"A room of twenty, where somebody writes a line every five seconds. A second late is early enough."},
	{"ticker", Down, 10, 200, 1, 0, 20, time.Second,
		"Live updates: scores or prices of which everybody sees all, and nobody answers."},
	{"collab", Both, 20, 60, 5, 30 * time.Millisecond, 5, 200 * time.Millisecond,
		"Five people in one document. Whoever types sends a burst of small edits, and all see them as they are typed."},
	{"game", Both, 80, 60, 1, 0, 4, 50 * time.Millisecond,
		"Four players, each sends its position twenty times a second. What comes late is worth nothing."},
	{"iot", Up, 10, 200, 1, 0, 50, 10 * time.Second,
		"Fifty devices send a reading every five seconds, and are told that it came."},
	{"trading", Down, 200, 150, 10, time.Millisecond, 10, 100 * time.Millisecond,
		"Quotes in bursts: ten within some milliseconds, twenty times a second."},
}

// Names returns the names of the scenarios, in the order of [All].
func Names() []string {
	var names []string
	for _, s := range All {
		names = append(names, s.Name)
	}
	return names
}

// Find returns the scenario with this name. Where there is none, the error lists the names in one sentence.
func Find(name string) (Scenario, error) {
	i := slices.Index(Names(), name)
	if i < 0 {
		return Scenario{}, fmt.Errorf("scenario %q: must be one of %s", name, strings.Join(Names(), ", "))
	}
	return All[i], nil
}
