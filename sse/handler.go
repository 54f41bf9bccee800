package sse

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fourwires/feed"
)

const (
	commentEvery = 15 * time.Second
	writeLimit   = 10 * time.Second // for each batch of at most 64 KiB
	largeRead    = 64               // messages in one read, as only a reader that was behind gets them

	// Level 2 is the fastest that finds what events have in common: gzip.BestSpeed
	// does not search blocks of less than 128 bytes, such as an event that is flushed
	// alone, and takes more memory, too. Higher levels save a byte or two more.
	gzipLevel = 2
)

// Handler responds to GET with a stream of events that goes on until the client
// leaves or the feed is closed.
//
// The cursor is the Last-Event-ID header, else ?after=EPOCH-ID; without one the
// stream begins with the next message. The first event, of type hello, has the id
// where the stream begins, and the newest id as its data. Every 15 s the stream has
// a comment; with ?heartbeat= (a Go duration from 1s to 15s) it has an event of type
// heartbeat instead, which browser code can see. To a bad cursor, one ahead of the
// feed, or a bad heartbeat the response is 400. A client that does not receive a
// batch in about 10 s is disconnected; it can resume. The response to HEAD has the
// headers alone.
type Handler struct {
	Feed *feed.Feed

	// Sent is called after each write, with the messages and the number of gaps
	// that it sent. It must not block. It may be nil.
	Sent func(msgs []feed.Message, gaps int)

	// Gzip compresses the stream of a client whose Accept-Encoding allows it. The
	// stream is compressed as one, with one window, so an event costs little more
	// than what is new in it. But each client's stream is compressed separately, some
	// µs a batch, and takes about 800 KiB, idle or not, for as long as it is open.
	Gzip bool
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Cursor.
	query := r.URL.Query()
	cursor := h.Feed.Head()
	after, given := r.Header["Last-Event-Id"]
	if !given || after[0] == "" { // empty: there is no last event ID (WHATWG HTML, section 9.2.4)
		after, given = query["after"]
	}
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

	// Headers, and a first block that sets the id to where the stream begins: a
	// client that is disconnected before the first message resumes there. It has
	// data because Firefox, against WHATWG HTML, section 9.2.6, ignores the id of a
	// block without.
	w.Header().Set("Cache-Control", "no-store, no-transform")
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // else nginx buffers events
	out := &stream{w: w, control: http.NewResponseController(w), http2: r.ProtoMajor == 2}
	if h.Gzip {
		w.Header().Add("Vary", "Accept-Encoding") // RFC 9110, section 12.5.5
		if AcceptsGzip(r.Header["Accept-Encoding"]) {
			w.Header().Set("Content-Encoding", "gzip")
			out.zip, _ = gzip.NewWriterLevel(w, gzipLevel) // an error is for a level that does not exist
		}
	}
	if r.Method == http.MethodHead {
		return // RFC 9110, section 9.3.2
	}
	head := cursor
	if given {
		head = h.Feed.Head()
	}
	const hello = "id: %s\nevent: hello\nretry: 3000\ndata: {\"epoch\":%q,\"head\":%d}\n\n"
	err = out.write(fmt.Appendf(nil, hello, cursor, cursor.Epoch, head.ID))

	// News, and every so often a heartbeat.
	for err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), every)
		cursor, err = h.follow(ctx, out, cursor)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && r.Context().Err() == nil {
			beat := []byte(":\n\n")
			if visible {
				beat = fmt.Appendf(nil, "event: heartbeat\ndata: {\"heartbeat\":%d}\n\n", h.Feed.Head().ID)
			}
			err = out.write(beat)
		}
	}

	// Close.
	if errors.Is(err, feed.ErrClosed) {
		out.end()
	}
}

