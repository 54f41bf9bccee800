package experiments_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/sse"
)

// The experiments of chapter 12: connections that fail.

// TestMemory counts the messages that a reader loses, and receives twice, when its connections are cut: the server or
// the reader remembers the position, or nobody.
func TestMemory(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "50 messages a second for two minutes; every 2 s on average the connection is reset\n")
	fmt.Fprintf(&report, "%-50s %10s %6s %6s\n", "who remembers", "published", "lost", "twice")
	for _, row := range []struct {
		who    string
		serve  func(f *feed.Feed) http.Handler
		resume bool
	}{
		{"nobody: a reader begins with what comes next",
			func(f *feed.Feed) http.Handler { return &sse.Handler{Feed: f} }, false},
		{"the server: what it has written", func(f *feed.Feed) http.Handler { return &session{feed: f} }, false},
		{"the server, and 20 before that, to be sure",
			func(f *feed.Feed) http.Handler { return &session{feed: f, back: 20} }, false},
		{"the reader: what it has", func(f *feed.Feed) http.Handler { return &sse.Handler{Feed: f} }, true},
	} {
		const until = 2 * time.Minute
		took := map[uint64]int{}
		p := play{
			publish: random(50, until), until: until + 5*time.Second,
			serve: func(f *feed.Feed) *http.Server { return &http.Server{Handler: row.serve(f)} },
			read: func(ctx context.Context, dial dialer, take func(uint64)) {
				streams(ctx, dial, "/sse", row.resume, 0, 100*ms, func(id uint64) {
					took[id]++
					take(id)
				})
			},
			cut: func(ctx context.Context, wires *netsim.Network) {
				draw := rand.New(rand.NewPCG(2, 2))
				for at := time.Duration(0); ; {
					wait := time.Duration(draw.ExpFloat64() * float64(2*time.Second))
					if at += wait; at >= until {
						return
					}
					time.Sleep(wait) // virtual
					for _, c := range wires.Conns() {
						c.Cut(netsim.RST, 0)
					}
				}
			},
		}
		tr := p.record(t)
		lost, twice := 0, 0
		for id := range tr.published {
			switch n := took[id]; {
			case n == 0:
				lost++
			case n > 1:
				twice++
			}
		}
		fmt.Fprintf(&report, "%-50s %10d %6d %6d\n", row.who, len(tr.published), lost, twice)
	}
	blocks.Printed(t, report.String())
}

// A session is a server that remembers for its one reader what it has written. When the reader comes back, it resumes
// that many messages earlier.
type session struct {
	feed *feed.Feed
	back uint64

	mu      sync.Mutex
	written feed.Cursor
}

func (s *session) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.written.Epoch == "" {
		s.written = s.feed.Head()
	}
	cursor := s.written
	s.mu.Unlock()
	cursor.ID -= min(s.back, cursor.ID)
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for {
		if err := control.Flush(); err != nil {
			return
		}
		s.mu.Lock()
		s.written.ID = max(s.written.ID, cursor.ID)
		s.mu.Unlock()
		msgs, next, err := s.feed.Wait(r.Context(), cursor, nil)
		if err != nil {
			return
		}
		for _, m := range msgs {
			fmt.Fprintf(w, "data: %s\n\n", m.JSON())
		}
		cursor = next
	}
}

