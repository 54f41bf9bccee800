package polling

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"fourwires/feed"
)

// writeLimit is the time that a client has to take an answer.
const writeLimit = 10 * time.Second

// Handler answers GET with what the feed has after the request's cursor. It
// never waits.
//
// The cursor is ?after=EPOCH-ID. Without one the answer is empty and its ETag
// tells the head. A bad cursor, or one ahead of the feed, is answered 400.
type Handler struct {
	Feed *feed.Feed

	// Sent is told, after each write, which messages and how many gaps it
	// carried. It must not block. It may be nil.
	Sent func(msgs []feed.Message, gaps int)
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Cursor.
	cursor := h.Feed.Head()
	after, given := r.URL.Query()["after"]
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

	// Headers. The tag is read before the messages are, so it can only be too
	// old: then the client is sent twice what it asked twice, never too little.
	tag := tagOf(h.Feed.Head())
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("ETag", tag)
	if matches(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}

	// Read.
	body, msgs, gaps := h.answer(cursor)
	if given && len(msgs)+gaps == 0 {
		w.Header().Del("ETag")
		w.WriteHeader(http.StatusNoContent)
		return
	}

	// Write.
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if send(w, r, body) == nil && h.Sent != nil {
		h.Sent(msgs, gaps)
	}
}

// answer returns the answer's body, {"epoch":…,"messages":[…]}, and what is in
// it: messages, and how many gaps. It holds one read of the feed; where there
// is more, the client asks again.
func (h *Handler) answer(cursor feed.Cursor) (body []byte, msgs []feed.Message, gaps int) {
	body = append(body, `{"epoch":"`+cursor.Epoch+`","messages":[`...)
	var gap *feed.GapError
	msgs, cursor, err := h.Feed.Since(cursor, nil)
	for ; errors.As(err, &gap); msgs, cursor, err = h.Feed.Since(cursor, nil) {
		body = append(append(body, gap.JSON()...), ',')
		gaps++
	}
	size := 0
	for _, m := range msgs {
		size += len(m.JSON()) + len(",")
	}
	body = slices.Grow(body, size+len("]}"))
	for _, m := range msgs {
		body = append(append(body, m.JSON()...), ',')
	}
	if gaps+len(msgs) > 0 {
		body = body[:len(body)-1] // the last comma
	}
	return append(body, "]}"...), msgs, gaps
}

// send writes the body, which a client has writeLimit to take. On HTTP/1.1 it takes
// the deadline back, for the connection's next request. On HTTP/2 the deadline is
// the stream's alone, and what is left of the body goes when the handler returns,
// in the frame that ends the stream (RFC 9113, section 8.1): a flush would make
// that one more frame.
func send(w http.ResponseWriter, r *http.Request, body []byte) error {
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := w.Write(body); err != nil || r.ProtoMajor == 2 {
		return err
	}
	if err := control.Flush(); err != nil {
		return err
	}
	return control.SetWriteDeadline(time.Time{})
}

// tagOf returns the ETag of an answer that was given while head was the newest.
func tagOf(head feed.Cursor) string { return `"` + head.String() + `"` }

// matches reports whether If-None-Match names the tag (RFC 9110, section
// 13.1.2). A tag holds no quote inside, so none can hide in another.
func matches(r *http.Request, tag string) bool {
	names := strings.Join(r.Header.Values("If-None-Match"), ", ")
	return names == "*" || strings.Contains(names, tag)
}

// refuse answers with an error as one JSON sentence.
func refuse(w http.ResponseWriter, status int, err error) {
	body, _ := json.Marshal(map[string]string{"error": err.Error()})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
