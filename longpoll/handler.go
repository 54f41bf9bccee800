package longpoll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"fourwires/feed"
)

const (
	defaultWait = 25 * time.Second
	maxWait     = 60 * time.Second
	writeLimit  = 10 * time.Second // for a client to receive a response
)

// Handler responds to GET with the messages after the request's cursor. While there
// are none it holds the request: that is the only difference from polling.
//
// The cursor is ?after=EPOCH-ID; without one it waits for the next message. It
// waits for ?wait= (a Go duration from 0s to 60s; 25s where there is none), or until
// the feed is closed. To a bad cursor, one ahead of the feed, or a bad wait the
// response is 400. HEAD has the response of GET without the body, but at once.
type Handler struct {
	Feed *feed.Feed

	// Sent is called after each write, with the messages and the number of gaps
	// that it sent. It must not block. It may be nil.
	Sent func(msgs []feed.Message, gaps int)
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
	wait, err := parseWait(query)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}

	// Wait for news, until the time is over, or until the feed is closed: the response
	// says which. A client whose If-None-Match names the newest message has the
	// response to its cursor already, and waits for the message after that.
	if r.Method == http.MethodHead {
		wait = 0
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	from := cursor
	if head := h.Feed.Head(); matches(r, tagOf(head)) {
		from = head
	}
	h.Feed.Wait(ctx, from, nil)
	if r.Context().Err() != nil {
		return // the client has left
	}

	// Headers. The head is read before the messages: a message that is published
	// in between is sent too, and none is missed.
	head := h.Feed.Head()
	w.Header().Set("Cache-Control", "no-store")
	if tag := tagOf(head); matches(r, tag) {
		w.Header().Set("ETag", tag)
		w.WriteHeader(http.StatusNotModified)
		return
	}

	// Read.
	body, next, msgs, gaps := h.answer(cursor, head)
	if given && len(msgs)+gaps == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}

	// Write.
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("ETag", tagOf(next))
	if r.Method == http.MethodHead {
		return // RFC 9110, section 9.3.2
	}
	if send(w, r, body) == nil && h.Sent != nil {
		h.Sent(msgs, gaps)
	}
}

func parseWait(query url.Values) (time.Duration, error) {
	text, given := query["wait"]
	if !given {
		return defaultWait, nil
	}
	wait, err := time.ParseDuration(text[0])
	if err != nil || wait < 0 || wait > maxWait {
		return 0, fmt.Errorf("longpoll: wait is a duration from 0s to %v", maxWait)
	}
	return wait, nil
}

// answer returns the response's body, {"epoch":…,"messages":[…]}, the cursor
// behind it, its messages and the number of its gaps. The body has one read of
// the feed. Where its entries end before the head, or where it has none, it names
// the head too, {"epoch":…,"head":…,"messages":[…]}: there is more, or this is
// where a client without a cursor begins.
func (h *Handler) answer(cursor, head feed.Cursor) (body []byte, next feed.Cursor, msgs []feed.Message, gaps int) {
	var entries [][]byte
	var gap *feed.GapError
	msgs, next, err := h.Feed.Since(cursor, nil)
	for ; errors.As(err, &gap); msgs, next, err = h.Feed.Since(next, nil) {
		entries = append(entries, gap.JSON())
		gaps++
	}
	size := len("]}")
	for _, m := range msgs {
		entries = append(entries, m.JSON())
		size += len(m.JSON()) + len(",")
	}

	body = append(body, `{"epoch":"`+next.Epoch+`"`...)
	if next.ID < head.ID || len(entries) == 0 {
		body = fmt.Appendf(body, `,"head":%d`, head.ID)
	}
	body = append(body, `,"messages":[`...)
	body = slices.Grow(body, size)
	for i, entry := range entries {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, entry...)
	}
	return append(body, "]}"...), next, msgs, gaps
}

// send writes the body, for which it has writeLimit. On HTTP/1.1 it then clears the
// deadline, for the connection's next request. On HTTP/2 the deadline is the
// stream's alone, and the rest of the body is sent when the handler returns, in the
// frame that ends the stream (RFC 9113, section 8.1): a flush would add a frame.
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

// tagOf returns the ETag of a response that ends at the cursor.
func tagOf(cursor feed.Cursor) string { return `"` + cursor.String() + `"` }

// matches reports whether If-None-Match names the tag, strong or weak (RFC 9110,
// sections 13.1.2 and 8.8.3.2). Quotes enclose a tag and do not occur in it, so no
// tag is part of another.
func matches(r *http.Request, tag string) bool {
	names := strings.Join(r.Header.Values("If-None-Match"), ", ")
	return names == "*" || strings.Contains(names, tag)
}

// refuse responds with a status and the error as one JSON sentence.
func refuse(w http.ResponseWriter, status int, err error) {
	body, _ := json.Marshal(map[string]string{"error": err.Error()})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
