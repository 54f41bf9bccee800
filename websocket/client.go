package websocket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"fourwires/feed"

	"github.com/gorilla/websocket"
)

// maxFrame is the most bytes of a frame that a client accepts, on the wire and
// inflated: a message with the most data, and some more.
const maxFrame = feed.MaxData + 1<<10

// Client reads a feed from a WebSocket.
type Client struct {
	// URL is the handler's, http://host/websocket (or ws://). Its query is kept,
	// ?heartbeat= too: with ?after=0 a client that has no cursor yet gets all messages
	// that the feed has.
	URL string

	// Dial opens a connection; for https it returns one whose TLS handshake is
	// done. Nil means gorilla's own.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// Deflate makes the client offer permessage-deflate (RFC 7692), without context
	// takeover. The server may decline, but not agree to anything else.
	Deflate bool

	// Cursor is where reading begins. The zero Cursor means from now on. Messages
	// moves it.
	Cursor feed.Cursor

	open atomic.Pointer[sender] // nil: Messages has no WebSocket open
}

// A sender sends on a WebSocket, one frame after another.
type sender struct {
	conn *websocket.Conn
	busy chan struct{} // has an element while a frame is being sent
}

// Messages opens a WebSocket and yields its messages in order, from the cursor
// on; the cursor moves before each is yielded. It blocks between frames. It
// ends after the first error: that of ctx, a [*feed.GapError], a
// [*feed.EpochError], or an error of the connection, such as the close frame of a
// server that ends. To resume, range once more.
//
// Each range has a connection of its own. Only one range at a time may use a
// Client.
func (c *Client) Messages(ctx context.Context) iter.Seq2[feed.Message, error] {
	return func(yield func(feed.Message, error) bool) {
		conn, err := c.dial(ctx)
		if err != nil {
			yield(feed.Message{}, err)
			return
		}
		defer conn.Close()
		c.open.Store(&sender{conn, make(chan struct{}, 1)})
		defer c.open.Store(nil)
		defer sendClose(conn, websocket.CloseNormalClosure, "")
		defer context.AfterFunc(ctx, func() { // begin the closing handshake, and wait a short time for its end
			time.AfterFunc(linger, func() { conn.Close() })
			sendClose(conn, websocket.CloseNormalClosure, "")
		})()

		if err := c.readHello(ctx, conn); err != nil {
			yield(feed.Message{}, err)
			return
		}
		for {
			m, err := c.next(ctx, conn)
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

// ErrNotOpen means that there is no WebSocket to send on.
var ErrNotOpen = errors.New("websocket: not open")

// Send publishes data, JSON, in a frame of its own on the WebSocket that Messages
// has open, or fails with [ErrNotOpen]. The server sends no response, but a close
// frame where it does not accept the data. Send blocks while the server does not
// read, 10 s at most. Where ctx ends while a frame is half sent, Send closes the
// connection. Any number of goroutines may call it at once; one waits for another.
func (c *Client) Send(ctx context.Context, data []byte) error {
	open := c.open.Load()
	if open == nil {
		return ErrNotOpen
	}
	select {
	case open.busy <- struct{}{}:
		defer func() { <-open.busy }()
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	defer context.AfterFunc(ctx, func() { open.conn.Close() })()
	err := write(open.conn, websocket.TextMessage, data)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// dial dials and upgrades.
func (c *Client) dial(ctx context.Context) (*websocket.Conn, error) {
	target, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	target.Scheme = strings.Replace(target.Scheme, "http", "ws", 1)
	if c.Cursor != (feed.Cursor{}) {
		query := target.Query()
		query.Set("after", c.Cursor.String())
		target.RawQuery = query.Encode()
	}
	dialer := websocket.Dialer{
		NetDialContext: c.Dial, NetDialTLSContext: c.Dial,
		HandshakeTimeout: 10 * time.Second, EnableCompression: c.Deflate,
	}
	conn, resp, err := upgrade(ctx, dialer, target.String())
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if resp != nil { // refused: gorilla keeps the first 1 024 bytes of the body
			text, _ := io.ReadAll(resp.Body)
			return nil, fmt.Errorf("websocket: %s: %s", resp.Status, text)
		}
		return nil, fmt.Errorf("websocket: %w", err)
	}
	conn.SetReadLimit(maxFrame)
	conn.SetPingHandler(func(data string) error {
		conn.SetReadDeadline(time.Now().Add(maxSilence))
		conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeLimit))
		return nil
	})
	return conn, nil
}

// readHello reads the first frame, which has the epoch and the newest id.
func (c *Client) readHello(ctx context.Context, conn *websocket.Conn) error {
	frame, err := read(ctx, conn)
	if err != nil {
		return err
	}
	var hello struct {
		Epoch string `json:"epoch"`
		Head  uint64 `json:"head"`
	}
	if err := json.Unmarshal(frame, &hello); err != nil || hello.Epoch == "" {
		return fmt.Errorf("websocket: the first frame is %q", frame)
	}
	target, _ := url.Parse(c.URL) // which dial has parsed before
	switch was := c.Cursor.Epoch; {
	case c.Cursor == (feed.Cursor{}) && !target.Query().Has("after"):
		c.Cursor = feed.Cursor{Epoch: hello.Epoch, ID: hello.Head}
	case was == "":
		c.Cursor.Epoch = hello.Epoch
	case was != hello.Epoch:
		c.Cursor = feed.Cursor{Epoch: hello.Epoch}
		return &feed.EpochError{Was: was, Is: hello.Epoch}
	}
	return nil
}

// next returns the next message and moves the cursor past it.
func (c *Client) next(ctx context.Context, conn *websocket.Conn) (feed.Message, error) {
	frame, err := read(ctx, conn)
	for err == nil && bytes.HasPrefix(frame, []byte(`{"heartbeat":`)) {
		frame, err = read(ctx, conn)
	}
	if err != nil {
		return feed.Message{}, err
	}
	m, err := feed.Decode(frame)
	var gap *feed.GapError
	if err == nil {
		c.Cursor.ID = m.ID
	} else if errors.As(err, &gap) {
		c.Cursor.ID = gap.To
	}
	return m, err
}

// read returns the next frame, unless ctx has ended: the cursor stays before frames
// that arrive after that.
func read(ctx context.Context, conn *websocket.Conn) ([]byte, error) {
	conn.SetReadDeadline(time.Now().Add(maxSilence))
	_, frame, err := readMessage(conn, maxFrame)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("websocket: %w", err)
	}
	return frame, nil
}
