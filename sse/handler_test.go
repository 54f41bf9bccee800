package sse_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/sse"
)

// publish publishes the numbers from … to.
func publish(t *testing.T, f *feed.Feed, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if _, err := f.Publish(fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHandler(t *testing.T) {
	for _, test := range []struct {
		query, lastID string // E stands for the epoch
		want          string // M7 stands for message 7, which is published after 2 s; read for 11 s
	}{
		{"", "", "id: E-6\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"E\",\"head\":6}\n\nid: E-7\ndata: M7\n\n"},
		{"?after=4", "", "id: E-4\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"E\",\"head\":6}\n\nid: E-5\ndata: M5\n\nid: E-6\ndata: M6\n\nid: E-7\ndata: M7\n\n"},
		{"?after=1", "E-5", "id: E-5\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"E\",\"head\":6}\n\nid: E-6\ndata: M6\n\nid: E-7\ndata: M7\n\n"},
		{"?after=5", "empty", "id: E-5\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"E\",\"head\":6}\n\nid: E-6\ndata: M6\n\nid: E-7\ndata: M7\n\n"},
		{"", "empty", "id: E-6\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"E\",\"head\":6}\n\nid: E-7\ndata: M7\n\n"},
		{"", "5", "id: E-5\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"E\",\"head\":6}\n\nid: E-6\ndata: M6\n\nid: E-7\ndata: M7\n\n"},
		{"?after=1", "", "id: E-1\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"E\",\"head\":6}\n\nevent: gap\nid: E-3\ndata: {\"gap\":{\"from\":2,\"to\":3}}\n\n" +
			"id: E-4\ndata: M4\n\nid: E-5\ndata: M5\n\nid: E-6\ndata: M6\n\nid: E-7\ndata: M7\n\n"},
		{"", "gone-9", "id: E-0\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"E\",\"head\":6}\n\nevent: gap\nid: E-3\ndata: {\"gap\":{\"from\":1,\"to\":3}}\n\n" +
			"id: E-4\ndata: M4\n\nid: E-5\ndata: M5\n\nid: E-6\ndata: M6\n\nid: E-7\ndata: M7\n\n"},
		{"?heartbeat=5s", "", "id: E-6\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"E\",\"head\":6}\n\nid: E-7\ndata: M7\n\n" +
			"event: heartbeat\ndata: {\"heartbeat\":7}\n\nevent: heartbeat\ndata: {\"heartbeat\":7}\n\n"},
	} {
		t.Run(test.query+test.lastID, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := feed.New(3)
				publish(t, f, 1, 6) // keeps 4 to 6
				transport := &http.Transport{DialContext: serve(t, f)}
				epoch := f.Head().Epoch
				req, _ := http.NewRequest("GET", "http://lab/sse"+test.query, nil)
				if test.lastID != "" { // the word empty stands for a header without a value
					req.Header.Set("Last-Event-ID", strings.NewReplacer("empty", "", "E", epoch).Replace(test.lastID))
				}
				time.AfterFunc(2*time.Second, func() { publish(t, f, 7, 7) })
				resp, err := transport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(11*time.Second, func() { resp.Body.Close() })
				got, _ := io.ReadAll(resp.Body)

				words := []string{"E-", epoch + "-", `"E"`, `"` + epoch + `"`}
				for id := range 8 {
					at := int64(946684800000000)
					if id == 7 {
						at += 2_000_000
					}
					words = append(words, fmt.Sprint("M", id), fmt.Sprintf(`{"id":%d,"at":%d,"data":%d}`, id, at, id))
				}
				if want := strings.NewReplacer(words...).Replace(test.want); string(got) != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
				for name, want := range map[string]string{
					"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no",
				} {
					if got := resp.Header.Get(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
			})
		})
	}
}

func TestHandlerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &http.Transport{DialContext: serve(t, feed.New(3))}
		defer transport.CloseIdleConnections()
		for _, test := range []struct{ query, lastID string }{
			{"?after=x", ""}, {"?after=1", ""}, {"", "x"}, {"?after=0", "1"},
			{"?heartbeat=0s", ""}, {"?heartbeat=16s", ""}, {"?heartbeat=-5s", ""}, {"?heartbeat=5", ""}, {"?heartbeat=", ""},
		} {
			req, _ := http.NewRequest("GET", "http://lab/sse"+test.query, nil)
			if test.lastID != "" {
				req.Header.Set("Last-Event-ID", test.lastID)
			}
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 400 || !bytes.HasPrefix(body, []byte(`{"error":"`)) {
				t.Errorf("%q with %q: %d %s, want 400 and a sentence", test.query, test.lastID, resp.StatusCode, body)
			}
		}
	})
}

// A comment is sent every 15 s, so that a client, which would end the stream after 40 s of silence, stays.
func TestComments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(3)
		client := sse.Client{URL: "http://lab/sse", Dial: serve(t, f)}
		time.AfterFunc(time.Hour, func() { publish(t, f, 1, 1) })
		for m, err := range client.Messages(t.Context()) {
			if m.ID != 1 || err != nil {
				t.Errorf("message %d, %v after an hour, want message 1", m.ID, err)
			}
			break
		}
	})
}

// A reader that is behind gets what it missed in one write, each message in an event of its own. (net/http flushes in
// steps of 4 KiB; these fit into one.)
func TestCatchUpIsOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		publish(t, f, 1, 50)
		network := counted{netsim.Listen(), new(atomic.Int64)}
		server := &http.Server{Handler: &sse.Handler{Feed: f}}
		go server.Serve(network)
		defer server.Close()
		time.AfterFunc(time.Second, f.Close)
		client := sse.Client{URL: "http://lab/sse?after=0", Dial: network.Dial}
		n := 0
		for _, err := range client.Messages(t.Context()) {
			if err == nil {
				n++
			}
		}
		if writes := network.writes.Load(); n != 50 || writes != 3 {
			t.Errorf("%d messages in %d writes, want 50 in 3: the first block, 50 events, the end", n, writes)
		}
	})
}

// counted counts the writes of the server.
type counted struct {
	*netsim.Memory
	writes *atomic.Int64
}

func (l counted) Accept() (net.Conn, error) {
	conn, err := l.Memory.Accept()
	return countedConn{conn, l.writes}, err
}

type countedConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c countedConn) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

// On HTTP/2 a quiet stream goes on too: a write deadline that is not cleared would end it.
func TestQuietOnHTTP2(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h2 http.Protocols
		h2.SetUnencryptedHTTP2(true)
		f := feed.New(feed.Keep)
		network := netsim.Listen()
		server := &http.Server{Handler: &sse.Handler{Feed: f}, Protocols: &h2}
		go server.Serve(network)
		defer server.Close()
		transport := &http.Transport{DialContext: network.Dial, Protocols: &h2}
		defer transport.CloseIdleConnections()
		req, _ := http.NewRequest("GET", "http://lab/sse", nil)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Minute, f.Close)
		text, err := io.ReadAll(resp.Body)
		want := fmt.Sprintf("id: %v\nevent: hello\nretry: 3000\ndata: {\"epoch\":%q,\"head\":0}\n\n", f.Head(), f.Head().Epoch)
		want += strings.Repeat(":\n\n", 3)
		if resp.ProtoMajor != 2 || err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("HTTP/%d: %q, %v, want %q", resp.ProtoMajor, text, err, want)
		}
	})
}
