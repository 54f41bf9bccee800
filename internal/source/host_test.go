package source

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
)

func decode(t *testing.T, data []byte) reading {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	var r reading
	if err := d.Decode(&r); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return r
}

// The clock is the test's own, the readings are real. Real processor times do not change for some milliseconds, so the
// test takes readings until they have.
func TestHostReadings(t *testing.T) {
	now := time.Now()
	h := newHost(now)
	if r := decode(t, h.data(nil, now)); r.CPU != nil || r.In != nil || r.Out != nil {
		t.Errorf("the first reading has nothing to compare with, got %s", h.encoded)
	}
	var r reading
	for deadline := time.Now().Add(10 * time.Second); r.CPU == nil; {
		if time.Now().After(deadline) {
			t.Fatalf("no cpu in ten seconds, last %s", h.encoded)
		}
		now = now.Add(freshFor)
		r = decode(t, h.data(nil, now))
	}
	t.Logf("%s", h.encoded)
	if got, want := r.Sampled, now.UnixMicro(); got != want {
		t.Errorf("sampled %d, want %d", got, want)
	}
	if *r.CPU < 0 || *r.CPU > 100 {
		t.Errorf("cpu %v, want a percentage", *r.CPU)
	}
	if r.Memory == nil || *r.Memory <= 0 || *r.Memory > 100 {
		t.Errorf("memory is no percentage above 0: %s", h.encoded)
	}
	if r.Load != nil && (*r.Load < 0 || *r.Load > 100_000) {
		t.Errorf("load %v", *r.Load)
	}
	if r.In != nil && *r.In > 1e12 || r.Out != nil && *r.Out > 1e12 {
		t.Errorf("more than a terabyte a second: %s", h.encoded)
	}
}

func TestHostRepeatsAFreshReading(t *testing.T) {
	start := time.Now()
	h := newHost(start)
	one := string(h.data(nil, start.Add(freshFor-1)))
	if got, want := decode(t, []byte(one)).Sampled, start.UnixMicro(); got != want {
		t.Errorf("just before 100 ms: sampled %d, want %d", got, want)
	}
	two := h.data(nil, start.Add(freshFor))
	if got, want := decode(t, two).Sampled, start.Add(freshFor).UnixMicro(); got != want {
		t.Errorf("after 100 ms: sampled %d, want %d", got, want)
	}
	if got, want := string(h.data([]byte("in front "), start.Add(2*freshFor-1))), "in front "+string(two); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestReadingLeavesOutUnknownFigures(t *testing.T) {
	for want, r := range map[string]reading{
		`{"sampled":5}`: {Sampled: 5},
		`{"cpu":0,"load":0.52,"out":0,"sampled":0}`:   {CPU: new(0.0), Load: new(0.52), Out: new(uint64(0))},
		`{"memory":43.1,"in":1234,"sampled":1000000}`: {Memory: new(43.1), In: new(uint64(1234)), Sampled: 1e6},
	} {
		got, err := json.Marshal(r)
		if string(got) != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}

func TestOnly(t *testing.T) {
	if got := only([]int{7}, nil); got == nil || *got != 7 {
		t.Errorf("of one: got %v, want 7", got)
	}
	if got := only([]int{7}, errors.New("no")); got != nil {
		t.Errorf("of a failure: got %v, want nil", *got)
	}
	if got := only([]int{}, nil); got != nil {
		t.Errorf("of nothing: got %v, want nil", *got)
	}
}

func TestBusy(t *testing.T) {
	was := cpu.TimesStat{User: 10, Idle: 100, Iowait: 5}
	tests := []struct {
		name string
		is   cpu.TimesStat
		want *float64
	}{
		{"no time", was, nil},
		{"idle", cpu.TimesStat{User: 10, Idle: 101, Iowait: 6}, new(0.0)},
		{"a third", cpu.TimesStat{User: 10.5, System: 0.5, Idle: 101, Iowait: 6}, new(33.3)},
		{"guest is in user", cpu.TimesStat{User: 11, Guest: 1, Idle: 101, Iowait: 5}, new(50.0)},
		{"all", cpu.TimesStat{User: 11, Idle: 100, Iowait: 5}, new(100.0)},
		{"iowait back", cpu.TimesStat{User: 11, Idle: 100, Iowait: 4.5}, new(100.0)},
	}
	for _, test := range tests {
		got := busy(was, test.is)
		if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
			t.Errorf("%s: got %s, want %s", test.name, show(got), show(test.want))
		}
	}
}

func TestPerSecond(t *testing.T) {
	tests := []struct {
		was, is uint64
		elapsed time.Duration
		want    *uint64
	}{
		{1000, 1500, 500 * time.Millisecond, new(uint64(1000))},
		{1000, 1000, time.Second, new(uint64(0))},
		{1000, 999, time.Second, nil},
	}
	for _, test := range tests {
		got := perSecond(test.was, test.is, test.elapsed)
		if (got == nil) != (test.want == nil) || got != nil && *got != *test.want {
			t.Errorf("%d to %d in %v: got %s, want %s", test.was, test.is, test.elapsed, show(got), show(test.want))
		}
	}
}

func show(pointer any) string {
	b, _ := json.Marshal(pointer)
	return string(b)
}