// follow sends the messages after the cursor until ctx ends, the feed is closed or a
// write fails, and returns the cursor behind what it sent. Each read of the feed is
// sent in one write.
func (h *Handler) follow(ctx context.Context, out *stream, cursor feed.Cursor) (feed.Cursor, error) {
	var msgs []feed.Message
	var batch []byte
	for ctx.Err() == nil {
		// Wait.
		var err error
		msgs, cursor, err = h.Feed.Wait(ctx, cursor, msgs[:0])
		batch = batch[:0]
		gaps := 0
		var gap *feed.GapError
		if errors.As(err, &gap) {
			batch = append(batch, "event: gap\n"...)
			batch = appendEvent(batch, cursor, gap.JSON())
			gaps++
		} else if err != nil {
			return cursor, err
		}
		for _, m := range msgs {
			batch = appendEvent(batch, feed.Cursor{Epoch: cursor.Epoch, ID: m.ID}, m.JSON())
		}

		// Write and flush.
		if err := out.write(batch); err != nil {
			return cursor, err
		}
		if h.Sent != nil {
			h.Sent(msgs, gaps)
		}
		if len(msgs) > largeRead && cursor == h.Feed.Head() {
			msgs, batch = nil, nil // a reader that has caught up needs less memory
		}
	}
	return cursor, ctx.Err()
}

// appendEvent appends an event whose id is the cursor behind it.
func appendEvent(batch []byte, id feed.Cursor, data []byte) []byte {
	batch = append(batch, "id: "...)
	batch = append(batch, id.Epoch...)
	batch = append(batch, '-')
	batch = strconv.AppendUint(batch, id.ID, 10)
	batch = append(batch, "\ndata: "...)
	batch = append(batch, data...)
	return append(batch, "\n\n"...)
}

// A stream is a response that does not end.
type stream struct {
	w       http.ResponseWriter
	zip     *gzip.Writer // compresses into w; nil: the stream is not compressed
	control *http.ResponseController
	http2   bool
	armed   time.Time // when the write deadline was last set
}

// write sends a batch at once. A client that does not receive it in time is
// disconnected. To set the deadline costs a timer, so that is done once a second. On
// HTTP/2 a deadline ends the stream even while nothing is being written, so there it
// is cleared.
func (s *stream) write(batch []byte) error {
	if now := time.Now(); s.http2 || now.Sub(s.armed) >= time.Second {
		s.armed = now
		s.control.SetWriteDeadline(now.Add(writeLimit))
	}
	if err := s.compress(batch); err != nil {
		return err
	}
	if err := s.control.Flush(); err != nil || !s.http2 {
		return err
	}
	return s.control.SetWriteDeadline(time.Time{})
}

// compress writes a batch, compressed if the stream is. The compressor would keep
// the end of the batch until the next one, so it is flushed (RFC 1951, section 3.2.4:
// an empty block, about five bytes).
func (s *stream) compress(batch []byte) error {
	if s.zip == nil {
		_, err := s.w.Write(batch)
		return err
	}
	if _, err := s.zip.Write(batch); err != nil {
		return err
	}
	return s.zip.Flush()
}

// end ends the stream in order: gzip's trailer and the last chunk are still to be
// written, so a new deadline is set.
func (s *stream) end() {
	s.control.SetWriteDeadline(time.Now().Add(writeLimit))
	if s.zip != nil {
		s.zip.Close()
	}
}

// AcceptsGzip reports whether the values of Accept-Encoding allow gzip (RFC 9110,
// section 12.5.3). Without the header any coding is allowed, but few clients that do
// not send it can decode gzip: the result is false.
func AcceptsGzip(values []string) bool {
	named, any := "", "0"
	for coding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		name, weight, _ := strings.Cut(coding, ";")
		_, weight, _ = strings.Cut(weight, "=")
		weight = cmp.Or(strings.TrimSpace(weight), "1")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "gzip", "x-gzip":
			named = weight
		case "*":
			any = weight
		}
	}
	q, err := strconv.ParseFloat(cmp.Or(named, any), 64)
	return err == nil && q > 0
}

// parseHeartbeat returns the time between heartbeats, and whether browser code can
// see them.
func parseHeartbeat(query url.Values) (every time.Duration, visible bool, err error) {
	text, visible := query["heartbeat"]
	if !visible {
		return commentEvery, false, nil
	}
	every, err = time.ParseDuration(text[0])
	if err != nil || every < time.Second || every > commentEvery {
		return 0, false, fmt.Errorf("sse: heartbeat is a duration from 1s to %v", commentEvery)
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
