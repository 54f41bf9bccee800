package websocket_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/websocket"

	gorilla "github.com/gorilla/websocket"
)

// A stream ends when the deadline of its request has passed, and does not send a heartbeat instead.
func TestRequestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := &websocket.Handler{Feed: feed.New(1)}
		network := netsim.Listen()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), time.Second)
			defer cancel()
			handler.ServeHTTP(w, r.WithContext(ctx))
		})}
		go server.Serve(network)
		defer server.Close()
		start := time.Now()
		conn := dial(t, network.Dial, "/websocket")
		conn.SetPingHandler(func(string) error { return errors.New("a ping") })
		_, err := readAll(conn)
		if took := time.Since(start); took != time.Second || !gorilla.IsCloseError(err, gorilla.CloseGoingAway) {
			t.Errorf("the stream ended after %v: %v, want close code 1001 after 1s", took, err)
		}
	})
}
