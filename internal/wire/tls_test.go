package wire_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/wire"
)

// With the ciphers of TLS 1.3 a record has 22 bytes besides its content: five before, the type and a tag of 16 behind
// (RFC 8446, section 5.2). They belong to the exchange of the content; the handshake and close_notify belong to the
// connection.
func TestRecords(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			network := netsim.Listen()
			w := newWorld(t, protocol{http2, true}, network, netsim.Listen(), network.Dial)
			c := lab.Transports[2].Client(lab.Access{URL: "https://localhost/sse?after=0", Dial: w.dial2, HTTP2: http2})
			w.Feed.Publish([]byte("0"))
			var before, after wire.Row
			for m, err := range c.Messages(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if m.ID == 1 {
					before = rowOf(t, &w.Ledger, "sse")
				}
				if m.ID == 11 {
					break
				}
				w.Feed.Publish([]byte("0"))
			}
			synctest.Wait()
			after = rowOf(t, &w.Ledger, "sse")
			if got := after.Down.TLS - before.Down.TLS; got != 10*22 {
				t.Errorf("http2=%t: ten events have %d bytes of TLS, want 10 records of 22", http2, got)
			}
			if before.Up.TLS != 22 && !http2 {
				t.Errorf("the request has %d bytes of TLS, want 22", before.Up.TLS)
			}
			w.Close()
			synctest.Wait()
			shared := rowOf(t, &w.Ledger, "connection")
			const alert = 24 // bytes of a record with two bytes of content
			if shared.Up.Opening < 200 || shared.Down.Opening < 500 || shared.Up.TLS < alert {
				t.Errorf("http2=%t: the connection shares %s", http2, summary([]wire.Row{shared}))
			}
			w.check(t)
		})
	}
}

// The bytes of a client that does not speak TLS, or does not trust the server, are counted, and a note says why it
// failed.
func TestNoTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := netsim.Listen()
		w := newWorld(t, protocol{tls: true}, network, netsim.Listen(), network.Dial)
		c, err := w.beyond.dial(network.Dial)(t.Context(), "tcp", "localhost")
		if err != nil {
			t.Fatal(err)
		}
		go io.WriteString(c, "GET /polling HTTP/1.1\r\nHost: localhost\r\n\r\n")
		answer, _ := io.ReadAll(c)
		if !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
			t.Errorf("the response to plain HTTP is %q", answer)
		}
		c.Close()
		synctest.Wait()
		want := fmt.Sprintf("connection 0/0/0 up unaccounted=42 down unaccounted=%d (no TLS)", len(answer))
		if got := summary(w.Ledger.Snapshot().Rows); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		dial := w.client.TapTLS(network.Dial, &tls.Config{ServerName: "localhost"}, nil)
		if _, err := dial(t.Context(), "tcp", "localhost"); err == nil {
			t.Error("a client trusts a self-signed certificate")
		}
		w.Close()
		synctest.Wait()
		notes := rowOf(t, &w.Ledger, "connection").Notes
		if notes["cut: a TLS handshake"] != 1 || notes["no TLS"] != 1 {
			t.Errorf("the notes are %v", notes)
		}
	})
}
