package measure

import (
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fourwires/internal/scenario"
)

func matches(pattern, text string) bool {
	return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(text)
}

// Latency counts from the instant at which a message was due, once.
func TestTally(t *testing.T) {
	c := newTally(2, 1)
	c.take(0, 1, nil, 0)
	c.take(1, 1, nil, 0)
	c.begin(2, 1000, []time.Duration{0, time.Millisecond}, scenario.Down)
	c.take(0, 2, nil, 1000+int64(3*time.Millisecond))
	c.take(0, 2, nil, 1000+int64(9*time.Millisecond))
	c.take(0, 3, nil, 1000+int64(4*time.Millisecond))
	c.take(1, 2, nil, 1000+int64(3*time.Millisecond))
	var r Result
	c.into(&r, 3)
	if r.Delivered != 3 || r.Duplicated != 1 || r.Lost != 1 || c.latency.TotalCount() != 3 {
		t.Errorf("%+v, of %d latencies", r, c.latency.TotalCount())
	}
	if shared && (r.P50 == nil || *r.P50 < 2990 || *r.P50 > 3010 || r.P99 != nil) {
		t.Errorf("p50 %v, p99 %v, want 3 ms and none", r.P50, r.P99)
	}
	// From 3 ms on the first client's newest message was as old, until at 4 ms it was 4.
	if shared && (r.Age == nil || *r.Age != 3500) {
		t.Errorf("age %v, want 3.5 ms", r.Age)
	}
}

func TestSchedule(t *testing.T) {
	var o Options
	a := o.schedule(1, 1000, time.Second)
	if !slices.Equal(a, o.schedule(1, 1000, time.Second)) || slices.Equal(a, o.schedule(2, 1000, time.Second)) {
		t.Error("a schedule is that of its seed")
	}
	if !slices.IsSorted(a) || a[0] < 0 || a[999] >= time.Second || a[0] > 50*time.Millisecond || a[999] < 950*time.Millisecond {
		t.Errorf("from %v to %v", a[0], a[999])
	}
	bursts := Options{Burst: 4, Apart: time.Millisecond}.schedule(1, 12, time.Hour)
	for i, instant := range bursts {
		if i%4 > 0 && instant != bursts[i-1]+time.Millisecond {
			t.Errorf("%v, want bursts of four", bursts)
		}
	}
}

// A message that says its number is counted by that, in whatever order it came.
func TestNumbered(t *testing.T) {
	for _, n := range []int{0, 7, 123456} {
		data := numbered(n, 30)
		if len(data) != 30 || !json.Valid(data) || numberOf(data) != n {
			t.Errorf("%d: %s says %d", n, data, numberOf(data))
		}
	}
	for _, data := range []string{"", "1", `{"n":x,}`, `{"n":`} {
		if n := numberOf([]byte(data)); n != -1 {
			t.Errorf("%q says %d", data, n)
		}
	}
	c := newTally(1, 1)
	c.begin(1, 0, []time.Duration{0, time.Second}, scenario.Both)
	c.take(0, 1, numbered(1, 20), int64(time.Second+time.Millisecond))
	if got := c.latency.Max(); got > 1_010_000 {
		t.Errorf("the latency of number 1 is %d ns, want 1 ms", got)
	}
}

func TestParseTargets(t *testing.T) {
	for _, test := range []struct {
		args string
		want string // the targets, or the error
	}{
		{"", ""},
		{"http://h:1", "polling=http://h:1/polling longpoll=http://h:1/longpoll sse=http://h:1/sse websocket=http://h:1/websocket"},
		{"http://h:1/", "polling=http://h:1/polling longpoll=http://h:1/longpoll sse=http://h:1/sse websocket=http://h:1/websocket"},
		{"websocket=http://h/ws?x=1 polling=http://h/p", "polling=http://h/p websocket=http://h/ws?x=1"},
		{"h:1", `url "h:1": must be .*`},
		{"https://h:1 ", "polling=https://h:1/polling longpoll=https://h:1/longpoll sse=https://h:1/sse websocket=https://h:1/websocket"},
		{"ftp://h:1", `url "ftp://h:1": must be .*`},
		{"http://", `url "http://": must be .*`},
		{"http://h:1/polling", `url "http://h:1/polling": must be one .*`},
		{"http://h:1?a=b", `url "http://h:1.a=b": must be one .*`},
		{"http://h:1 http://h:2", `url "http://h:1": must be one .*`},
		{"sse=http://h/a http://h:2", `url "http://h:2": must be one .*`},
		{"carrier=http://h/a", `url "carrier=http://h/a": a transport is one of polling, longpoll, sse, websocket`},
		{"sse=http://h/a sse=http://h/b", `url "sse=http://h/b": sse has one already`},
		{"sse=/sse", `url "sse=/sse": must be .*`},
	} {
		targets, err := ParseTargets(strings.Fields(test.args))
		if err != nil {
			if !matches(test.want, err.Error()) {
				t.Errorf("%s: %v, want %s", test.args, err, test.want)
			}
			continue
		}
		var got []string
		for _, target := range targets {
			got = append(got, target.Transport+"="+target.URL)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %q, want %s", test.args, got, test.want)
		}
	}
}

// A latency between two clocks is no more exact than they are known.
func TestLatencyText(t *testing.T) {
	us := func(v float64) *float64 { return &v }
	for _, test := range []struct {
		us, off *float64
		want    string
	}{
		{us(51_200), nil, "51.2 ms"}, {us(51_200), us(300), "51.2 ms"}, {us(1000), us(200), "1.0 ms"},
		{us(1000), us(201), "< 1.2 ms"}, {us(-50), us(300), "< 250 µs"}, {nil, us(1), "–"},
	} {
		if got := latency(test.us, test.off); got != test.want {
			t.Errorf("%v ± %v: %q, want %q", test.us, test.off, got, test.want)
		}
	}
}

// What the server's process does not understand ends it, with a sentence.
func TestServeCommands(t *testing.T) {
	for _, test := range []struct{ commands, want string }{
		{"stop\n", ""},
		{"network 0 0 0\nstop\n", ""},
		{"start\n", `the command "start": must be one of publish, network, stop`},
		{"publish 0 1 ten 0 80 1 0\n", `the command "publish 0 1 ten 0 80 1 0": .*`},
		{"network 0 0\n", `the command "network 0 0": .*`},
		{"network -1 0 0\n", `the command "network -1 0 0": rtt -1ns: .*`},
	} {
		got := ""
		if err := Serve(strings.NewReader(test.commands), io.Discard); err != nil {
			got = err.Error()
		}
		if !matches(test.want, got) {
			t.Errorf("%q: %s, want %s", test.commands, got, test.want)
		}
	}
}

func TestDirectionCheck(t *testing.T) {
	o := options(t)
	o.Direction = "sideways"
	if err := o.Check(); err == nil || err.Error() != `direction "sideways": must be down, both or up` {
		t.Error(err)
	}
}
