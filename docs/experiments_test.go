package docs_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/stats"
	"fourwires/sse"
)

// The experiments of the chapters: real handlers and clients over a network of
// 50 ms each way, in virtual time, so that their figures are the same
// everywhere. The chapters run them, and show what they print.

// printed prints a report as a test that ran with -v shows it.
func printed(t *testing.T, report *strings.Builder) { fmt.Fprint(t.Output(), report.String()) }

// random returns instants from half a second on, independent of each other,
// so many a second on average.
func random(rate float64, until time.Duration) (all []time.Duration) {
	draw := rand.New(rand.NewPCG(1, 1))
	for at := 500 * ms; ; {
		if at += time.Duration(draw.ExpFloat64() / rate * float64(time.Second)); at >= until {
			return all
		}
		all = append(all, at)
	}
}

// delays returns how late the messages were that came, in order.
func (tr *trace) delays() (delays []time.Duration) {
	for id, held := range tr.held {
		delays = append(delays, held-tr.published[id])
	}
	slices.Sort(delays)
	return delays
}

// TestPolls is the experiment of chapter 3: what polls bring, and cost.
func TestPolls(t *testing.T) {
	var report strings.Builder
	for _, f := range []struct {
		title     string
		rate      float64
		until     time.Duration
		intervals []time.Duration
	}{
		{"2 messages a second on average, at random instants; 10 minutes", 2, 10 * time.Minute, []time.Duration{200 * ms, 500 * ms, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second}},
		{"a message a minute on average; 10 hours", 1.0 / 60, 10 * time.Hour, []time.Duration{2 * time.Second, time.Minute}},
	} {
		fmt.Fprintf(&report, "%s\n", f.title)
		fmt.Fprintf(&report, "poll every   polls with news   by chance   messages   B/message    late p10   p50   p90   max\n")
		for _, interval := range f.intervals {
			tr := transport("polling", interval, random(f.rate, f.until), f.until+2*interval).record(t)
			polls, useful, bytes := 0, 0, 0
			for _, trip := range tr.trips {
				bytes += len(trip.data)
				if trip.up {
					polls++
				} else if strings.Contains(trip.name(), " message") && !strings.Contains(trip.name(), "no ") {
					useful++
				}
			}
			delays := tr.delays()
			fmt.Fprintf(&report, "%-10v %7d %8.0f %% %9.0f %% %10d %11.0f %11.2f %5.2f %5.2f %5.2f\n", interval,
				polls, 100*float64(useful)/float64(polls), 100*(1-math.Exp(-f.rate*interval.Seconds())), len(delays), float64(bytes)/float64(len(delays)),
				stats.Quantile(delays, 0.1).Seconds(), stats.Quantile(delays, 0.5).Seconds(), stats.Quantile(delays, 0.9).Seconds(), stats.Quantile(delays, 1).Seconds())
		}
	}
	printed(t, &report)
}

// TestRearm is the experiment of chapter 4: how often a message finds nobody
// waiting.
func TestRearm(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "long-polling, 50 ms each way; about 2 000 messages, at random instants\n")
	fmt.Fprintf(&report, "messages/s   after one trip   late p50    p90    p99    max (ms)   requests a message\n")
	for _, rate := range []float64{0.2, 2, 10, 50, 200} {
		until := time.Duration(2000 / rate * float64(time.Second))
		tr := transport("longpoll", 0, random(rate, until), until+time.Second).record(t)
		requests := 0
		for _, trip := range tr.trips {
			if trip.up {
				requests++
			}
		}
		delays := tr.delays()
		atOnce, _ := slices.BinarySearch(delays, 50*ms+1)
		in := func(q float64) float64 { return float64(stats.Quantile(delays, q)) / float64(ms) }
		fmt.Fprintf(&report, "%10g %14.0f %% %10.0f %6.0f %6.0f %6.0f %21.2f\n", rate, 100*float64(atOnce)/float64(len(delays)),
			in(0.5), in(0.9), in(0.99), in(1), float64(requests)/float64(len(delays)))
	}
	printed(t, &report)
}

// TestGap is an exercise of chapter 4: messages in one gap, and in the next.
func TestGap(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "long-polling, 50 ms each way (ms)\n")
	for _, third := range []time.Duration{20 * ms, 120 * ms, 201 * ms} {
		const first = time.Second
		tr := transport("longpoll", 0, []time.Duration{first, first + 10*ms, first + third}, 2*time.Second).record(t)
		fmt.Fprintf(&report, "published at 0 10 %d: late by", third/ms)
		for id := range uint64(3) {
			fmt.Fprintf(&report, " %d", (tr.held[id+1]-tr.published[id+1])/ms)
		}
		fmt.Fprintln(&report)
	}
	printed(t, &report)
}

// TestForgetful is the experiment of chapter 5: what a long-poll loses that does
// not say what it has.
func TestForgetful(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "long-polling, 50 ms each way; about 2 000 messages, at random instants\n")
	fmt.Fprintf(&report, "messages/s   without a cursor   by chance   with a cursor\n")
	for _, rate := range []float64{0.2, 1, 2, 10, 50, 200} {
		until := time.Duration(2000 / rate * float64(time.Second))
		lost := func(read func(context.Context, dialer, func(uint64))) (lost, all int) {
			p := transport("longpoll", 0, random(rate, until), until+time.Second)
			if read != nil {
				p.read = read
			}
			tr := p.record(t)
			var last uint64
			for id := range tr.held {
				last = max(last, id)
			}
			return int(last) - len(tr.held), int(last)
		}
		n, all := lost(forgetful)
		m, whole := lost(nil)
		chance := rate * 0.1 / (1 + rate*0.1)
		fmt.Fprintf(&report, "%10g %11.1f %% lost %9.1f %% %8d of %d\n", rate, 100*float64(n)/float64(all), 100*chance, m, whole)
	}
	printed(t, &report)
}

