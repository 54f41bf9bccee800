package lab_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"

	gorilla "github.com/gorilla/websocket"
	"golang.org/x/net/http2"
)

// TestTLS runs the four transports over TLS: every message arrives at the instant at which it is published, and at the
// end each client learns that the lab has ended.
func TestTLS(t *testing.T) {
	t.Parallel()
	for _, transport := range lab.Transports {
		for _, version := range []int{1, 2} {
			if version == 2 && !transport.HTTP2 {
				continue // golang/go#49918: it has no HTTP/2
			}
			t.Run(fmt.Sprintf("%s/http=%d", transport.Name, version), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l, n := inMemoryTLS(t, labtest.Quiet(feed.Keep))
					publish(t, l.Feed, 1, 500)
					for id := range 10 {
						time.AfterFunc(time.Duration(id+1)*time.Second, func() { publish1(t, l.Feed, id) })
					}
					time.AfterFunc(20*time.Second, l.Close)
					c := transport.Client(lab.Access{URL: "https://localhost/" + transport.Name + "?after=0", Dial: n.dialTLS(version), HTTP2: version == 2})
					start := time.Now()
					last := uint64(0)
					for m, err := range c.Messages(t.Context()) {
						if err != nil {
							ended := errors.Is(err, net.ErrClosed) // polls: the next request finds no server
							switch transport.Name {
							case "sse":
								ended = errors.Is(err, io.EOF)
							case "websocket":
								ended = gorilla.IsCloseError(errors.Unwrap(err), gorilla.CloseGoingAway)
							}
							if !ended || last != 510 {
								t.Errorf("after message %d: %v", last, err)
							}
							break
						}
						due := start.Add(max(0, time.Duration(m.ID)-500) * time.Second)
						if late := time.Since(due); m.ID != last+1 || late > 0 && transport.Name != "polling" || late > 2*time.Second {
							t.Errorf("message %d after %d comes %v late", m.ID, last, late)
						}
						last = m.ID
					}
					// A poll later; or 5 s, which crypto/tls waits to send close_notify when both ends send it at once
					// and neither reads.
					if took := time.Since(start); took > 25*time.Second {
						t.Errorf("the end came after %v, want 25 s at most", took)
					}
					time.Sleep(10 * time.Second) // until both have sent close_notify
				})
			})
		}
	}
}

// A lab that serves for a year has a valid certificate on each day, for each of its hosts, and a new one twice a month.
func TestCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, n := inMemoryTLS(t, labtest.Quiet(feed.Keep))
		var serials []string
		for range 365 {
			conn, err := n.dialTLS(1)(t.Context(), "tcp", "localhost")
			if err != nil {
				t.Fatal(err)
			}
			cert := conn.(*tls.Conn).ConnectionState().PeerCertificates[0]
			conn.Close()
			roots := x509.NewCertPool()
			roots.AddCert(cert)
			for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
				for _, clock := range []time.Duration{0, -time.Hour, 24 * time.Hour} { // how far the client's clock is wrong
					_, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: time.Now().Add(clock)})
					if err != nil {
						t.Errorf("%v, with a clock that is off by %v: %v", time.Now(), clock, err)
					}
				}
			}
			if err := cert.VerifyHostname("elsewhere.example"); err == nil {
				t.Error("it is valid for elsewhere.example")
			}
			if serial := cert.SerialNumber.String(); !slices.Contains(serials, serial) {
				serials = append(serials, serial)
			}
			time.Sleep(24 * time.Hour)
		}
		if got, want := len(serials), 25; got != want { // days 0, 15 … 360
			t.Errorf("%d certificates in a year, want %d", got, want)
		}
	})
}

// Many clients at once get the same certificate.
func TestCertificateAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n := inMemoryTLS(t, labtest.Quiet(feed.Keep))
		var mu sync.Mutex
		serials := map[string]int{}
		var clients sync.WaitGroup
		for range 50 {
			clients.Go(func() {
				conn, err := n.dialTLS(1)(t.Context(), "tcp", "localhost")
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				mu.Lock()
				defer mu.Unlock()
				serials[conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()]++
			})
		}
		clients.Wait()
		if len(serials) != 1 {
			t.Errorf("the certificates' numbers are %v, want one", serials)
		}
	})
}

// A client that verifies the certificate refuses it, and a client without a protocol or version in common fails too.
// The lab counts these handshakes.
func TestHandshakeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, n := inMemoryTLS(t, labtest.Quiet(feed.Keep))
		for i, test := range []struct {
			config *tls.Config
			want   string
		}{
			{&tls.Config{ServerName: "localhost", RootCAs: x509.NewCertPool()}, "tls: failed to verify certificate: x509: certificate signed by unknown authority"},
			{&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}}, "remote error: tls: no application protocol"},
			{&tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, "remote error: tls: protocol version not supported"},
		} {
			conn, err := n.tls.Dial(t.Context(), "tcp", "localhost")
			if err != nil {
				t.Fatal(err)
			}
			if err := tls.Client(conn, test.config).Handshake(); err == nil || err.Error() != test.want {
				t.Errorf("%v, want %s", err, test.want)
			}
			conn.Close()
			synctest.Wait()
			if got, want := n.metric(t, `fourwires_refusals_total{cause="tls"}`), fmt.Sprint(i+1); got != want {
				t.Errorf("the lab counts %q, want %s", got, want)
			}
		}
	})
}

