package websocket_test

import (
	"context"
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
	"fourwires/internal/wire"
	"fourwires/websocket"

	gorilla "github.com/gorilla/websocket"
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

// dial opens a WebSocket and closes it when the test ends.
func dial(t *testing.T, by wire.Dial, path string) *gorilla.Conn {
	t.Helper()
	dialer := gorilla.Dialer{NetDialContext: by}
	conn, _, err := dialer.DialContext(t.Context(), "ws://lab"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// readAll returns the text frames that come until the connection ends, and how
// it ended.
func readAll(conn *gorilla.Conn) (frames []string, err error) {
	for {
		_, frame, err := conn.ReadMessage()
		if err != nil {
			return frames, err
		}
		frames = append(frames, string(frame))
	}
}

// upgrading serves WebSockets that are nobody's but the test's, until it ends.
func upgrading(t *testing.T, upgrader gorilla.Upgrader, talk func(*gorilla.Conn)) wire.Dial {
	network := netsim.Listen()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		talk(conn)
	})}
	go server.Serve(network)
	t.Cleanup(func() { server.Close() })
	return network.Dial
}

func TestHandler(t *testing.T) {
	for _, test := range []struct{ query, want string }{ // E, M7 as in sse's test; message 7 comes after 2 s; the feed closes after 11 s
		{"", `{"epoch":"E","head":6} M7`},
		{"?after=4", `{"epoch":"E","head":6} M5 M6 M7`},
		{"?after=E-5", `{"epoch":"E","head":6} M6 M7`},
		{"?after=1", `{"epoch":"E","head":6} {"gap":{"from":2,"to":3}} M4 M5 M6 M7`},
		{"?after=gone-9", `{"epoch":"E","head":6} {"gap":{"from":1,"to":3}} M4 M5 M6 M7`},
		{"?heartbeat=5s", `{"epoch":"E","head":6} M7 {"heartbeat":7} {"heartbeat":7}`},
	} {
		t.Run(test.query, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := feed.New(3)
				publish(t, f, 1, 6) // keeps 4 to 6
				epoch := f.Head().Epoch
				conn := dial(t, serve(t, f), "/websocket"+strings.Replace(test.query, "E", epoch, 1))
				time.AfterFunc(2*time.Second, func() { publish(t, f, 7, 7) })
				time.AfterFunc(11*time.Second, f.Close)
				frames, err := readAll(conn)
				if !gorilla.IsCloseError(err, gorilla.CloseGoingAway) {
					t.Errorf("the end is %v, want close code 1001", err)
				}
				words := []string{`"E"`, `"` + epoch + `"`}
				for id := range 8 {
					at := int64(946684800000000)
					if id == 7 {
						at += 2_000_000
					}
					words = append(words, fmt.Sprint("M", id), fmt.Sprintf(`{"id":%d,"at":%d,"data":%d}`, id, at, id))
				}
				if got, want := strings.Join(frames, " "), strings.NewReplacer(words...).Replace(test.want); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		})
	}
}

func TestHandlerRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		by := serve(t, feed.New(3))
		dialer := gorilla.Dialer{NetDialContext: by}
		for _, test := range []struct {
			query, origin string
			status        int
		}{
			{"?after=x", "", 400}, {"?after=1", "", 400},
			{"?heartbeat=0s", "", 400}, {"?heartbeat=16s", "", 400}, {"?heartbeat=5", "", 400},
			{"", "http://evil.example", 403}, {"", "null", 403}, {"", "http://lab:81", 403}, {"", "http://lab", 101},
		} {
			header := http.Header{}
			if test.origin != "" {
				header.Set("Origin", test.origin)
			}
			conn, resp, err := dialer.Dial("ws://lab/websocket"+test.query, header)
			if resp == nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != test.status || err != nil && !strings.HasPrefix(string(body), `{"error":"`) {
				t.Errorf("%q from %q: %d %s, want %d", test.query, test.origin, resp.StatusCode, body, test.status)
			}
			if conn != nil {
				conn.Close()
			}
		}

		transport := &http.Transport{DialContext: by}
		defer transport.CloseIdleConnections()
		req, _ := http.NewRequest("GET", "http://lab/websocket", nil)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 400 || !strings.HasPrefix(string(body), `{"error":"`) {
			t.Errorf("no upgrade: %d %s, want 400 and a sentence", resp.StatusCode, body)
		}
	})
}

