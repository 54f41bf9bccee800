package websocket

import (
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"fourwires/feed"

	"github.com/gorilla/websocket"
)

const (
	pingEvery  = 15 * time.Second
	maxSilence = 40 * time.Second       // a live peer answers a ping every 15 s
	writeLimit = 10 * time.Second       // for each batch of at most 64 KiB
	linger     = 500 * time.Millisecond // for a peer to receive the close frame
	largeRead  = 64                     // messages in one read, as only a reader that was behind gets them
)

// Handler upgrades GET to a WebSocket and sends a frame a message until the
// client leaves, or until the feed is closed or the request's context ends: then it
// closes with code 1001. It returns when the connection is closed. Note that
// http.Server.Shutdown does not wait for it.
//
// The cursor is ?after=EPOCH-ID; without one the stream begins with the next
// message. Every 15 s the client is pinged; with ?heartbeat= (a Go duration from 1s
// to 15s) it is sent a heartbeat frame too, which browser code can see. To a bad
// cursor, one ahead of the feed, or a bad heartbeat the response is 400, to an Origin
// that is not the request's Host 403 ([SameOrigin]). A client that does not receive a
// batch in about 10 s, or is silent for 40 s, is disconnected; it can resume.
//
// A text frame from the client is published. The connection is closed with code 1003
// for a binary frame, 1007 for text that is not JSON, 1009 for more than 64 KiB,
// inflated or not, or 60 levels, and 1008 where Publish fails for another reason.
type Handler struct {
	Feed *feed.Feed

	// Sent is called after each write, with the messages and the number of gaps
	// that it sent. It must not block. It may be nil.
	Sent func(msgs []feed.Message, gaps int)

	// Publish publishes a message from the client of the request r. Nil means the
	// feed's own Publish.
	Publish func(r *http.Request, data []byte) error

	// Deflate compresses the messages to a client that offers permessage-deflate
	// (RFC 7692), and lets the client compress its own. Gorilla does so without
	// context takeover only: each message is compressed separately, for each client,
	// which takes some µs and makes a short one longer; but between messages a client
	// takes no more memory.
	Deflate bool
}

var upgrader = websocket.Upgrader{
	HandshakeTimeout: writeLimit,
	CheckOrigin:      SameOrigin,
	Error:            refuseUpgrade,
	WriteBufferPool:  &sync.Pool{}, // between messages a connection has no write buffer
}

// deflater is the upgrader of a handler that compresses. Its write buffers have
// space for the longest message; smaller ones would cut it into frames of 4 KiB, and
// a client that does not read would keep the compressor.
var deflater = websocket.Upgrader{
	HandshakeTimeout:  writeLimit,
	CheckOrigin:       SameOrigin,
	Error:             refuseUpgrade,
	WriteBufferPool:   &sync.Pool{},
	WriteBufferSize:   maxFrame,
	EnableCompression: true,
}

