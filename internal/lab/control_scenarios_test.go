package lab_test

import (
	"encoding/json"
	"slices"
	"testing"

	"fourwires/feed"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/scenario"
)

// The control API answers with the six scenarios in their order, with times as numbers of milliseconds.
func TestScenarios(t *testing.T) {
	_, _, control := onLoopback(t, labtest.Quiet(feed.Keep))
	status, body := call(t, "GET", control+"/control/scenarios", "")
	var got []struct {
		Name     string
		Interval float64 `json:"interval_ms"`
	}
	if err := json.Unmarshal([]byte(body), &got); status != 200 || err != nil {
		t.Fatalf("%d %s (%v)", status, body, err)
	}
	var names []string
	for _, s := range got {
		names = append(names, s.Name)
	}
	if !slices.Equal(names, scenario.Names()) {
		t.Errorf("the scenarios are %v, want %v", names, scenario.Names())
	}
	if want, _ := scenario.Find(names[0]); got[0].Interval != float64(want.Interval.Milliseconds()) {
		t.Errorf("the interval of %s is %v ms, want %v", names[0], got[0].Interval, want.Interval)
	}
}
