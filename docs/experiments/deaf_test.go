package experiments_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/internal/stats"
	"fourwires/sse"
)

// A deafHandler is a row of chapter 7's experiment: a handler of events as it is often written. Most of them lose
// messages, and no error is raised.
type deafHandler struct {
	title   string
	limit   time.Duration // the server's WriteTimeout
	http2   bool
	handler func(f *feed.Feed) http.Handler
}

func deafHandlers() []deafHandler {
	const usual = 30 * time.Second
	good := func(f *feed.Feed) http.Handler { return &sse.Handler{Feed: f} }
	careless := func(f *feed.Feed) http.Handler { return &naive{feed: f} }
	beating := func(f *feed.Feed) http.Handler { return &naive{feed: f, heartbeat: 5 * time.Second} }
	ending := func(f *feed.Feed) http.Handler { return &naive{feed: f, heartbeat: 5 * time.Second, ends: true} }
	resuming := func(f *feed.Feed) http.Handler {
		return &naive{feed: f, heartbeat: 5 * time.Second, ends: true, ids: true}
	}
	return []deafHandler{
		{"1 errors ignored, no WriteTimeout", 0, false, careless},
		{"2 the same, WriteTimeout 30 s", usual, false, careless},
		{"3 and a heartbeat every 5 s", usual, false, beating},
		{"4 and it ends at the first error", usual, false, ending},
		{"5 and it sends ids, and resumes", usual, false, resuming},
		{"6 the lab's: a deadline for each write", usual, false, good},
		{"7 behind gzip that is not flushed", usual, false,
			func(f *feed.Feed) http.Handler { return zipped(good(f), false) }},
		{"8 behind gzip that is flushed", usual, false,
			func(f *feed.Feed) http.Handler { return zipped(good(f), true) }},
		{"9 as 2, on HTTP/2", usual, true, careless},
		{"10 as 6, on HTTP/2", usual, true, good},
	}
}

// record lets an EventSource read for two minutes, while a message is published every ten seconds.
func (d deafHandler) record(t *testing.T) (*trace, *eventSource) {
	var browser eventSource
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!d.http2)
	protocols.SetUnencryptedHTTP2(d.http2)
	p := play{until: 140 * time.Second,
		serve: func(f *feed.Feed) *http.Server {
			return &http.Server{Handler: d.handler(f), WriteTimeout: d.limit, Protocols: protocols}
		},
		read: func(ctx context.Context, dial dialer, take func(uint64)) {
			browser.listen(ctx, &http.Transport{DialContext: dial, Protocols: protocols}, take)
		},
	}
	for at := 10 * time.Second; at <= 2*time.Minute; at += 10 * time.Second {
		p.publish = append(p.publish, at)
	}
	return p.record(t), &browser
}

// TestDeaf is the experiment of chapter 7: it counts the messages that arrive.
func TestDeaf(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "%-40s %8s  %6s  %12s  %12s\n", "a message every 10 s", "came", "opened", "late at most",
		"first ended")
	for _, d := range deafHandlers() {
		tr, browser := d.record(t)
		late, ended := "–", "–"
		if delays := tr.delays(); len(delays) > 0 {
			late = fmt.Sprintf("%.2f s", stats.Quantile(delays, 1).Seconds())
		}
		if len(browser.opened) > 1 {
			ended = fmt.Sprintf("%.0f s", browser.ended[0].Seconds())
		}
		fmt.Fprintf(&report, "%-40s %2d of %2d  %6d  %12s  %12s\n", d.title, len(tr.received), len(tr.published),
			len(browser.opened), late, ended)
	}
	blocks.Printed(t, report.String())
}

// An eventSource reads as a browser's does: it waits as long as its stream is open, and opens another one three seconds
// after the end.
type eventSource struct {
	opened, ended []time.Duration // when each of its streams did, since the start
}

func (s *eventSource) listen(ctx context.Context, transport *http.Transport, take func(id uint64)) {
	defer transport.CloseIdleConnections()
	start := time.Now()
	for lastID := ""; ctx.Err() == nil; {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:8080/sse", nil)
		if lastID != "" {
			req.Header.Set("Last-Event-ID", lastID)
		}
		if resp, err := transport.RoundTrip(req); err == nil {
			s.opened = append(s.opened, time.Since(start))
			events := sse.NewParser(resp.Body)
			for event, err := events.Next(); err == nil; event, err = events.Next() {
				if m, err := feed.Decode([]byte(event.Data)); err == nil {
					take(m.ID)
				}
			}
			lastID = events.LastID
			resp.Body.Close()
			s.ended = append(s.ended, time.Since(start))
		}
		select {
		case <-time.After(3 * time.Second):
		case <-ctx.Done():
		}
	}
}

// A naive handler is written as in tutorials.
type naive struct {
	feed      *feed.Feed
	heartbeat time.Duration // 0: none
	ends      bool          // at the first error; false: it goes on writing
	ids       bool          // it sends ids, and resumes
}

func (h *naive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cursor := h.feed.Head()
	if last, err := feed.ParseCursor(r.Header.Get("Last-Event-ID")); h.ids && err == nil {
		cursor = last
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	control.Flush()
	for {
		ctx, cancel := context.WithCancel(context.Background())
		if h.heartbeat > 0 {
			ctx, cancel = context.WithTimeout(ctx, h.heartbeat)
		}
		msgs, next, err := h.feed.Wait(ctx, cursor, nil)
		cancel()
		text := ""
		for _, m := range msgs {
			if h.ids {
				text += fmt.Sprintf("id: %s-%d\n", next.Epoch, m.ID)
			}
			text += fmt.Sprintf("data: %s\n\n", m.JSON())
		}
		switch {
		case errors.Is(err, feed.ErrClosed):
			return
		case err != nil:
			text = ":\n\n"
		}
		cursor = next
		_, err = io.WriteString(w, text)
		if err = errors.Join(err, control.Flush()); err != nil && h.ends {
			return
		}
	}
}

// zipped returns middleware that compresses what a handler writes. Unless it flushes the compressor at each Flush, the
// compressor holds the messages back.
func zipped(h http.Handler, flushes bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		defer zip.Close()
		h.ServeHTTP(&zipWriter{w, zip, flushes}, r)
	})
}

type zipWriter struct {
	http.ResponseWriter
	zip     *gzip.Writer
	flushes bool
}

func (w *zipWriter) Write(b []byte) (int, error) { return w.zip.Write(b) }

func (w *zipWriter) FlushError() error {
	if w.flushes {
		w.zip.Flush()
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *zipWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
