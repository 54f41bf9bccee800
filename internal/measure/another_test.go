package measure

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/source"
)

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
