package sse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"fourwires/feed"
)

const (
	commentEvery = 15 * time.Second
	writeLimit   = 10 * time.Second // for each batch of at most 64 KiB
)

// Handler answers GET with a stream of events that goes on until the client
// leaves or the feed is closed.
//
// The cursor is the Last-Event-ID header, else ?after=EPOCH-ID; without one the
// stream begins with what comes from now on. Every 15 s the stream carries a
// comment; with ?heartbeat= (a Go duration from 1s to 15s) it carries an event
// of type heartbeat instead, which browser code can see. A bad cursor, one
// ahead of the feed, or a bad heartbeat is answered 400. A client that does not
// take 64 KiB in 10 s is let go; it can resume.
type Handler struct {
	Feed *feed.Feed
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Cursor.
	cursor := h.Feed.Head()
	after, given := r.Header["Last-Event-Id"]
	if !given {
		after, given = r.URL.Query()["after"]
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
	every, visible, err := parseHeartbeat(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}

	// Headers, and a first block that sets the id to where the stream begins: a
	// client that is cut off before the first event resumes from there.
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // else nginx holds events back
	err = write(w, fmt.Appendf(nil, "id: %s\nretry: 3000\n\n", cursor))

	// News, and every so often a heartbeat.
	for err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), every)
		cursor, err = h.follow(ctx, w, cursor)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			beat := []byte(":\n\n")
			if visible {
				beat = fmt.Appendf(nil, "event: heartbeat\ndata: {\"heartbeat\":%d}\n\n", h.Feed.Head().ID)
			}
			err = write(w, beat)
		}
	}
}

// follow sends what comes after the cursor until ctx ends, the feed is closed
// or a write fails, and returns how far it came.
func (h *Handler) follow(ctx context.Context, w http.ResponseWriter, cursor feed.Cursor) (feed.Cursor, error) {
	var msgs []feed.Message
	var batch []byte
	for ctx.Err() == nil {
		// Wait.
		var err error
		msgs, cursor, err = h.Feed.Wait(ctx, cursor, msgs[:0])
		batch = batch[:0]
		var gap *feed.GapError
		if errors.As(err, &gap) {
			batch = fmt.Appendf(batch, "event: gap\nid: %s\ndata: %s\n\n", cursor, gap.JSON())
		} else if err != nil {
			return cursor, err
		}
		for _, m := range msgs {
			batch = fmt.Appendf(batch, "id: %s-%d\ndata: %s\n\n", cursor.Epoch, m.ID, m.JSON())
		}

		// Write and flush.
		if err := write(w, batch); err != nil {
			return cursor, err
		}
	}
	return cursor, ctx.Err()
}

// write sends a batch at once. A client that does not take it in time is let go.
func write(w http.ResponseWriter, batch []byte) error {
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := w.Write(batch); err != nil {
		return err
	}
	return control.Flush()
}

// parseHeartbeat returns the time between heartbeats, and whether browser code
// is to see them.
func parseHeartbeat(r *http.Request) (every time.Duration, visible bool, err error) {
	text, visible := r.URL.Query()["heartbeat"]
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
