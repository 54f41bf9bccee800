package websocket

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// An EchoConn is a client of [Echo]. Its methods may be called by any number of
// goroutines; one waits for another.
type EchoConn struct {
	busy chan struct{} // has an element while an echo is expected
	conn *websocket.Conn
}

// DialEcho opens a WebSocket at address, http://host/websocket/echo, for
// [EchoConn.Stamps] with ?stamps=1. Dial is as for a [Client]. It blocks until the
// upgrade is done, for 10 s at most, or ctx ends. The caller closes the connection.
func DialEcho(
	ctx context.Context, address string, dial func(ctx context.Context, network, addr string) (net.Conn, error),
) (*EchoConn, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	target.Scheme = strings.Replace(target.Scheme, "http", "ws", 1)
	dialer := websocket.Dialer{NetDialContext: dial, NetDialTLSContext: dial, HandshakeTimeout: 10 * time.Second}
	conn, _, err := upgrade(ctx, dialer, target.String())
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	conn.SetReadLimit(maxFrame)
	return &EchoConn{make(chan struct{}, 1), conn}, nil
}

// upgrade dials and upgrades, until ctx ends: gorilla's DialContext obeys ctx while it
// dials, but waits for the response to its upgrade until HandshakeTimeout.
func upgrade(ctx context.Context, dialer websocket.Dialer, address string) (*websocket.Conn, *http.Response, error) {
	stop := func() bool { return true }
	trace := &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		stop = context.AfterFunc(ctx, func() { got.Conn.Close() })
	}}
	conn, resp, err := dialer.DialContext(httptrace.WithClientTrace(ctx, trace), address, nil)
	if !stop() {
		return nil, nil, ctx.Err()
	}
	return conn, resp, err
}

// Echo sends a text and returns the response. It blocks until then, for 10 s at most.
// Where ctx ends first, it closes the connection.
func (e *EchoConn) Echo(ctx context.Context, text string) (answer string, err error) {
	select {
	case e.busy <- struct{}{}:
		defer func() { <-e.busy }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer context.AfterFunc(ctx, func() { e.conn.Close() })()
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
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

// Stamps asks the server for its clock. It returns the four stamps of RFC 5905,
// section 8: when the client asked, when the server received that, when the server
// responded, and when the client received the response. It blocks as Echo does.
func (e *EchoConn) Stamps(ctx context.Context) (asked, received, sent, answered time.Time, err error) {
	asked = time.Now()
	answer, err := e.Echo(ctx, "")
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