// streams reads events as a page does, which sees neither comments nor the connection. After a stream has ended it
// pauses and opens the next, with the last id if it resumes. A patience above 0 is how long it waits for an event
// before it closes the stream.
func streams(ctx context.Context, dial dialer, path string, resumes bool, patience, pause time.Duration,
	take func(id uint64)) {
	transport := &http.Transport{DialContext: dial, DisableCompression: true}
	defer transport.CloseIdleConnections()
	for lastID := ""; ctx.Err() == nil; {
		stream, leave := context.WithCancel(ctx)
		req, _ := http.NewRequestWithContext(stream, http.MethodGet, "http://127.0.0.1:8080"+path, nil)
		if resumes && lastID != "" {
			req.Header.Set("Last-Event-ID", lastID)
		}
		silence := time.AfterFunc(time.Hour, leave)
		if patience > 0 {
			silence.Reset(patience)
		}
		if resp, err := transport.RoundTrip(req); err == nil {
			events := sse.NewParser(resp.Body)
			for event, err := events.Next(); err == nil; event, err = events.Next() {
				if patience > 0 {
					silence.Reset(patience)
				}
				if m, err := feed.Decode([]byte(event.Data)); err == nil {
					take(m.ID)
				}
			}
			lastID = events.LastID
			resp.Body.Close()
		}
		silence.Stop()
		leave()
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// A plug is a row of chapter 12's picture: a reader whose connection fails after eleven seconds, while a message is
// published every two.
type plug struct {
	title, lane string
	kind        netsim.Cut
	read        func(ctx context.Context, dial dialer, take func(uint64)) // nil: the transport's own client
}

const (
	plugCut   = 11 * time.Second
	plugUntil = 96 * time.Second
)

func plugs() []plug {
	page := func(path string, patience time.Duration) func(context.Context, dialer, func(uint64)) {
		return func(ctx context.Context, dial dialer, take func(uint64)) {
			streams(ctx, dial, path, true, patience, 3*time.Second, take)
		}
	}
	return []plug{
		{"fin: a page", "sse", netsim.FIN, page("/sse", 0)},
		{"rst: a page", "sse", netsim.RST, page("/sse", 0)},
		{"silence: a page", "sse", netsim.Silence, page("/sse", 0)},
		{"and it sees heartbeats, every 5 s", "sse", netsim.Silence, page("/sse?heartbeat=5s", 10*time.Second)},
		{"silence: the lab's client, polling", "polling", netsim.Silence, nil},
		{"longpoll", "longpoll", netsim.Silence, nil},
		{"sse", "sse", netsim.Silence, nil},
		{"websocket", "websocket", netsim.Silence, nil},
	}
}

func (p plug) record(t *testing.T) *trace {
	found, _ := lab.Find(p.lane)
	if p.read == nil {
		p.read = func(ctx context.Context, dial dialer, take func(uint64)) {
			client := found.Client(lab.Access{URL: "http://127.0.0.1:8080/" + p.lane, Dial: dial})
			for ctx.Err() == nil { // the client keeps its cursor, and so resumes
				for m, err := range client.Messages(ctx) {
					if err == nil {
						take(m.ID)
					}
				}
			}
		}
	}
	whole := play{until: plugUntil, read: p.read,
		serve: func(f *feed.Feed) *http.Server { return &http.Server{Handler: found.Handler(f, nil)} },
		cut: func(ctx context.Context, wires *netsim.Network) {
			time.Sleep(plugCut) // virtual
			lasting := time.Duration(0)
			if p.kind == netsim.Silence {
				lasting = time.Hour
			}
			for _, c := range wires.Conns() {
				if err := c.Cut(p.kind, lasting); err != nil {
					t.Error(err)
				}
			}
		}}
	for at := 2 * time.Second; at <= 90*time.Second; at += 2 * time.Second {
		whole.publish = append(whole.publish, at)
	}
	return whole.record(t)
}

// plugging draws when each reader received which message.
func plugging(t *testing.T) *svg {
	const left, right, top, row = 250.0, 790.0, 50.0, 34.0
	s := &svg{width: 810, height: top + row*float64(len(plugs())) + 24}
	x := func(at time.Duration) float64 { return left + (right-left)*at.Seconds()/plugUntil.Seconds() }
	bottom := s.height - 34
	for at := time.Duration(0); at <= 90*time.Second; at += 15 * time.Second {
		s.line(x(at), top-14, x(at), bottom, "grid")
		s.text(x(at), s.height-14, "middle", "soft", fmt.Sprintf("%g s", at.Seconds()))
	}
	s.line(x(plugCut), top-18, x(plugCut), bottom, "dashed")
	s.text(x(plugCut), top-24, "middle", "soft", "the connection goes bad")
	for i, p := range plugs() {
		y := top + row*float64(i)
		tr := p.record(t)
		s.text(left-14, y+4, "end", "soft", p.title)
		back := plugUntil // when it has reconnected
		if len(tr.dials) > 1 {
			back = tr.dials[1][1]
		}
		s.line(x(tr.dials[0][1]), y, x(plugCut), y, p.lane)
		if p.kind == netsim.Silence {
			gone := back
			if len(tr.dials) > 1 {
				gone = tr.dials[1][0]
			}
			s.line(x(plugCut), y, x(gone), y, "leader")
		}
		if back < plugUntil {
			s.line(x(back), y, x(plugUntil), y, p.lane)
		}
		drawn := map[float64]bool{} // messages that arrive together are one dot
		for id := uint64(1); id <= uint64(len(tr.published)); id++ {
			if at, arrived := tr.received[id]; arrived && !drawn[x(at)] {
				drawn[x(at)] = true
				s.add(`<g class="%s"><circle cx="%.1f" cy="%.1f" r="4" class="tip"/></g>`, p.lane, x(at), y)
			}
		}
	}
	return s
}
