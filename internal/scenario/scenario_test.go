package scenario_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"fourwires/internal/scenario"
)

func TestFind(t *testing.T) {
	for _, name := range scenario.Names() {
		if s, err := scenario.Find(name); err != nil || s.Name != name {
			t.Errorf("%s: found %q, %v", name, s.Name, err)
		}
	}
	_, err := scenario.Find("tea")
	const want = `scenario "tea": must be one of chat, ticker, collab, game, iot, trading`
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// In JSON, as the page reads it, times are in milliseconds.
func TestJSON(t *testing.T) {
	s := scenario.Scenario{Name: "tea", Direction: scenario.Both, Rate: 0.5, Payload: 7, Burst: 3,
		Apart: 1500 * time.Microsecond, Clients: 2, Interval: 10 * time.Second, Why: "Thirst."}
	got, err := json.Marshal([]scenario.Scenario{s})
	want := `[{"name":"tea","direction":"both","rate":0.5,"payload":7,"burst":3,"apart_ms":1.5,` +
		`"clients":2,"interval_ms":10000,"why":"Thirst."}]`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestAll(t *testing.T) {
	for _, s := range scenario.All {
		if s.Rate <= 0 || s.Payload < 2 || s.Burst < 1 || s.Clients < 1 || s.Interval <= 0 || !strings.HasSuffix(s.Why, ".") {
			t.Errorf("%+v", s)
		}
	}
}
