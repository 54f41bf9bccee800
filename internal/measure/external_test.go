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
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
)

// market returns the settings of a lab that publishes so many messages a second.
func market(rate float64) lab.Settings {
	return lab.Settings{Keep: feed.Keep, Source: source.Settings{Source: source.Market, Rate: rate, Phase: source.Even}}
}

// Of an external server, what cannot be known is not shown. A lab has a clock to ask, which here is ours: so a stream's
// latency is half the round trip, and may be wrong by as much.
func TestExternal(t *testing.T) {
	t.Parallel()
	const oneWay = 10 * time.Millisecond
	labtest.Virtual(t, market(100), netsim.Settings{RTT: 2 * oneWay}, func(t *testing.T, s *labtest.VirtualServer) {
		o := options(t, "http://localhost")
		o.For, o.Protocol.Dial = time.Second, s.Dial
		results, err := run(t.Context(), o)
		if err != nil || len(results) != 4 {
			t.Fatalf("%d results, %v", len(results), err)
		}
		for name, r := range results {
			if r.Delivered < 80 || r.Lost+uint64(r.Duplicated+r.Reordered) > 0 || r.CPU != nil || r.Age != nil {
				t.Errorf("%s: %+v", name, r)
			}
			least, most := float64(oneWay.Microseconds()), float64(oneWay.Microseconds())
			switch name {
			case "polling":
				most += float64(o.Interval.Microseconds())
			case "longpoll":
				most *= 3 // it may have to re-arm first
			}
			if r.P50 == nil || *r.P50 < least || *r.P50 > most || r.Off == nil || *r.Off != least {
				t.Errorf("%s: p50 %v, wrong by %v", name, r.P50, r.Off)
			}
			if r.Down.Payload == 0 || r.Up.Unaccounted+r.Down.Unaccounted != 0 {
				t.Errorf("%s: up %+v, down %+v", name, r.Up, r.Down)
			}
		}
	})
}

// One address for each transport is measured in the transports' order.
func TestExternalByTransport(t *testing.T) {
	t.Parallel()
	labtest.Virtual(t, market(100), netsim.Settings{}, func(t *testing.T, s *labtest.VirtualServer) {
		o := options(t, "sse=http://localhost/sse?heartbeat=1s", "longpoll=http://localhost/longpoll")
		o.Protocol.Dial = s.Dial
		var order []string
		err := Run(t.Context(), o, func(r Result) error {
			order = append(order, r.Transport)
			return nil
		})
		if err != nil || !slices.Equal(order, []string{"longpoll", "sse"}) {
			t.Errorf("measured %q, %v", order, err)
		}
	})
}

// A server that fails is reported in one line.
func TestFailures(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.NotFoundHandler())
	defer site.Close()
	for _, test := range []struct{ name, url, want string }{
		{"down", "http://127.0.0.1:1", "polling, after .*connection refused"},
		{"no lab", site.URL, "polling, after .*404 Not Found: 404 page not found"},
		{"no lab", "sse=" + site.URL, "sse, after .*404 Not Found: 404 page not found"},
		{"no lab", "websocket=" + site.URL, "websocket, after .*404 Not Found: 404 page not found"},
	} {
		results, err := run(t.Context(), options(t, test.url))
		if len(results) > 0 || err == nil || !matches(test.want, err.Error()) {
			t.Errorf("%s: %d results, %v, want %s", test.name, len(results), err, test.want)
		}
	}
}

// A server that accepts connections and never answers is one, too: after the patience with its clock, the time asked
// for, and the draining.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := netsim.Listen()
		defer memory.Close()
		go func() {
			for {
				conn, err := memory.Accept()
				if err != nil {
					return
				}
				go func() {
					io.Copy(io.Discard, conn)
					conn.Close()
				}()
			}
		}()
		o := options(t, "http://127.0.0.1")
		o.Protocol.Dial = memory.Dial
		results, err := run(t.Context(), o)
		const want = "polling, after 12.4s: the server says nothing"
		if len(results) > 0 || err == nil || err.Error() != want {
			t.Errorf("%d results, %v, want %s", len(results), err, want)
		}
	})
}

