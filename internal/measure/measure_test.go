package measure

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/protocol"
	"fourwires/internal/scenario"
	"fourwires/internal/source"

	"go.uber.org/goleak"
)

// asServer is the environment variable that makes this test binary the server.
const asServer = "FOURWIRES_MEASURE_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) == "" {
		os.Setenv(asServer, "1") // for its children
		goleak.VerifyTestMain(m)
		return
	}
	if err := Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options returns those of a short measurement. A message is of 119 bytes while
// its id has two digits.
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
		Protocol: protocol.Settings{HTTP: 1, Headers: protocol.Headers{Set: protocol.Go}}, Targets: targets, Server: []string{self},
	}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	return o
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

// Every message comes, once and in order, and what it costs is exactly what the
// protocol says.
func TestRun(t *testing.T) {
	const size = 119 // of a message
	const clients = 3
	o := options(t)
	o.Clients = clients
	results, err := run(t.Context(), o)
	if err != nil || len(results) != 4 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	const n = 15 * clients
	for name, r := range results {
		if r.Delivered != n || r.Lost+uint64(r.Duplicated+r.Reordered) > 0 || r.Connections != clients || r.Network != "loopback" {
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
		if shared && (r.P50 == nil || *r.P50 <= 0 || *r.P50 > 5e6 || r.CPU == nil || *r.CPU <= 0) {
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
	if down := results["sse"].Down; down.Envelope != n*len64("id: abcdef-22\ndata: \n\n") || down.Framing == 0 || down.Framing > 6*n || down.Head != 0 {
		t.Errorf("sse: %+v", down)
	}
	for _, stream := range []string{"sse", "websocket"} {
		if r := results[stream]; r.Requests != clients || r.Down.Opening == 0 || r.Up.Head != 0 {
			t.Errorf("%s: %+v, want a request and an opening for each of %d clients", stream, r, clients)
		}
	}
	// Every poll has a head of so many bytes, and needs no opening.
	head := len64("GET /longpoll?after=abcdef-22 HTTP/1.1\r\nHost: 127.0.0.1:00000\r\nUser-Agent: Go-http-client/1.1\r\n\r\n")
	for _, poll := range []string{"polling", "longpoll"} {
		r := results[poll]
		want := (head + len64(poll) - len64("longpoll")) * r.Requests
		if slack := 8 * r.Requests; r.Requests == 0 || r.Up.Head > want || r.Up.Head < want-slack || r.Up.Opening+r.Down.Opening+r.Down.Framing != 0 {
			t.Errorf("%s: %+v, want %d bytes of heads up or a few less", poll, r, want)
		}
	}
	if requests := results["longpoll"].Requests; requests > n {
		t.Errorf("longpoll: %d requests for %d messages", requests, n)
	}
}

// On HTTP/2 with TLS every message comes too. A DATA frame has 9 bytes around what
// it carries (RFC 9113, section 4.1), a record of TLS 22 (RFC 8446, section 5.2). The
// WebSocket has a connection of HTTP/1.1.
func TestRunHTTP2(t *testing.T) {
	o := options(t)
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
		if frames := down.Framing / frame; down.Framing%frame != 0 || frames > n || down.TLS%22 != 0 || down.TLS < 22 || down.TLS > 22*frames {
			t.Errorf("%s: %+v, want %d bytes around each message, or some together, and 22 of TLS", name, down, frame)
		}
	}
}

// expired returns a certificate that was good yesterday.
func expired(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// In a scenario messages go up, too, by HTTP/1.1 and by HTTP/2: each comes to all,
// or is answered, once. With a browser's headers and a cookie it is the same.
func TestScenarios(t *testing.T) {
	for name, heads := range map[string]protocol.Headers{"collab": {Set: protocol.Go}, "iot": {Set: protocol.Chrome, Cookie: 100}} {
		s, err := scenario.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		o := options(t).With(s)
		o.For, o.Interval, o.Rate, o.Protocol.Headers = 300*time.Millisecond, 50*time.Millisecond, 50, heads
		var results []Result
		if err := RunAll(t.Context(), o, func(r Result) error {
			results = append(results, r)
			return nil
		}); err != nil || len(results) != 7 {
			t.Fatalf("%s: %d results, %v", name, len(results), err)
		}
		for _, r := range results {
			n := 15 * s.Clients // to all
			if s.Direction == scenario.Up {
				n = 15
			}
			if r.Delivered != n || r.Lost+uint64(r.Duplicated+r.Reordered) > 0 || r.Up.Unaccounted+r.Down.Unaccounted != 0 {
				t.Errorf("%s: %+v, want %d delivered", name, r, n)
			}
			if want := int64(15 * s.Payload); r.Up.Payload != want {
				t.Errorf("%s: %s by HTTP/%s has %d bytes of payload up, want %d", name, r.Transport, r.HTTP, r.Up.Payload, want)
			}
			if shared && (r.P50 == nil || *r.P50 <= 0 || (r.Age == nil) != (s.Direction == scenario.Up)) {
				t.Errorf("%s: latency %v, age %v", name, r.P50, r.Age)
			}
		}
		var out strings.Builder
		if err := ScenarioTable(&out, s, results); err != nil || !strings.Contains(out.String(), "These figures favour ") {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
	}
}

// What is favoured is what is, where it is worst, the least far from the best; what
// loses messages is not.
func TestFavours(t *testing.T) {
	us := func(v float64) *float64 { return &v }
	r := func(name string, age, p99, bytes float64, lost uint64) Result {
		r := Result{Transport: name, HTTP: "1.1", Age: us(age), P99: us(p99), CPU: us(1e6), Lost: lost, Took: time.Second}
		r.Down.Total = int64(bytes)
		return r
	}
	s := scenario.Scenario{Clients: 1}
	got := Favours(s, []Result{r("polling", 100, 100, 100, 0), r("sse", 20, 20, 150, 0), r("websocket", 10, 10, 50, 1)})
	want := "These figures favour sse by HTTP/1.1, at most 3.0 times the best (in bytes); then comes polling by HTTP/1.1, at most 10.0 times the best (in age)."
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Over a network of 40 ms a round trip a message is at least half of that on its
// way, and the result says which network it was.
func TestRunNetwork(t *testing.T) {
	o := options(t)
	o.Network.RTT = 40 * time.Millisecond
	results, err := run(t.Context(), o)
	if err != nil || len(results) != 4 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for name, r := range results {
		if r.Network != "loopback, rtt 40ms" || r.Delivered != 15 || r.Lost != 0 {
			t.Errorf("%s: %+v", name, r)
		}
		if shared && (r.P50 == nil || *r.P50 < 20_000) {
			t.Errorf("%s: p50 %v, want 20 ms or more", name, *r.P50)
		}
	}
}

// Another's certificate is looked at, unless that is not wanted; and so is what
// it speaks.
func TestAnothersTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler()) // of HTTP/1.1
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	o := options(t)
	o.Targets = []Target{{"polling", server.URL + "/polling"}}
	for _, test := range []struct {
		insecure bool
		http     int
		want     string
	}{
		{false, 1, "certificate signed by unknown authority"},
		{true, 1, "404 Not Found"},
		{true, 2, "no application protocol"},
	} {
		o.Protocol.Insecure, o.Protocol.HTTP = test.insecure, test.http
		if _, err := run(t.Context(), o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("insecure=%t, http=%d: %v, want %s", test.insecure, test.http, err, test.want)
		}
	}
	o.Protocol.Insecure, o.Protocol.HTTP = false, 1
	server.TLS.Certificates = []tls.Certificate{expired(t)}
	if _, err := run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "certificate has expired") {
		t.Errorf("an expired certificate: %v", err)
	}
	o.Protocol.Insecure, o.Protocol.HTTP = true, 2
	server.TLS.NextProtos = nil // who knows no ALPN does not refuse
	if _, err := run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the server does not speak HTTP/2") {
		t.Errorf("without ALPN: %v", err)
	}
}

// The heads of a browser and a cookie make heads and openings longer, and
// nothing else.
func TestRunHeaders(t *testing.T) {
	o := options(t)
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
		if slack := 24 * r.Requests; paid > want*r.Requests || paid < want*r.Requests-slack || r.Up.Total != paid || r.Down.Payload != 15*119 {
			t.Errorf("%s: %d requests, up %+v, want some %d bytes for each", name, r.Requests, r.Up, want)
		}
		if r.Up.Unaccounted+r.Down.Unaccounted != 0 {
			t.Errorf("%s: %d bytes unaccounted up, %d down", name, r.Up.Unaccounted, r.Down.Unaccounted)
		}
	}
}