// What a client sends is published; what is no message is told why.
func TestWayUp(t *testing.T) {
	for _, test := range []struct {
		kind int
		data string
		code int // 0: it is published
	}{
		{gorilla.TextMessage, ` {"text": "hi"} `, 0},
		{gorilla.TextMessage, `"` + strings.Repeat("x", feed.MaxData-2) + `"`, 0},
		{gorilla.TextMessage, `"` + strings.Repeat("x", feed.MaxData-1) + `"`, gorilla.CloseMessageTooBig},
		{gorilla.TextMessage, strings.Repeat("[", feed.MaxDepth+1) + strings.Repeat("]", feed.MaxDepth+1), gorilla.CloseMessageTooBig},
		{gorilla.TextMessage, `{`, gorilla.CloseInvalidFramePayloadData},
		{gorilla.TextMessage, "", gorilla.CloseInvalidFramePayloadData},
		{gorilla.TextMessage, "\"\xff\"", gorilla.CloseInvalidFramePayloadData},
		{gorilla.TextMessage, "[" + strings.Repeat("x", 1000), gorilla.CloseInvalidFramePayloadData},
		{gorilla.BinaryMessage, `1`, gorilla.CloseUnsupportedData},
	} {
		t.Run(fmt.Sprintf("%.10s-%d", test.data, test.code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := feed.New(3)
				sendUp(t, f, dial(t, serve(t, f), "/websocket"), test.kind, test.data, test.code)
			})
		})
	}
}

// sendUp sends what is the first message of a feed, and comes back; or is answered
// by a close code, if that is not 0.
func sendUp(t *testing.T, f *feed.Feed, conn *gorilla.Conn, kind int, data string, code int) {
	t.Helper()
	sent := make(chan error, 1)
	go func() { sent <- conn.WriteMessage(kind, []byte(data)) }()
	start := time.Now()
	time.AfterFunc(time.Second, f.Close)
	frames, err := readAll(conn)
	if code == 0 {
		code = gorilla.CloseGoingAway
		if f.Head().ID != 1 || len(frames) != 2 {
			t.Errorf("head is %v, and %.100q came, want the message back", f.Head(), frames)
		}
	} else if f.Head().ID != 0 || time.Since(start) != 0 {
		t.Errorf("head is %v after %v, want nothing published and an answer at once", f.Head(), time.Since(start))
	}
	if !gorilla.IsCloseError(err, code) {
		t.Errorf("the end is %v, want close code %d", err, code)
	}
	<-sent
}

// A client that answers pings stays; one that does not is let go after 40 s.
func TestPings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(3)
		by := serve(t, f)
		time.AfterFunc(time.Hour, func() { publish(t, f, 1, 1) })
		client := websocket.Client{URL: "http://lab/websocket", Dial: by}
		for m, err := range client.Messages(t.Context()) {
			if m.ID != 1 || err != nil {
				t.Errorf("message %d, %v after an hour, want message 1", m.ID, err)
			}
			break
		}

		conn := dial(t, by, "/websocket")
		conn.SetPingHandler(func(string) error { return nil })
		start := time.Now()
		_, err := readAll(conn)
		if took := time.Since(start); err == nil || took < 40*time.Second || took > 41*time.Second {
			t.Errorf("a client that answers no ping: %v after %v, want the end after 40s", err, took)
		}
	})
}

// A client that notices nothing from its server gives up.
func TestClientNoticesSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		by := upgrading(t, gorilla.Upgrader{}, func(conn *gorilla.Conn) {
			conn.WriteMessage(gorilla.TextMessage, []byte(`{"epoch":"x","head":1}`))
			readAll(conn) // until the client closes
		})
		start := time.Now()
		client := websocket.Client{URL: "http://lab/websocket", Dial: by}
		for _, err := range client.Messages(t.Context()) {
			if took := time.Since(start); err == nil || took != 40*time.Second {
				t.Errorf("got %v after %v, want an error after 40s", err, took)
			}
		}
		if want := (feed.Cursor{Epoch: "x", ID: 1}); client.Cursor != want {
			t.Errorf("the cursor is %v, want %v, which the first frame set", client.Cursor, want)
		}
	})
}

func TestEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		network := netsim.Listen()
		server := &http.Server{Handler: &websocket.Echo{Done: done}}
		go server.Serve(network)
		defer server.Close()
		ask := func(conn *gorilla.Conn, text string) string {
			conn.WriteMessage(gorilla.TextMessage, []byte(text))
			_, answer, err := conn.ReadMessage()
			if err != nil {
				return err.Error()
			}
			return string(answer)
		}
		plain, stamped := dial(t, network.Dial, "/"), dial(t, network.Dial, "/?stamps=1")
		for text, want := range map[string]string{"hello": "Server received: hello", "": "Server received: ", "<b>é": "Server received: <b>é"} {
			if got := ask(plain, text); got != want {
				t.Errorf("the echo of %q is %q, want %q", text, got, want)
			}
		}
		if got, want := ask(stamped, "x"), `{"echo":"Server received: x","received":946684800000000,"sent":946684800000000}`; got != want {
			t.Errorf("the stamped echo is %s, want %s", got, want)
		}
		if got, want := ask(dial(t, network.Dial, "/"), "\xff"), "websocket: close 1007 (invalid payload data): websocket: a text frame is UTF-8"; got != want {
			t.Errorf("bad UTF-8 is answered %q, want %q", got, want)
		}

		start := time.Now()
		if _, err := readAll(plain); !gorilla.IsCloseError(err, gorilla.CloseGoingAway) || time.Since(start) != time.Minute {
			t.Errorf("an idle client: %v after %v, want close code 1001 after 1m0s", err, time.Since(start))
		}
		last := dial(t, network.Dial, "/")
		time.AfterFunc(time.Second, func() { close(done) })
		if _, err := readAll(last); !gorilla.IsCloseError(err, gorilla.CloseGoingAway) || time.Since(start) != 61*time.Second {
			t.Errorf("at the end: %v after %v, want close code 1001 at once", err, time.Since(start))
		}
	})
}

