package websocket_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/netsim"
	"fourwires/websocket"

	gorilla "github.com/gorilla/websocket"
)

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
		for _, text := range []string{"hello", "", "<b>é"} {
			if got, want := ask(plain, text), "Server received: "+text; got != want {
				t.Errorf("the echo of %q is %q, want %q", text, got, want)
			}
		}
		const want = `{"echo":"Server received: x","received":946684800000000,"sent":946684800000000}`
		if got := ask(stamped, "x"); got != want {
			t.Errorf("the stamped echo is %s, want %s", got, want)
		}
		const invalid = "websocket: close 1007 (invalid payload data): websocket: a text frame is UTF-8"
		if got := ask(dial(t, network.Dial, "/"), "\xff"); got != invalid {
			t.Errorf("the response to bad UTF-8 is %q, want %q", got, invalid)
		}

		start := time.Now()
		_, err := readAll(plain)
		if !gorilla.IsCloseError(err, gorilla.CloseGoingAway) || time.Since(start) != time.Minute {
			t.Errorf("an idle client: %v after %v, want close code 1001 after 1m0s", err, time.Since(start))
		}
		last := dial(t, network.Dial, "/")
		time.AfterFunc(time.Second, func() { close(done) })
		_, err = readAll(last)
		if !gorilla.IsCloseError(err, gorilla.CloseGoingAway) || time.Since(start) != 61*time.Second {
			t.Errorf("at the end: %v after %v, want close code 1001 at once", err, time.Since(start))
		}
	})
}