// Of a server that ends midway, what was measured before is shown.
func TestStoppedMidway(t *testing.T) {
	t.Parallel()
	labtest.Virtual(t, market(100), netsim.Settings{}, func(t *testing.T, s *labtest.VirtualServer) {
		const url = "http://localhost"
		o := options(t, "polling="+url+"/polling", "sse="+url+"/sse", "websocket="+url+"/websocket")
		o.For, o.Protocol.Dial = time.Second, s.Dial
		results := map[string]Result{}
		closed := make(chan struct{})
		err := Run(t.Context(), o, func(r Result) error {
			results[r.Transport] = r
			if r.Transport == "polling" {
				time.AfterFunc(o.For/2, func() {
					s.Close()
					close(closed)
				})
			}
			return nil
		})
		<-closed
		if err == nil || !matches("sse, after .*EOF", err.Error()) ||
			len(results) != 2 || results["sse"].Delivered == 0 {
			t.Errorf("%v, %+v", err, results)
		}
	})
}

// A transport that brings no message is an error that says what it brought; those beside it are measured all the same.
func TestNothing(t *testing.T) {
	t.Parallel()
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
	url := "http://" + labtest.Start(t, market(100)).Lanes
	results, err := run(t.Context(),
		options(t, "longpoll="+url+"/longpoll", "sse="+quiet.URL+"/sse", "websocket="+quiet.URL+"/websocket"))
	const want = `sse, after .*s: no message came; 1 request sent on 1 connection, and \d+ bytes received: ` +
		`5 of framing, \d+ of opening, 3 of control; websocket, after .*: .*404 Not Found.*`
	if err == nil || !matches(want, err.Error()) {
		t.Errorf("%v, want %s", err, want)
	}
	longpoll := results["longpoll"]
	if len(results) != 2 || longpoll.Delivered == 0 || longpoll.Network != "loopback" || results["sse"].Delivered > 0 {
		t.Errorf("%+v", results)
	}
}

// The certificate of an external server is checked, unless that is not wanted; and so is what the server speaks.
func TestExternalTLS(t *testing.T) {
	t.Parallel()
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
	server.TLS.NextProtos = nil // a server without ALPN does not refuse
	if _, err := run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the server does not speak HTTP/2") {
		t.Errorf("without ALPN: %v", err)
	}
}

// expired returns a certificate that was good yesterday.
func expired(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(-24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// An interrupt ends a measurement with what there is, and no message that is only on its way is lost.
func TestInterruptExternal(t *testing.T) {
	t.Parallel()
	labtest.Virtual(t, market(100), netsim.Settings{}, func(t *testing.T, s *labtest.VirtualServer) {
		o := options(t, "websocket=http://localhost/websocket")
		o.For, o.Protocol.Dial = time.Hour, s.Dial
		ctx, interrupt := context.WithTimeout(t.Context(), time.Second)
		defer interrupt()
		results, err := run(ctx, o)
		if r := results["websocket"]; err != nil || r.Delivered < 90 || r.Lost > 0 || r.Took > time.Second {
			t.Errorf("%v, %+v", err, r)
		}
	})
}

// Where the results cannot be printed, nothing more is measured.
func TestPrintFails(t *testing.T) {
	t.Parallel()
	labtest.Virtual(t, market(100), netsim.Settings{}, func(t *testing.T, s *labtest.VirtualServer) {
		o := options(t, "http://localhost")
		o.Protocol.Dial = s.Dial
		full, printed := errors.New("full"), 0
		err := Run(t.Context(), o, func(Result) error {
			printed++
			return full
		})
		if err != full || printed != 1 {
			t.Errorf("%v after %d results", err, printed)
		}
	})
}
