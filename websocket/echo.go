package websocket

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"
	"unicode/utf8"

	"fourwires/feed"

	"github.com/gorilla/websocket"
)

// maxIdle is how long an echo waits for the next frame.
const maxIdle = 60 * time.Second

// Echo responds to every text frame with a frame of "Server received: " and its text:
// the smallest full-duplex lesson. With ?stamps=1 the response is {"echo":…,
// "received":…,"sent":…}, with the server's clock when it received the text and when
// it sent the response, in µs since the Unix epoch. With the client's own two these
// are the four stamps that estimate the offset between two clocks (RFC 5905, section
// 8). It returns when the connection is closed.
//
// The connection of a client that sends nothing for 60 s is closed with code 1001, and
// so are all connections once Done is closed.
type Echo struct {
	Done <-chan struct{} // closed when the server ends; nil: it does not
}

func (e *Echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stamps, stamped := r.URL.Query()["stamps"]
	if stamped && stamps[0] != "1" {
		refuse(w, http.StatusBadRequest, errors.New("websocket: stamps is 1, or not given"))
		return
	}
	conn, err := upgrader.Upgrade(&corker{ResponseWriter: w}, r, nil)
	if err != nil {
		return // the upgrader has responded
	}
	defer conn.Close()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-ended:
		case <-e.Done:
			sendClose(conn, websocket.CloseGoingAway, "the server ends")
			select {
			case <-ended:
			case <-time.After(linger):
				conn.Close()
			}
		}
	}()

	conn.SetReadLimit(feed.MaxData)
	for {
		conn.SetReadDeadline(time.Now().Add(maxIdle))
		kind, text, err := conn.ReadMessage()
		received := time.Now()
		if netErr, ok := err.(net.Error); ok && netErr.Timeout() {
			sendClose(conn, websocket.CloseGoingAway, "nothing to echo for 60 s")
		}
		if err == nil && kind != websocket.TextMessage {
			err = errors.New("websocket: an echo is of text frames")
			sendClose(conn, websocket.CloseUnsupportedData, err.Error())
		}
		if err == nil && !utf8.Valid(text) {
			err = errors.New("websocket: a text frame is UTF-8") // RFC 6455, section 8.1
			sendClose(conn, websocket.CloseInvalidFramePayloadData, err.Error())
		}
		if err != nil {
			drain(conn)
			return
		}
		answer := append([]byte("Server received: "), text...)
		if stamped {
			answer, _ = json.Marshal(stampedEcho{string(answer), received.UnixMicro(), time.Now().UnixMicro()})
		}
		if err := write(conn, websocket.TextMessage, answer); err != nil {
			return
		}
	}
}

// stampedEcho is an echo with the server's two stamps.
type stampedEcho struct {
	Echo     string `json:"echo"`
	Received int64  `json:"received"` // when the text was read
	Sent     int64  `json:"sent"`     // when this was written
}