// A client must speak the protocol that ALPN chose. Otherwise the connection ends at once, without an answer, and is
// counted.
func TestKeepsToALPN(t *testing.T) {
	t.Parallel()
	const request = "GET /polling HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	const preface = http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" // and settings
	for _, test := range []struct {
		offers, send string
		want         string // what the answer begins with; "": there is none
	}{
		{"h2", preface, "\x00\x00\x1e\x04"}, // settings
		{"h2", request, ""},
		{"h2", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", ""},
		{"h2,http/1.1", request, ""},
		{"http/1.1", request, "HTTP/1.1 200 OK\r\n"},
		{"http/1.1", preface, ""},
		{"", request, "HTTP/1.1 200 OK\r\n"},
		{"", preface, ""},
	} {
		for _, piece := range []int{1, 1000} {
			for _, untapped := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%.8q/%d/%v", test.offers, test.send, piece, untapped), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						settings := labtest.Quiet(feed.Keep)
						settings.Untapped = untapped
						l, n := inMemoryTLS(t, settings)
						below, err := n.tls.Dial(t.Context(), "tcp", "localhost")
						if err != nil {
							t.Fatal(err)
						}
						config := &tls.Config{InsecureSkipVerify: true}
						if test.offers != "" {
							config.NextProtos = strings.Split(test.offers, ",")
						}
						conn := tls.Client(below, config)
						start := time.Now()
						for part := range slices.Chunk([]byte(test.send), piece) {
							if _, err := conn.Write(part); err != nil {
								break
							}
							synctest.Wait()
						}
						var answer []byte
						if test.send == preface && test.want != "" {
							answer = make([]byte, len(test.want))
							io.ReadFull(conn, answer)
						} else {
							answer, _ = io.ReadAll(conn)
						}
						if !strings.HasPrefix(string(answer), test.want) || test.want == "" && len(answer) > 0 {
							t.Errorf("the answer is %.100q, want %q", answer, test.want)
						}
						if took := time.Since(start); took > time.Second { // for close_notify
							t.Errorf("it came after %v", took)
						}
						below.Close()
						synctest.Wait()
						refused := n.metric(t, `fourwires_refusals_total{cause="tls"}`)
						if (refused == "1") != (test.want == "") {
							t.Errorf("the lab counts %q", refused)
						}
						if !untapped && test.want != "" { // half a start line is nobody's
							balance(t, l.Ledger.Snapshot())
						}
					})
				})
			}
		}
	}
}

// The lab accepts no cipher suite of TLS 1.2 that HTTP/2 forbids.
func TestSuites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, n := inMemoryTLS(t, labtest.Quiet(feed.Keep))
		taken := 0
		for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
				continue
			}
			below, err := n.tls.Dial(t.Context(), "tcp", "localhost")
			if err != nil {
				t.Fatal(err)
			}
			conn := tls.Client(below, &tls.Config{
				InsecureSkipVerify: true, NextProtos: []string{"h2"}, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID},
			})
			if err := conn.Handshake(); err == nil {
				taken++
				// RFC 9113, appendix A has every suite without an ephemeral key or without AEAD.
				if !strings.HasPrefix(suite.Name, "TLS_ECDHE") || !strings.Contains(suite.Name, "GCM") && !strings.Contains(suite.Name, "POLY1305") {
					t.Errorf("the lab takes %s", suite.Name)
				}
			}
			below.Close()
			synctest.Wait()
		}
		if taken != 3 {
			t.Errorf("the lab takes %d suites, want 3", taken)
		}
	})
}

