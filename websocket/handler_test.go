package websocket_test

import (
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

// readAll returns the text frames that arrive until the connection ends, and how
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

func TestHandler(t *testing.T) {
	// E and M7 stand for the epoch and message 7, which is published after 2 s; the feed is closed after 11 s.
	for _, test := range []struct{ query, want string }{
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

// The text frames of a client are published; anything else closes the connection, with a code that says why.
func TestUpstream(t *testing.T) {
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
				sendUpstream(t, f, dial(t, serve(t, f), "/websocket"), test.kind, test.data, test.code)
			})
		})
	}
}

// sendUpstream sends the first message of a feed. With code 0 the feed must send it back; else the connection must be
// closed with that code.
func sendUpstream(t *testing.T, f *feed.Feed, conn *gorilla.Conn, kind int, data string, code int) {
	t.Helper()
	sent := make(chan error, 1)
	go func() { sent <- conn.WriteMessage(kind, []byte(data)) }()
	start := time.Now()
	time.AfterFunc(time.Second, f.Close)
	frames, err := readAll(conn)
	if code == 0 {
		code = gorilla.CloseGoingAway
		if f.Head().ID != 1 || len(frames) != 2 {
			t.Errorf("head is %v, and %.100q arrived, want the message back", f.Head(), frames)
		}
	} else if f.Head().ID != 0 || time.Since(start) != 0 {
		t.Errorf("head is %v after %v, want nothing published and the end at once", f.Head(), time.Since(start))
	}
	if !gorilla.IsCloseError(err, code) {
		t.Errorf("the end is %v, want close code %d", err, code)
	}
	<-sent
}

// A client that answers pings stays; one that does not is disconnected after 40 s.
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

// A reader that is behind gets what it missed in one write, each message in a frame of its own.
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
			t.Errorf("%d frames in %d writes, want 51 in 4: the response, the first frame, 50 messages, the close",
				len(frames), writes)
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

// A client that is slow to receive a batch, and pings meanwhile, has the same time for the batch as any other, and gets
// its pong behind it.
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