func refuseUpgrade(w http.ResponseWriter, r *http.Request, status int, reason error) {
	switch {
	case r.Method == http.MethodHead: // HEAD opens nothing
		status = http.StatusBadRequest
	case status == http.StatusMethodNotAllowed:
		w.Header().Set("Allow", "GET, HEAD") // RFC 9110, section 15.5.6
	case status == http.StatusForbidden:
		reason = fmt.Errorf("websocket: a page of another origin (%s) may not open this", r.Header.Get("Origin"))
	}
	w.Header().Set("Sec-WebSocket-Version", "13") // the only one there is (RFC 6455, section 4.4)
	refuse(w, status, reason)
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Cursor.
	query := r.URL.Query()
	cursor := h.Feed.Head()
	after, given := query["after"]
	if given {
		var err error
		if cursor, err = feed.ParseCursor(after[0]); err == nil {
			cursor, err = h.Feed.Resume(cursor)
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
	}
	every, visible, err := parseHeartbeat(query)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}

	// Headers: the upgrade, and a first frame with the epoch and the newest id.
	// Without a cursor, that is exactly where the stream begins.
	head := cursor
	if given {
		head = h.Feed.Head()
	}
	corker := &corker{ResponseWriter: w}
	upgrader := h.upgrader(r)
	corker.cork.incoming.deflate = upgrader == &deflater
	conn, err := upgrader.Upgrade(corker, r, nil)
	if err != nil {
		return // the upgrader has responded
	}
	defer conn.Close()
	hello := fmt.Appendf(nil, `{"epoch":%q,"head":%d}`, cursor.Epoch, head.ID)
	err = write(conn, websocket.TextMessage, hello)

	// Upstream. After the upgrade the request's context still has its deadline, if
	// any, but does not end with the connection: listen notices that the client left.
	connected, disconnect := context.WithCancel(r.Context())
	var listener sync.WaitGroup
	listener.Go(func() {
		defer disconnect()
		h.listen(conn, r)
	})

	// News, and every so often a heartbeat.
	for err == nil {
		ctx, cancel := context.WithTimeout(connected, every)
		cursor, err = h.follow(ctx, conn, &corker.cork, cursor)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && connected.Err() == nil {
			err = write(conn, websocket.PingMessage, nil)
			if visible && err == nil {
				beat := fmt.Appendf(nil, `{"heartbeat":%d}`, h.Feed.Head().ID)
				err = write(conn, websocket.TextMessage, beat)
			}
		}
	}

	// Close. The client has some time to read the close frame: a connection that is
	// closed on unread bytes would be reset, and the close frame lost with it.
	switch {
	case errors.Is(err, feed.ErrClosed):
		sendClose(conn, websocket.CloseGoingAway, "the feed is closed")
		defer time.AfterFunc(linger, func() { conn.Close() }).Stop()
	case r.Context().Err() != nil:
		sendClose(conn, websocket.CloseGoingAway, "the time of the request is over")
		defer time.AfterFunc(linger, func() { conn.Close() }).Stop()
	case errors.Is(err, websocket.ErrCloseSent):
		// The listener has sent the close frame, and reads on.
	default:
		conn.Close()
	}
	listener.Wait()
}

// upgrader returns the one that compresses if handler and client want that.
func (h *Handler) upgrader(r *http.Request) *websocket.Upgrader {
	if !h.Deflate || !offersDeflate(r.Header) {
		return &upgrader
	}
	return &deflater
}

// follow sends the messages after the cursor until ctx ends, the feed is closed or a
// write fails, and returns the cursor behind what it sent. Each read of the feed is
// sent in one write, each message in a frame of its own.
func (h *Handler) follow(
	ctx context.Context, conn *websocket.Conn, cork *cork, cursor feed.Cursor,
) (feed.Cursor, error) {
	var msgs []feed.Message
	for ctx.Err() == nil {
		// Wait.
		var err error
		msgs, cursor, err = h.Feed.Wait(ctx, cursor, msgs[:0])
		gaps := 0
		var gap *feed.GapError
		if errors.As(err, &gap) {
			err = write(conn, websocket.TextMessage, gap.JSON())
			gaps++
		}
		if err != nil {
			return cursor, err
		}

		// Write and flush.
		if len(msgs) > 1 {
			cork.hold()
		}
		for _, m := range msgs {
			if err = write(conn, websocket.TextMessage, m.JSON()); err != nil {
				break // the listener has sent a close frame, which release sends too
			}
		}
		behind := cursor != h.Feed.Head()
		if err := errors.Join(err, cork.release(behind)); err != nil {
			return cursor, err
		}
		if h.Sent != nil {
			h.Sent(msgs, gaps)
		}
		if len(msgs) > largeRead && !behind {
			msgs = nil // a reader that has caught up needs less memory
		}
	}
	return cursor, ctx.Err()
}

// listen publishes the messages that the client sends, until the connection ends or
// the client breaks the protocol.
func (h *Handler) listen(conn *websocket.Conn, r *http.Request) {
	if conn.SetReadLimit(feed.MaxData); h.Deflate {
		conn.SetReadLimit(maxFrame) // a message that cannot be compressed gets a little longer
	}
	conn.SetPongHandler(func(string) error {
		return conn.SetReadDeadline(time.Now().Add(maxSilence))
	})
	for {
		conn.SetReadDeadline(time.Now().Add(maxSilence))
		kind, data, err := readMessage(conn, feed.MaxData)
		if err != nil {
			drain(conn)
			return
		}
		if err := h.publish(r, kind, data); err != nil {
			sendClose(conn, closeCode(err), err.Error())
			drain(conn)
			return
		}
	}
}

