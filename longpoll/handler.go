package longpoll

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"fourwires/feed"
)

const (
	usualWait  = 25 * time.Second
	maxWait    = 60 * time.Second
	maxAnswer  = 1 << 20          // bytes of an answer; the client asks again
	writeLimit = 10 * time.Second // for each 64 KiB of it
)

// Handler answers GET with what the feed has after the request's cursor. While
// there is nothing it holds the request: that is all that sets it apart from
// polling.
//
// The cursor is ?after=EPOCH-ID; without one it waits for what comes from now
// on. It waits for ?wait= (a Go duration from 0s to 60s, usually 25s), or until
// the feed is closed. A bad cursor, one ahead of the feed, or a bad wait is
// answered 400.
type Handler struct {
	Feed *feed.Feed
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
	wait, err := parseWait(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}

	// Wait. Whatever ends it, news, time, or the feed's end, the answer tells. A
	// client that has the answer to its cursor already waits for another one.
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	from := cursor
	if head := h.Feed.Head(); matches(r, tagOf(head)) {
		from = head
	}
	h.Feed.Wait(ctx, from, nil)
	if r.Context().Err() != nil {
		return // nobody is there to be answered
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
	body, news := h.answer(cursor)
	if given && !news {
		w.Header().Del("ETag")
		w.WriteHeader(http.StatusNoContent)
		return
	}

	// Write.
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	send(w, body)
}

func parseWait(r *http.Request) (time.Duration, error) {
	text, given := r.URL.Query()["wait"]
	if !given {
		return usualWait, nil
	}
	wait, err := time.ParseDuration(text[0])
	if err != nil || wait < 0 || wait > maxWait {
		return 0, fmt.Errorf("longpoll: wait is a duration from 0s to %v", maxWait)
	}
	return wait, nil
}

// answer returns the answer's body, {"epoch":…,"messages":[…]}, and whether
// there is anything in it.
func (h *Handler) answer(cursor feed.Cursor) (body []byte, news bool) {
	body = append(body, `{"epoch":"`+cursor.Epoch+`","messages":[`...)
	add := func(entry []byte) bool {
		if len(body)+len(entry)+len(",]}") > maxAnswer {
			return false
		}
		if news {
			body = append(body, ',')
		}
		body, news = append(body, entry...), true
		return true
	}
	var msgs []feed.Message
	for full := false; !full; {
		var err error
		msgs, cursor, err = h.Feed.Since(cursor, msgs[:0])
		if gap, ok := err.(*feed.GapError); ok {
			full = !add(gap.JSON())
		} else if len(msgs) == 0 { // nothing more, or the feed is closed
			break
		}
		for _, m := range msgs {
			if full = !add(m.JSON()); full {
				break
			}
		}
	}
	return append(body, "]}"...), news
}

// send writes the body so that a client gets writeLimit for each part of it,
// and takes the deadline back for the connection's next request.
func send(w http.ResponseWriter, body []byte) {
	control := http.NewResponseController(w)
	for len(body) > 0 {
		part := body[:min(len(body), feed.MaxRead)]
		control.SetWriteDeadline(time.Now().Add(writeLimit))
		if _, err := w.Write(part); err != nil {
			return
		}
		body = body[len(part):]
	}
	if control.Flush() == nil {
		control.SetWriteDeadline(time.Time{})
	}
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
