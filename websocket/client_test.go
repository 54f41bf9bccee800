package websocket_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/internal/wire"
	"fourwires/websocket"

	gorilla "github.com/gorilla/websocket"
)

// upgrading serves WebSockets with a handler of the test's own, until the test ends.
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

// A client notices that its server is silent.
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

// A client closes in order: the server reads close code 1000.
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
			t.Errorf("the server reads %v, want close code 1000", err)
		}
	})
}

// Messages that arrive after the context has ended are left to the next range, and each message that was yielded has
// moved the cursor: nothing is lost between two ranges.
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
					t.Errorf("message %d arrives with an error: %v", m.ID, err)
				}
				cancel() // while the message is being handled
				time.Sleep(time.Millisecond)
			}
			cancel()
		}
		if fmt.Sprint(got) != "[1 2 3]" {
			t.Errorf("got %v, want 1, 2 and 3", got)
		}
	})
}

// A client whose context ends does not wait for a server that upgrades and then sends nothing.
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
