package websocket

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// An EchoConn is a client of [Echo]. Its methods may be called by any number of
// goroutines; one waits for another.
type EchoConn struct {
	mu   sync.Mutex
	conn *websocket.Conn
}

// DialEcho opens a WebSocket at url, http://host/websocket/echo, for [EchoConn.Stamps]
// with ?stamps=1. Dial is as for a [Client]. The caller closes it.
func DialEcho(ctx context.Context, address string, dial func(ctx context.Context, network, addr string) (net.Conn, error)) (*EchoConn, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	target.Scheme = strings.Replace(target.Scheme, "http", "ws", 1)
	dialer := websocket.Dialer{NetDialContext: dial, NetDialTLSContext: dial, HandshakeTimeout: 10 * time.Second}
	conn, _, err := dialer.DialContext(ctx, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	conn.SetReadLimit(maxFrame)
	return &EchoConn{conn: conn}, nil
}

// Echo sends a text and returns the answer. It takes 10 s at most.
func (e *EchoConn) Echo(text string) (answer string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conn.SetWriteDeadline(time.Now().Add(writeLimit))
	e.conn.SetReadDeadline(time.Now().Add(writeLimit))
	if err := e.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		return "", fmt.Errorf("websocket: %w", err)
	}
	_, frame, err := e.conn.ReadMessage()
	if err != nil {
		return "", fmt.Errorf("websocket: %w", err)
	}
	return string(frame), nil
}

// Stamps asks the server for its clock: the four stamps of RFC 5905, section 8,
// when we asked, when the server had that, when it answered, and when we had the
// answer.
func (e *EchoConn) Stamps() (asked, received, sent, answered time.Time, err error) {
	asked = time.Now()
	answer, err := e.Echo("")
	answered = time.Now()
	var echo stampedEcho
	if err == nil {
		err = json.Unmarshal([]byte(answer), &echo)
	}
	return asked, time.UnixMicro(echo.Received), time.UnixMicro(echo.Sent), answered, err
}

// Close ends the connection, after a close frame.
func (e *EchoConn) Close() error {
	sendClose(e.conn, websocket.CloseNormalClosure, "")
	return e.conn.Close()
}