func len64(s string) int64 { return int64(len(s)) }

// serveLab returns the URL of a lab with a market, until stop is called or the
// test ends.
func serveLab(t *testing.T, rate float64) (url string, stop func()) {
	t.Helper()
	l, err := lab.New(lab.Settings{Keep: feed.Keep, Source: source.Settings{Source: source.Market, Rate: rate, Phase: source.Even}})
	if err != nil {
		t.Fatal(err)
	}
	on, err := lab.Loopback(false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { l.Serve(ctx, on) })
	stop = func() {
		end()
		serving.Wait()
	}
	t.Cleanup(stop)
	return "http://" + on.Lanes.Addr().String(), stop
}

// Of another's server, what cannot be known is not shown.
func TestAnother(t *testing.T) {
	url, _ := serveLab(t, 100)
	o := options(t, url)
	o.For = time.Second
	results, err := run(t.Context(), o)
	if err != nil || len(results) != 4 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for name, r := range results {
		if r.Delivered < 10 || r.Lost+uint64(r.Duplicated+r.Reordered) > 0 || r.CPU != nil || r.Age != nil {
			t.Errorf("%s: %+v", name, r)
		}
		// A lab says its clock, which here is ours.
		if r.P50 == nil || r.Off == nil || *r.Off <= 0 || *r.P50 < -*r.Off || *r.P50 > 1e6 {
			t.Errorf("%s: p50 %v, wrong by %v", name, r.P50, r.Off)
		}
		if r.Down.Payload == 0 || r.Up.Unaccounted+r.Down.Unaccounted != 0 {
			t.Errorf("%s: up %+v, down %+v", name, r.Up, r.Down)
		}
	}
	// One address for each transport, in the transports' order.
	var order []string
	err = Run(t.Context(), options(t, "sse="+url+"/sse?heartbeat=1s", "longpoll="+url+"/longpoll"), func(r Result) error {
		order = append(order, r.Transport)
		return nil
	})
	if err != nil || !slices.Equal(order, []string{"longpoll", "sse"}) {
		t.Errorf("measured %q, %v", order, err)
	}
}