// TestEvent is the experiment of chapter 6: what the shortest events cost, around
// a message of 50 bytes.
func TestEvent(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "bytes around a message of 50       as text   HTTP/1.1   HTTP/2\n")
	for _, shape := range []string{"data:*\n\n", "data: *\n\n", "id:7\ndata:*\n\n", "event:gap\ndata:*\n\n"} {
		message := `{"id":1,"at":946684801000000,"data":{"cpu":12.5}}`
		message += strings.Repeat(" ", 50-len(message))
		event := strings.Replace(shape, "*", message, 1)
		fmt.Fprintf(&report, "%-32q %9d", shape, len(event)-50)
		for _, http2 := range []bool{false, true} {
			p := play{until: 2 * time.Second,
				serve: func(*feed.Feed) *http.Server {
					server := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Content-Type", "text/event-stream")
						control := http.NewResponseController(w)
						control.Flush()
						time.Sleep(time.Second) // virtual
						io.WriteString(w, event)
						control.Flush()
						<-r.Context().Done()
					})}
					server.Protocols.SetHTTP1(true)
					server.Protocols.SetUnencryptedHTTP2(true)
					return server
				},
				read: func(ctx context.Context, dial dialer, _ func(uint64)) {
					stream := sse.Stream{URL: "http://127.0.0.1:8080/sse", Dial: dial, HTTP2: http2}
					for range stream.Events(ctx) {
					}
				}}
			for _, trip := range p.record(t).trips {
				if !trip.up && trip.left > time.Second {
					fmt.Fprintf(&report, " %9d", len(trip.data)-50)
				}
			}
		}
		fmt.Fprintln(&report)
	}
	printed(t, &report)
}

// A deaf is a row of chapter 7's experiment: a handler as they are often written.
type deaf struct {
	title   string
	limit   time.Duration // the server's WriteTimeout
	http2   bool
	handler func(f *feed.Feed) http.Handler
}

func deafs() []deaf {
	const usual = 30 * time.Second
	good := func(f *feed.Feed) http.Handler { return &sse.Handler{Feed: f} }
	careless := func(f *feed.Feed) http.Handler { return &naive{feed: f} }
	beating := func(f *feed.Feed) http.Handler { return &naive{feed: f, heartbeat: 5 * time.Second} }
	ending := func(f *feed.Feed) http.Handler { return &naive{feed: f, heartbeat: 5 * time.Second, ends: true} }
	resuming := func(f *feed.Feed) http.Handler {
		return &naive{feed: f, heartbeat: 5 * time.Second, ends: true, ids: true}
	}
	return []deaf{
		{"1 errors ignored, no WriteTimeout", 0, false, careless},
		{"2 the same, WriteTimeout 30 s", usual, false, careless},
		{"3 and a heartbeat every 5 s", usual, false, beating},
		{"4 and it ends at the first error", usual, false, ending},
		{"5 and it sends ids, and resumes", usual, false, resuming},
		{"6 the lab's: a deadline for each write", usual, false, good},
		{"7 behind gzip that is not flushed", usual, false, func(f *feed.Feed) http.Handler { return zipped(good(f), false) }},
		{"8 behind gzip that is flushed", usual, false, func(f *feed.Feed) http.Handler { return zipped(good(f), true) }},
		{"9 as 2, on HTTP/2", usual, true, careless},
		{"10 as 6, on HTTP/2", usual, true, good},
	}
}

// record has an EventSource read a message every ten seconds, for two minutes.
func (d deaf) record(t *testing.T) (*trace, *eventSource) {
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

// TestDeaf is the experiment of chapter 7.
func TestDeaf(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "%-40s %8s  %6s  %12s  %12s\n", "a message every 10 s", "came", "opened", "late at most", "first ended")
	for _, d := range deafs() {
		tr, browser := d.record(t)
		late, ended := "–", "–"
		if delays := tr.delays(); len(delays) > 0 {
			late = fmt.Sprintf("%.2f s", stats.Quantile(delays, 1).Seconds())
		}
		if len(browser.opened) > 1 {
			ended = fmt.Sprintf("%.0f s", browser.ended[0].Seconds())
		}
		fmt.Fprintf(&report, "%-40s %2d of %2d  %6d  %12s  %12s\n", d.title, len(tr.held), len(tr.published), len(browser.opened), late, ended)
	}
	printed(t, &report)
}

// An eventSource reads as that of a browser does: it waits for as long as its
// stream is open, and three seconds after its end opens another one.
type eventSource struct {
	opened, ended []time.Duration // its streams, from the beginning on
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

type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// naive is a handler as tutorials have it.
type naive struct {
	feed      *feed.Feed
	heartbeat time.Duration // 0: none
	ends      bool          // at the first error; otherwise it goes on
	ids       bool
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

// zipped compresses what a handler writes, as a middleware does. One that does
// not pass Flush on to its compressor keeps what is written.
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
