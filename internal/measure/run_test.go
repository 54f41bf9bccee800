package measure

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"fourwires/internal/child"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/needs"
	"fourwires/internal/netsim"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"

	"go.uber.org/goleak"
)

// asServer is the environment variable that makes this test binary the server.
const asServer = "FOURWIRES_MEASURE_SERVER"

// TestMain has eight tests run at once, since most of them wait, unless -parallel asks for another number.
func TestMain(m *testing.M) {
	if os.Getenv(asServer) == "" {
		os.Setenv(asServer, "1") // for its children
		flag.Parse()
		given := false
		flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
		if !given {
			flag.Set("test.parallel", "8")
		}
		goleak.VerifyTestMain(m)
		return
	}
	if err := Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options returns those of a short measurement. A message has 119 bytes while its id has two digits.
func options(t *testing.T, args ...string) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	targets, err := ParseTargets(args)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		For: 300 * time.Millisecond, Rate: 50, Payload: 80, Interval: 100 * time.Millisecond, Clients: 1,
		Protocol: protocol.Settings{HTTP: 1, Headers: protocol.Headers{Set: protocol.Go}},
		Targets:  targets, Server: []string{self},
	}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	return o
}

// ownServer returns those of a short measurement of a server of our own, which is a process.
func ownServer(t *testing.T) Options {
	t.Helper()
	needs.Process(t)
	return options(t)
}

// run returns the results by transport, and the error.
func run(ctx context.Context, o Options) (map[string]Result, error) {
	results := map[string]Result{}
	err := Run(ctx, o, func(r Result) error {
		results[r.Transport] = r
		return nil
	})
	return results, err
}

// Every message is received once and in order, and costs exactly what the protocol demands.
func TestRun(t *testing.T) {
	t.Parallel()
	const size = 119 // of a message
	const clients = 3
	o := ownServer(t)
	o.Clients = clients
	results, err := run(t.Context(), o)
	if err != nil || len(results) != 4 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	const n = 15 * clients
	for name, r := range results {
		if r.Delivered != n || r.Lost+uint64(r.Duplicated+r.Reordered) > 0 ||
			r.Connections != clients || r.Network != "loopback" {
			t.Errorf("%s: %+v, want %d delivered to %d clients", name, r, n, clients)
		}
		if r.Down.Payload != n*size || r.Up.Payload != 0 {
			t.Errorf("%s: %d bytes of payload down, %d up, want %d and none", name, r.Down.Payload, r.Up.Payload, n*size)
		}
		if r.Up.Unaccounted+r.Down.Unaccounted != 0 {
			t.Errorf("%s: %d bytes unaccounted up, %d down", name, r.Up.Unaccounted, r.Down.Unaccounted)
		}
		for direction, parts := range map[string]any{"up": r.Up, "down": r.Down} {
			sum, v := int64(0), reflect.ValueOf(parts)
			for i := range v.NumField() {
				sum += v.Field(i).Int()
			}
			if total := v.FieldByName("Total").Int(); sum != 2*total {
				t.Errorf("%s: the parts %s are %d bytes together, the total is %d", name, direction, sum-total, total)
			}
		}
		if child.Shared && (r.P50 == nil || *r.P50 <= 0 || *r.P50 > 5e6 || r.CPU == nil || *r.CPU <= 0) {
			t.Errorf("%s: latency %v, CPU %v", name, r.P50, r.CPU)
		}
		if r.P99 != nil {
			t.Errorf("%s: a p99 of %d samples", name, n)
		}
	}

	// A frame's header has 2 bytes up to 125 of payload (RFC 6455, section 5.2).
	if down := results["websocket"].Down; down.Framing != 2*n || down.Envelope+down.Head+down.Control != 0 {
		t.Errorf("websocket: %+v, want frames of 2 bytes and nothing else", down)
	}
	if up := results["websocket"].Up; up.Total != up.Opening || up.Opening == 0 {
		t.Errorf("websocket: %+v, want an opening only", up)
	}
	// An event is "id: EPOCH-ID\ndata: …\n\n". What comes with another shares its chunk.
	if down := results["sse"].Down; down.Envelope != n*len64("id: abcdef-22\ndata: \n\n") ||
		down.Framing == 0 || down.Framing > 6*n || down.Head != 0 {
		t.Errorf("sse: %+v", down)
	}
	for _, stream := range []string{"sse", "websocket"} {
		if r := results[stream]; r.Requests != clients || r.Down.Opening == 0 || r.Up.Head != 0 {
			t.Errorf("%s: %+v, want a request and an opening for each of %d clients", stream, r, clients)
		}
	}
	// Every poll has a head of so many bytes, and needs no opening.
	head := len64("GET /longpoll?after=abcdef-22 HTTP/1.1\r\nHost: 127.0.0.1:00000\r\n" +
		"User-Agent: Go-http-client/1.1\r\n\r\n")
	for _, poll := range []string{"polling", "longpoll"} {
		r := results[poll]
		want := (head + len64(poll) - len64("longpoll")) * r.Requests
		if slack := 8 * r.Requests; r.Requests == 0 || r.Up.Head > want || r.Up.Head < want-slack ||
			r.Up.Opening+r.Down.Opening+r.Down.Framing != 0 {
			t.Errorf("%s: %+v, want %d bytes of heads up or a few less", poll, r, want)
		}
	}
	if requests := results["longpoll"].Requests; requests > n {
		t.Errorf("longpoll: %d requests for %d messages", requests, n)
	}
}