var errBinary = errors.New("websocket: a message is a text frame of JSON")

func (h *Handler) publish(r *http.Request, kind int, data []byte) error {
	if kind != websocket.TextMessage {
		return errBinary
	}
	if h.Publish != nil {
		return h.Publish(r, data)
	}
	_, err := h.Feed.Publish(data)
	return err
}

// closeCode returns the close code for an error of Publish (RFC 6455, section 7.4.1).
func closeCode(err error) int {
	switch {
	case err == errBinary:
		return websocket.CloseUnsupportedData
	case errors.Is(err, feed.ErrInvalid):
		return websocket.CloseInvalidFramePayloadData
	case errors.Is(err, feed.ErrTooLarge), errors.Is(err, feed.ErrTooDeep):
		return websocket.CloseMessageTooBig
	case errors.Is(err, feed.ErrClosed):
		return websocket.CloseGoingAway
	}
	return websocket.ClosePolicyViolation
}

// readMessage reads a message of at most limit bytes, inflated. Gorilla's own limit
// is on the bytes on the wire, each of which can inflate to a thousand; this one stops
// the inflating. Beyond either, the connection is closed with code 1009; with 1007 for
// a message that cannot be inflated, and with 1002 for RSV1 where it is not allowed.
func readMessage(conn *websocket.Conn, limit int) (kind int, data []byte, err error) {
	kind, message, err := conn.NextReader()
	if err == nil {
		data, err = io.ReadAll(io.LimitReader(message, int64(limit)+1))
	}
	var corrupt flate.CorruptInputError
	switch {
	case len(data) > limit:
		err = websocket.ErrReadLimit
		sendClose(conn, websocket.CloseMessageTooBig, "")
	case errors.Is(err, errReserved):
		sendClose(conn, websocket.CloseProtocolError, err.Error())
	case errors.As(err, &corrupt), err == io.ErrUnexpectedEOF: // gorilla's own are close errors
		sendClose(conn, websocket.CloseInvalidFramePayloadData, "")
	}
	return kind, data, err
}

// write sends one frame. A client that does not receive it in time is disconnected.
func write(conn *websocket.Conn, kind int, data []byte) error {
	conn.SetWriteDeadline(time.Now().Add(writeLimit))
	return conn.WriteMessage(kind, data)
}

// sendClose sends a close frame, whose reason has at most 123 bytes (RFC 6455,
// section 5.5). It may be called while another goroutine writes.
func sendClose(conn *websocket.Conn, code int, reason string) {
	frame := websocket.FormatCloseMessage(code, reason[:min(len(reason), 123)])
	conn.WriteControl(websocket.CloseMessage, frame, time.Now().Add(linger))
}

// drain reads until the client's close frame, for a short time. Then both sides have sent
// one, and the server closes the connection at once (RFC 6455, sections 5.5.1 and 7.1.1).
func drain(conn *websocket.Conn) {
	cork := conn.NetConn().(*cork)
	cork.SetReadDeadline(time.Now().Add(linger))
	rest := make([]byte, 4<<10)
	for err := error(nil); err == nil && !cork.incoming.closed; {
		_, err = cork.Read(rest)
	}
}

// parseHeartbeat returns the time between heartbeats, and whether browser code can
// see them.
func parseHeartbeat(query url.Values) (every time.Duration, visible bool, err error) {
	text, visible := query["heartbeat"]
	if !visible {
		return pingEvery, false, nil
	}
	every, err = time.ParseDuration(text[0])
	if err != nil || every < time.Second || every > pingEvery {
		return 0, false, fmt.Errorf("websocket: heartbeat is a duration from 1s to %v", pingEvery)
	}
	return every, true, nil
}

// refuse responds with a status and the error as one JSON sentence.
func refuse(w http.ResponseWriter, status int, err error) {
	body, _ := json.Marshal(map[string]string{"error": err.Error()})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
