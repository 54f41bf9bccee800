package experiments_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/sse"
)

// A pool is a row of chapter 13's experiment: eight streams and then a poll, by a client that opens at most six
// connections to a host, as a browser does.
type pool struct {
	title  string
	http2  bool
	atOnce int // streams that the server allows on a connection; 0: any number
}

func pools() []pool {
	return []pool{
		{"HTTP/1.1", false, 0},
		{"HTTP/2", true, 0},
		{"HTTP/2, six at once", true, 6},
	}
}

// A pooled request was made of a pool.
type pooled struct {
	asked, answered, ended time.Duration // since the start; 0: never
	news                   bool          // it received the message
}

const (
	poolPoll    = time.Second
	poolPublish = 2 * time.Second
	poolLeaves  = 3 * time.Second // the first stream is closed, then another each second
	poolUntil   = 8 * time.Second
)

func (p pool) record(t *testing.T) (all []*pooled, connections int) {
	handlers := http.NewServeMux()
	serve := func(f *feed.Feed) *http.Server {
		for _, transport := range lab.Transports {
			handlers.Handle("/"+transport.Name, transport.Handler(f, nil))
		}
		server := &http.Server{Handler: handlers, Protocols: new(http.Protocols)}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		if p.atOnce > 0 {
			server.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: p.atOnce}
		}
		return server
	}
	read := func(ctx context.Context, dial dialer, _ func(uint64)) {
		start := time.Now()
		client := &http.Transport{DialContext: dial, DisableCompression: true, MaxConnsPerHost: 6,
			Protocols: new(http.Protocols)}
		client.Protocols.SetHTTP1(!p.http2)
		client.Protocols.SetUnencryptedHTTP2(p.http2)
		client.HTTP2 = &http.HTTP2Config{StrictMaxConcurrentRequests: true}
		defer client.CloseIdleConnections()
		var mu sync.Mutex
		var asks sync.WaitGroup
		ask := func(path string, lasting time.Duration) {
			one := &pooled{asked: time.Since(start)}
			all = append(all, one)
			asks.Go(func() {
				ctx, leave := context.WithTimeout(ctx, lasting)
				defer leave()
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:8080"+path, nil)
				resp, err := client.RoundTrip(req)
				if err != nil {
					return
				}
				mu.Lock()
				one.answered = time.Since(start)
				mu.Unlock()
				defer resp.Body.Close()
				if path == "/sse" {
					events := sse.NewParser(resp.Body)
					for event, err := events.Next(); err == nil; event, err = events.Next() {
						if _, err := feed.Decode([]byte(event.Data)); err == nil {
							one.news = true
						}
					}
				} else {
					io.Copy(io.Discard, resp.Body)
				}
				one.ended = time.Since(start)
			})
		}
		page, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:8080/polling", nil)
		resp, err := client.RoundTrip(page) // first the page, as in a browser
		if err != nil {
			t.Error(err)
			return
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		for i := range 8 {
			lasting := poolUntil
			if i < 3 {
				lasting = poolLeaves + time.Duration(i)*time.Second
			}
			ask("/sse", lasting)
			time.Sleep(ms) // virtual: one request after the other
		}
		time.Sleep(poolPoll - time.Since(start))
		ask("/polling", poolUntil)
		asks.Wait()
	}
	tr := play{publish: []time.Duration{poolPublish}, until: poolUntil, serve: serve, read: read}.record(t)
	for _, dial := range tr.dials {
		if dial[1] < poolPoll {
			connections++
		}
	}
	return all, connections
}

// TestPool is the experiment of chapter 13: how many streams open, and how long the poll waits.
func TestPool(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "eight streams at once; a second later a poll; a message at 2 s; at 3, 4 and 5 s a stream is closed\n")
	fmt.Fprintf(&report, "%-22s %12s %12s %14s %16s\n", "a pool of six", "open at 1 s", "connections", "had the news",
		"the poll took")
	for _, p := range pools() {
		all, connections := p.record(t)
		open, news := 0, 0
		for _, one := range all[:8] {
			if one.answered > 0 && one.answered < poolPoll {
				open++
				if one.news {
					news++
				}
			}
		}
		fmt.Fprintf(&report, "%-22s %10d/8 %12d %12d/8 %14.2f s\n", p.title, open, connections, news,
			(all[8].answered - all[8].asked).Seconds())
	}
	blocks.Printed(t, report.String())
}

// pooling draws when each request was answered, in the first two pools.
func pooling(t *testing.T) *svg {
	const left, right, top, row = 150.0, 720.0, 40.0, 19.0
	s := &svg{width: 750, height: top + 2*(10*row+34) + 20}
	x := func(at time.Duration) float64 { return left + (right-left)*at.Seconds()/poolUntil.Seconds() }
	for at := time.Duration(0); at <= poolUntil; at += time.Second {
		s.line(x(at), top-16, x(at), s.height-34, "grid")
		s.text(x(at), s.height-14, "middle", "soft", fmt.Sprintf("%g s", at.Seconds()))
	}
	y := top
	for _, p := range pools()[:2] {
		all, connections := p.record(t)
		s.text(14, y, "start", "name", fmt.Sprintf("%s: %d connection%s", p.title, connections,
			strings.Repeat("s", min(1, connections-1))))
		for i, one := range all {
			y += row
			name, lane := fmt.Sprintf("stream %d", i+1), "sse"
			if i == 8 {
				name, lane = "a poll", "polling"
			}
			s.text(left-14, y+4, "end", "soft", name)
			answered, ended := one.answered, one.ended
			if answered == 0 {
				answered, ended = poolUntil, poolUntil
			}
			s.line(x(one.asked), y, x(answered), y, "leader")
			s.line(x(answered), y, x(ended), y, lane)
			if one.answered > 0 {
				s.add(`<g class="%s"><circle cx="%.1f" cy="%.1f" r="4" class="tip"/></g>`, lane, x(answered), y)
			}
		}
		y += row + 34
	}
	return s
}