// A client's end is an orderly one: the server hears close code 1000.
func TestClientCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		by := upgrading(t, gorilla.Upgrader{}, func(conn *gorilla.Conn) {
			conn.WriteMessage(gorilla.TextMessage, []byte(`{"epoch":"x","head":1}`))
			_, err := readAll(conn)
			ended <- err
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		client := websocket.Client{URL: "http://lab/websocket", Dial: by}
		for _, err := range client.Messages(ctx) {
			if err != context.DeadlineExceeded {
				t.Errorf("got %v, want the context's error", err)
			}
		}
		if err := <-ended; !gorilla.IsCloseError(err, gorilla.CloseNormalClosure) {
			t.Errorf("the server saw %v, want close code 1000", err)
		}
	})
}

// A reader that is behind is caught up in one write, each message in a frame of
// its own.
func TestCatchUpIsOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		publish(t, f, 1, 50)
		network := counted{netsim.Listen(), new(atomic.Int64)}
		server := &http.Server{Handler: &websocket.Handler{Feed: f}}
		go server.Serve(network)
		defer server.Close()
		conn := dial(t, network.Dial, "/websocket?after=0")
		time.AfterFunc(time.Second, f.Close)
		frames, _ := readAll(conn)
		if writes := network.writes.Load(); len(frames) != 51 || writes != 4 {
			t.Errorf("%d frames in %d writes, want 51 in 4: the answer, the first frame, 50 messages, the close", len(frames), writes)
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

// A client that is slow to take a batch, and pings meanwhile, has the same time
// for it as any other, and gets its pong behind it.
func TestPingDuringCatchUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		publish(t, f, 1, 1000)
		conn := dial(t, serve(t, f), "/websocket?after=0")
		pongs := 0
		conn.SetPongHandler(func(string) error {
			pongs++
			return nil
		})
		if _, _, err := conn.ReadMessage(); err != nil { // the first frame
			t.Fatal(err)
		}
		synctest.Wait() // the batch is being written
		if err := conn.WriteControl(gorilla.PingMessage, nil, time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(9 * time.Second)
		time.AfterFunc(time.Second, f.Close)
		frames, err := readAll(conn)
		if len(frames) != 1000 || pongs != 1 || !gorilla.IsCloseError(err, gorilla.CloseGoingAway) {
			t.Errorf("%d frames, %d pongs, %v, want 1000, 1 and close code 1001", len(frames), pongs, err)
		}
	})
}

// What has come when the context ends is left for the next range, and what was
// yielded moved the cursor: nothing is lost between two ranges.
func TestClientResumesAfterCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		publish(t, f, 1, 3)
		client := websocket.Client{URL: "http://lab/websocket?after=0", Dial: serve(t, f)}
		var got []uint64
		for len(got) < 3 {
			ctx, cancel := context.WithCancel(t.Context())
			for m, err := range client.Messages(ctx) {
				if err == nil {
					got = append(got, m.ID)
				} else if m.ID != 0 {
					t.Errorf("message %d comes with an error: %v", m.ID, err)
				}
				cancel() // while it is at work on the message
				time.Sleep(time.Millisecond)
			}
			cancel()
		}
		if fmt.Sprint(got) != "[1 2 3]" {
			t.Errorf("got %v, want 1, 2 and 3", got)
		}
	})
}

// A server that upgrades and then says nothing does not hold a client whose
// context has ended.
func TestClientCancelsBeforeHello(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		by := upgrading(t, gorilla.Upgrader{}, func(conn *gorilla.Conn) { readAll(conn) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		client := websocket.Client{URL: "http://lab/websocket", Dial: by}
		for _, err := range client.Messages(ctx) {
			if took := time.Since(start); err != context.DeadlineExceeded || took > 2*time.Second {
				t.Errorf("got %v after %v, want the context's error after 1s", err, took)
			}
		}
	})
}