// TestHostileTLS is TestHostile for handshakes of TLS.
func TestHostileTLS(t *testing.T) {
	t.Parallel()
	hello := clientHello(t)
	for _, test := range []struct {
		name  string
		send  string        // at once
		drip  string        // and then a byte of this a second
		deaf  bool          // reads nothing
		want  string        // what the answer has in it; "" for none
		after time.Duration // when the connection ends, at the latest
	}{
		{"sends nothing", "", "", false, "", 10 * time.Second},
		{"HTTP/1.1 without TLS", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "", false, `{"error":"this address speaks TLS: ask https://"}`, time.Second},
		{"HTTP/2 without TLS", http2.ClientPreface, "", false, "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n", time.Second},
		{"garbage", "\x00\x01\x02\x03\x04\x05\x06\x07", "", false, "", time.Second},
		{"a record of another version", "\x16\x99\x09\x00\x01\x01", "", false, "", time.Second},
		{"a record beyond 2^14 bytes", "\x16\x03\x01\xff\xff" + strings.Repeat("x", 1<<16), "", false, "\x15\x03", time.Second},
		{"a hello that is none", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "", false, "\x15\x03", time.Second},
		{"half a record's header", hello[:3], "", false, "", 10 * time.Second},
		{"half a hello", hello[:100], "", false, "", 10 * time.Second},
		{"a hello byte by byte", hello[:5], hello[5:], false, "", 11 * time.Second},
		{"a hello, and silence", hello, "", false, "\x16\x03\x03", 10 * time.Second},
		{"a hello, and nothing is read", hello, "", true, "", 10 * time.Second},
		{"two hellos", hello + hello, "", false, "\x16\x03\x03", time.Second},
		{"a hello and garbage", hello + "\x17\x03\x03\x00\x20" + strings.Repeat("x", 32), "", false, "\x16\x03\x03", time.Second},
		{"empty records without end", hello + strings.Repeat("\x14\x03\x03\x00\x01\x01", 100), "", false, "\x16\x03\x03", time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good, n := amongGood(t, false)
				conn, err := n.tls.Dial(t.Context(), "tcp", "localhost")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				start := time.Now()
				var answer []byte
				var reading sync.WaitGroup
				if !test.deaf {
					reading.Go(func() { answer, _ = io.ReadAll(conn) })
				}
				_, err = io.WriteString(conn, test.send)
				for i := 0; err == nil && (test.drip != "" || test.deaf); i++ {
					time.Sleep(time.Second)
					if test.drip != "" {
						_, err = conn.Write([]byte{test.drip[i]})
					} else {
						_, err = conn.Write(nil) // is it there?
					}
				}
				reading.Wait()
				if took := time.Since(start); took > test.after {
					t.Errorf("the connection ended after %v, want %v at most", took, test.after)
				}
				if !strings.Contains(string(answer), test.want) || test.want == "" && len(answer) > 0 {
					t.Errorf("the answer is %.300q, want %q in it", answer, test.want)
				}
				if got := n.metric(t, `fourwires_refusals_total{cause="tls"}`); got != "1" {
					t.Errorf("the lab counts %q failed handshakes, want 1", got)
				}
				good.Wait()
			})
		})
	}
}

// After the handshake a client has as much time as without TLS.
func TestSilentTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, n := amongGood(t, false)
		for send, after := range map[string]time.Duration{"": 10 * time.Second, "GET /polling HTTP/1.1\r\n": 10 * time.Second, http2.ClientPreface: 2 * time.Second} {
			version := 1
			if send == http2.ClientPreface {
				version = 2
			}
			conn, err := n.dialTLS(version)(t.Context(), "tcp", "localhost")
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			io.WriteString(conn, send)
			io.Copy(io.Discard, conn)
			if took := time.Since(start); took > after {
				t.Errorf("after %q the connection ended in %v, want %v", send, took, after)
			}
			conn.Close()
		}
		if got := n.metric(t, `fourwires_refusals_total{cause="tls"}`); got != "" && got != "0" {
			t.Errorf("the lab counts %s failed handshakes", got)
		}
		good.Wait()
	})
}

// A client that does not read is disconnected as without TLS, after which crypto/tls waits up to five seconds to send
// close_notify.
func TestSlowReaderTLS(t *testing.T) {
	t.Parallel()
	for _, transport := range lab.Transports {
		for _, version := range []int{1, 2} {
			if version == 2 && !transport.HTTP2 {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				l, n := inMemoryTLS(t, labtest.Quiet(feed.Keep))
				for range 60 {
					l.Feed.Publish([]byte(`"` + strings.Repeat("x", 30_000) + `"`))
				}
				conn := stall(t, suite{Transport: transport, http2: version == 2}, n.dialTLS(version)).(*tls.Conn).NetConn()
				start := time.Now()
				for err := error(nil); err != io.ErrClosedPipe; _, err = conn.Write(nil) { // is it there?
					time.Sleep(time.Millisecond)
					conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
				}
				if took := time.Since(start); took < 10*time.Second || took > 11*time.Second {
					t.Errorf("%s, HTTP/%d: the connection ended after %v, want 10 s, and half a second for close_notify", transport.Name, version, took)
				}
			})
		}
	}
}

// clientHello returns the first record of a client.
func clientHello(t *testing.T) string {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		tls.Client(client, &tls.Config{ServerName: "localhost", NextProtos: []string{"h2"}}).Handshake()
	}()
	record := make([]byte, 1<<14)
	n, err := server.Read(record)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	<-done
	client.Close()
	return string(record[:n])
}