// A server that fails is told of in one line, with what was measured before.
func TestFailures(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	site := httptest.NewServer(http.NotFoundHandler())
	defer site.Close()
	for _, test := range []struct{ name, url, want string }{
		{"down", "http://127.0.0.1:1", "polling, after .*connection refused"},
		{"silent", "http://" + silent.Addr().String(), "polling, after .*the server says nothing"},
		{"no lab", site.URL, "polling, after .*404 Not Found: 404 page not found"},
		{"no lab", "sse=" + site.URL, "sse, after .*404 Not Found: 404 page not found"},
		{"no lab", "websocket=" + site.URL, "websocket, after .*404 Not Found: 404 page not found"},
	} {
		results, err := run(t.Context(), options(t, test.url))
		if len(results) > 0 || err == nil || !matches(test.want, err.Error()) {
			t.Errorf("%s: %d results, %v, want %s", test.name, len(results), err, test.want)
		}
	}

	url, stop := serveLab(t, 100)
	o := options(t, "polling="+url+"/polling", "sse="+url+"/sse", "websocket="+url+"/websocket")
	o.For = time.Second
	results := map[string]Result{}
	err = Run(t.Context(), o, func(r Result) error {
		results[r.Transport] = r
		if r.Transport == "polling" {
			time.AfterFunc(o.For/2, stop)
		}
		return nil
	})
	if err == nil || !matches("sse, after .*EOF", err.Error()) || len(results) != 2 || results["sse"].Delivered == 0 {
		t.Errorf("stopped midway: %v, %+v", err, results)
	}

	o = options(t)
	o.Server = []string{"/nowhere"}
	if _, err := run(t.Context(), o); err == nil || !matches("polling, after .*does not start.*", err.Error()) {
		t.Errorf("no server: %v", err)
	}
	full := errors.New("full")
	if err := Run(t.Context(), options(t), func(Result) error { return full }); err != full {
		t.Errorf("nowhere to print to: %v", err)
	}
}

// A transport that brings no message is an error that says what it brought; those beside
// it are measured all the same.
func TestNothing(t *testing.T) {
	quiet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sse" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, ":\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer quiet.Close()
	url, _ := serveLab(t, 100)
	results, err := run(t.Context(), options(t, "longpoll="+url+"/longpoll", "sse="+quiet.URL+"/sse", "websocket="+quiet.URL+"/websocket"))
	const want = `sse, after .*s: no message came; 1 request sent on 1 connection, and \d+ bytes received: 5 of framing, \d+ of opening, 3 of control; ` +
		`websocket, after .*: .*404 Not Found.*`
	if err == nil || !matches(want, err.Error()) {
		t.Errorf("%v, want %s", err, want)
	}
	if len(results) != 2 || results["longpoll"].Delivered == 0 || results["sse"].Delivered > 0 {
		t.Errorf("%+v", results)
	}
}

// An interrupt ends it with what there is, and nobody is said to be lost that
// is only on its way.
func TestInterrupt(t *testing.T) {
	url, _ := serveLab(t, 100)
	for _, target := range []Target{{"websocket", ""}, {"websocket", url + "/websocket"}} {
		o := options(t)
		o.For = time.Hour
		o.Targets = []Target{target}
		var r Result
		for after := time.Second; r.Delivered == 0; after *= 2 { // on a busy machine, the beginning takes its time
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
}

func TestProgress(t *testing.T) {
	url, _ := serveLab(t, 100)
	o := options(t, url)
	var line bytes.Buffer
	o.Progress = &line
	if _, err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if text := line.String(); !strings.HasPrefix(text, "\r\x1b[Kpolling, 1 of 4: 0s left, 1s in all") || !strings.HasSuffix(text, "\r\x1b[K") {
		t.Errorf("%q", text)
	}
}
