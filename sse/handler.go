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
	many         = 64               // messages at once, as only a reader that was behind gets them

	// Level 2 is the fastest that finds what events have in common: flushed one
	// by one, events of less than 128 bytes are not looked into at gzip.BestSpeed,
	// which takes more memory, too. Higher levels save a byte or two more.
	gzipLevel = 2
)

// Handler answers GET with a stream of events that goes on until the client
// leaves or the feed is closed.
//
// The cursor is the Last-Event-ID header, else ?after=EPOCH-ID; without one the
// stream begins with what comes from now on. The first event, of type hello, tells
// where the stream begins and the newest id. Every 15 s the stream carries a
// comment; with ?heartbeat= (a Go duration from 1s to 15s) it carries an event
// of type heartbeat instead, which browser code can see. A bad cursor, one
// ahead of the feed, or a bad heartbeat is answered 400. A client that does
// not take a batch in about 10 s is let go; it can resume. HEAD is answered with
// the headers alone.
type Handler struct {
	Feed *feed.Feed

	// Sent is told, after each write, which messages and how many gaps it
	// carried. It must not block. It may be nil.
	Sent func(msgs []feed.Message, gaps int)

	// Gzip compresses the stream of a client whose Accept-Encoding allows it. One
	// window goes through all of a stream, so that an event costs little more than
	// what is new in it. But each client's stream is compressed by itself, some
	// µs a batch, and holds about 800 KiB, idle or not, for as long as it is open.
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
	// client that is cut off before the first message resumes from there. It has
	// data, since Firefox drops the id of a block without (against WHATWG HTML,
	// section 9.2.6).
	w.Header().Set("Cache-Control", "no-store, no-transform")
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // else nginx holds events back
	out := &stream{w: w, control: http.NewResponseController(w), http2: r.ProtoMajor == 2}
	if h.Gzip {
		w.Header().Add("Vary", "Accept-Encoding") // RFC 9110, section 12.5.5
		if AcceptsGzip(r.Header["Accept-Encoding"]) {
			w.Header().Set("Content-Encoding", "gzip")
			out.zip, _ = gzip.NewWriterLevel(w, gzipLevel) // there is this level
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

// follow sends what comes after the cursor until ctx ends, the feed is closed
// or a write fails, and returns how far it came. All that waits goes out in one
// write.
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
		if len(msgs) > many && cursor == h.Feed.Head() {
			msgs, batch = nil, nil // a reader that has caught up needs no such room
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

// A stream is a response that goes on.
type stream struct {
	w       http.ResponseWriter
	zip     *gzip.Writer // compresses into w; nil: nothing does
	control *http.ResponseController
	http2   bool
	armed   time.Time // when the write deadline was last put off
}

// write sends a batch at once. A client that does not take it in time is let
// go. Putting the deadline off costs a timer, so it is done once a second; but
// on HTTP/2 a deadline ends the stream even when nothing is being written, so
// there it is taken back.
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

// compress writes a batch, compressed if the stream is. What compresses would
// keep the end of it for what comes next: it is flushed first (RFC 1951, section
// 3.2.4: an empty block, about five bytes).
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

// end makes the stream's end one that is no cut: the last chunk, and before it
// what gzip ends with, need a deadline that is still to come.
func (s *stream) end() {
	s.control.SetWriteDeadline(time.Now().Add(writeLimit))
	if s.zip != nil {
		s.zip.Close()
	}
}

// AcceptsGzip says whether the fields allow gzip (RFC 9110, section 12.5.3). A
// client that sends none would have to take any coding, but few can.
func AcceptsGzip(fields []string) bool {
	named, any := "", "0"
	for coding := range strings.SplitSeq(strings.Join(fields, ","), ",") {
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

// parseHeartbeat returns the time between heartbeats, and whether browser code
// is to see them.
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

// refuse answers with an error as one JSON sentence.
func refuse(w http.ResponseWriter, status int, err error) {
	body, _ := json.Marshal(map[string]string{"error": err.Error()})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