// On HTTP/2 with TLS every message is received too. A DATA frame adds 9 bytes (RFC 9113, section 4.1), a TLS record 22
// (RFC 8446, section 5.2). The WebSocket opens its connection by HTTP/1.1.
func TestRunHTTP2(t *testing.T) {
	t.Parallel()
	o := ownServer(t)
	o.Protocol.HTTP, o.Protocol.TLS = 2, true
	results, err := run(t.Context(), o)
	if err != nil || len(results) != 4 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	const n, size = 15, 119
	for name, r := range results {
		version := map[bool]string{true: "1.1", false: "2"}[name == "websocket"]
		if r.HTTP != version || !r.TLS || r.Delivered != n || r.Lost != 0 || r.Connections != 1 || r.Down.Payload != n*size {
			t.Errorf("%s: %+v, want %d delivered by HTTP/%s and TLS", name, r, n, version)
		}
		if r.Up.Unaccounted+r.Down.Unaccounted != 0 {
			t.Errorf("%s: %d bytes unaccounted up, %d down", name, r.Up.Unaccounted, r.Down.Unaccounted)
		}
		if r.Up.Opening < 200 || r.Down.Opening < 500 {
			t.Errorf("%s: an opening of %d and %d bytes, want a handshake of TLS in it", name, r.Up.Opening, r.Down.Opening)
		}
	}
	for name, frame := range map[string]int64{"sse": 9, "websocket": 2} {
		down := results[name].Down
		if frames := down.Framing / frame; down.Framing%frame != 0 || frames > n ||
			down.TLS%22 != 0 || down.TLS < 22 || down.TLS > 22*frames {
			t.Errorf("%s: %+v, want %d bytes around each message, or some together, and 22 of TLS", name, down, frame)
		}
	}
}

// In a scenario messages go upstream, too, by HTTP/1.1 and by HTTP/2: each comes to all, or is answered, once. With a
// browser's headers and a cookie it is the same.
func TestScenarios(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string]protocol.Headers{
		"collab": {Set: protocol.Go}, "iot": {Set: protocol.Chrome, Cookie: 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := scenario.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			o := ownServer(t).With(s)
			o.Interval, o.Rate, o.Protocol.Headers = 50*time.Millisecond, 50, headers
			var results []Result
			if err := RunAll(t.Context(), o, func(r Result) error {
				results = append(results, r)
				return nil
			}); err != nil || len(results) != 7 {
				t.Fatalf("%d results, %v", len(results), err)
			}
			n := 15 * s.Clients // to all
			if s.Direction == scenario.Up {
				n = 15
			}
			for _, r := range results {
				if r.Delivered != n || r.Lost+uint64(r.Duplicated+r.Reordered) > 0 ||
					r.Up.Unaccounted+r.Down.Unaccounted != 0 {
					t.Errorf("%+v, want %d delivered", r, n)
				}
				if want := int64(15 * s.Payload); r.Up.Payload != want {
					t.Errorf("%s by HTTP/%s has %d bytes of payload up, want %d",
						r.Transport, r.HTTP, r.Up.Payload, want)
				}
				if child.Shared && (r.P50 == nil || *r.P50 <= 0 || (r.Age == nil) != (s.Direction == scenario.Up)) {
					t.Errorf("latency %v, age %v", r.P50, r.Age)
				}
			}
			var out strings.Builder
			err = ScenarioTable(&out, s, results)
			if err != nil || !strings.Contains(out.String(), "These figures favour ") {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}

// Over a network with a round trip of 40 ms a message takes at least half of that, and the result names the network.
func TestRunNetwork(t *testing.T) {
	t.Parallel()
	o := ownServer(t)
	o.Network.RTT = 40 * time.Millisecond
	results, err := run(t.Context(), o)
	if err != nil || len(results) != 4 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for name, r := range results {
		if r.Network != "loopback, rtt 40ms" || r.Delivered != 15 || r.Lost != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if child.Shared && (r.P50 == nil || *r.P50 < 20_000) {
			t.Errorf("%s: p50 %v, want 20 ms or more", name, *r.P50)
		}
	}
}

// The headers of a browser and a cookie make heads and openings longer, and nothing else.
func TestRunHeaders(t *testing.T) {
	t.Parallel()
	o := ownServer(t)
	o.Protocol.Headers = protocol.Headers{Set: protocol.Chrome, Cookie: 512}
	results, err := run(t.Context(), o)
	if err != nil || len(results) != 4 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	recorded, err := os.ReadFile("../protocol/testdata/chrome-headers.txt")
	if err != nil {
		t.Fatal(err)
	}
	chrome := map[string]string{} // header lines by kind of request
	for section := range strings.SplitSeq(strings.ReplaceAll(string(recorded), "\r\n", "\n"), "\n\n") {
		kind, lines, _ := strings.Cut(strings.TrimPrefix(section, "["), "]\n")
		chrome[kind] = strings.ReplaceAll(lines, "\n", "\r\n")
	}
	for name, r := range results {
		kind := map[string]string{"sse": "eventsource", "websocket": "websocket"}[name]
		if kind == "" {
			kind = "fetch"
		}
		lines := strings.NewReplacer("{host}", "127.0.0.1:00000", "{key}", strings.Repeat("k", 24)).Replace(chrome[kind])
		want := len64("GET /?after=abcdef-22 HTTP/1.1\r\n") + len64(name) + len64(lines) +
			len64("\r\nCookie: \r\n\r\n") + 512
		paid := r.Up.Head + r.Up.Opening
		if slack := 24 * r.Requests; paid > want*r.Requests || paid < want*r.Requests-slack ||
			r.Up.Total != paid || r.Down.Payload != 15*119 {
			t.Errorf("%s: %d requests, up %+v, want some %d bytes for each", name, r.Requests, r.Up, want)
		}
		if r.Up.Unaccounted+r.Down.Unaccounted != 0 {
			t.Errorf("%s: %d bytes unaccounted up, %d down", name, r.Up.Unaccounted, r.Down.Unaccounted)
		}
	}
}

func len64(s string) int64 { return int64(len(s)) }

// An interrupt ends a measurement with what there is, and no message that is only on its way is lost.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	o := ownServer(t)
	o.For, o.Targets = time.Hour, []Target{{Transport: "websocket"}}
	var r Result
	for after := time.Second / 2; r.Delivered == 0; after *= 2 { // on a busy machine, the beginning takes its time
		if after > time.Minute {
			t.Fatal("nothing was measured in a minute")
		}
		ctx, interrupt := context.WithTimeout(t.Context(), after)
		results, err := run(ctx, o)
		interrupt()
		if err != nil {
			t.Fatal(err)
		}
		r = results["websocket"]
	}
	if r.Lost > 0 || r.Took > time.Minute {
		t.Errorf("%+v", r)
	}
}

func TestNoServer(t *testing.T) {
	o := options(t)
	o.Server = []string{"/nowhere"}
	if _, err := run(t.Context(), o); err == nil || !matches("polling, after .*does not start.*", err.Error()) {
		t.Error(err)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	labtest.Virtual(t, market(100), netsim.Settings{}, func(t *testing.T, s *labtest.VirtualServer) {
		o := options(t, "http://localhost")
		var line bytes.Buffer
		o.Progress, o.Protocol.Dial = &line, s.Dial
		if _, err := run(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		text := line.String()
		if !strings.HasPrefix(text, "\r\x1b[Kpolling, 1 of 4: 0s left, 1s in all") ||
			!strings.HasSuffix(text, "\r\x1b[K") {
			t.Errorf("%q", text)
		}
	})
}
