package sse_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/internal/wire"
	"fourwires/sse"
)

// serveBoth serves in memory until the test ends, over HTTP/1.1 and HTTP/2, and
// returns its dialer.
func serveBoth(t *testing.T, handler http.Handler) wire.Dial {
	network := netsim.Listen()
	server := &http.Server{Handler: handler, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go server.Serve(network)
	t.Cleanup(func() { server.Close() })
	return network.Dial
}

// Compressed or not, and over either version of HTTP, each event arrives at the instant at which it is published.
func TestGzipDelaysNothing(t *testing.T) {
	for _, version := range []int{1, 2} {
		for _, compress := range []bool{false, true} {
			t.Run(fmt.Sprintf("http=%d/gzip=%v", version, compress), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := feed.New(feed.Keep)
					got := ""
					handler := &sse.Handler{Feed: f, Gzip: true}
					dial := serveBoth(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						handler.ServeHTTP(w, r)
						got = w.Header().Get("Content-Encoding")
					}))
					for id := range 100 {
						time.AfterFunc(time.Duration(id+1)*777*time.Millisecond, func() { publish(t, f, id+1, id+1) })
					}
					time.AfterFunc(90*time.Second, f.Close)
					start := time.Now()
					client := sse.Client{URL: "http://lab/sse", Dial: dial, HTTP2: version == 2, Gzip: compress}
					n := uint64(0)
					for m, err := range client.Messages(t.Context()) {
						if errors.Is(err, io.EOF) {
							break
						}
						n++
						took, want := time.Since(start), time.Duration(n)*777*time.Millisecond
						if m.ID != n || err != nil || took != want {
							t.Fatalf("message %d, %v arrives after %v, want message %d after %v",
								m.ID, err, took, n, want)
						}
					}
					if took := time.Since(start); n != 100 || took != 90*time.Second {
						t.Errorf("%d messages and the end after %v, want 100 and 1m30s", n, took)
					}
					want := ""
					if compress {
						want = "gzip"
					}
					synctest.Wait()
					if got != want {
						t.Errorf("Content-Encoding is %q, want %q", got, want)
					}
				})
			})
		}
	}
}

// A stream is compressed only where the client allows it; it has the same events then, and gzip's trailer.
func TestGzipNegotiation(t *testing.T) {
	for _, test := range []struct {
		offered bool
		accept  []string // Accept-Encoding
		want    string   // Content-Encoding
	}{
		{true, nil, ""},
		{true, []string{""}, ""},
		{true, []string{"gzip"}, "gzip"},
		{true, []string{"gzip, deflate, br, zstd"}, "gzip"},
		{true, []string{"br", "GZIP ; q=0.001"}, "gzip"},
		{true, []string{"x-gzip"}, "gzip"},
		{true, []string{"*"}, "gzip"},
		{true, []string{"gzip;q=0"}, ""},
		{true, []string{"gzip;q=0.000, *"}, ""},
		{true, []string{"*;q=0, gzip"}, "gzip"},
		{true, []string{"*;q=0"}, ""},
		{true, []string{"gzip;q=much"}, ""},
		{true, []string{"deflate, br"}, ""},
		{true, []string{"identity"}, ""},
		{false, []string{"gzip"}, ""},
	} {
		t.Run(fmt.Sprintf("%v-%q", test.offered, test.accept), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := feed.New(feed.Keep)
				publish(t, f, 1, 3)
				dial := serveBoth(t, &sse.Handler{Feed: f, Gzip: test.offered})
				transport := &http.Transport{DialContext: dial, DisableCompression: true}
				defer transport.CloseIdleConnections()
				req, _ := http.NewRequest("GET", "http://lab/sse?after=1", nil)
				req.Header["Accept-Encoding"] = test.accept
				resp, err := transport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				time.AfterFunc(time.Second, f.Close)
				body := io.Reader(resp.Body)
				got, vary := resp.Header.Get("Content-Encoding"), resp.Header.Get("Vary")
				if got != test.want || (vary == "Accept-Encoding") != test.offered {
					t.Errorf("Content-Encoding is %q, want %q; Vary is %q", got, test.want, vary)
				}
				if got == "gzip" {
					if body, err = gzip.NewReader(resp.Body); err != nil {
						t.Fatal(err)
					}
				}
				text, err := io.ReadAll(body)
				epoch := f.Head().Epoch
				want := fmt.Sprintf("id: %s-1\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"%[1]s\",\"head\":3}\n\nid: %[1]s-2\ndata: {\"id\":2,\"at\":946684800000000,\"data\":2}\n\n"+
					"id: %[1]s-3\ndata: {\"id\":3,\"at\":946684800000000,\"data\":3}\n\n", epoch)
				if string(text) != want || err != nil {
					t.Errorf("got\n%s%v, want\n%s", text, err, want)
				}
			})
		})
	}
}

// A stream ends in order, however long nothing was written before its end.
func TestEndOfAQuietStream(t *testing.T) {
	for _, version := range []int{1, 2} {
		for _, compress := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				f := feed.New(feed.Keep)
				dial := serveBoth(t, &sse.Handler{Feed: f, Gzip: true})
				time.AfterFunc(14*time.Second, f.Close) // just before a comment
				client := sse.Client{URL: "http://lab/sse", Dial: dial, HTTP2: version == 2, Gzip: compress}
				for _, err := range client.Messages(t.Context()) {
					if !errors.Is(err, io.EOF) {
						t.Errorf("HTTP/%d, gzip=%v: %v, want the end of the stream", version, compress, err)
					}
				}
			})
		}
	}
}

// A client that does not read a compressed stream is disconnected after the same time as any other.
func TestGzipSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		noise := rand.New(rand.NewPCG(1, 2))
		for range 10 {
			data := []byte(`"`)
			for range 30_000 {
				data = append(data, "0123456789abcdef"[noise.IntN(16)])
			}
			f.Publish(append(data, '"'))
		}
		ended := make(chan time.Duration, 1)
		start := time.Now()
		handler := &sse.Handler{Feed: f, Gzip: true}
		dial := serveBoth(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler.ServeHTTP(w, r)
			ended <- time.Since(start)
		}))
		conn, err := dial(t.Context(), "tcp", "lab")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "GET /sse?after=0 HTTP/1.1\r\nHost: lab\r\nAccept-Encoding: gzip\r\n\r\n")
		if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if took := <-ended; took != 10*time.Second {
			t.Errorf("the handler returned after %v, want 10s", took)
		}
	})
}

// A compressed stream cannot make a client keep more than 1 MiB, nor wait without end.
func TestGzipBombs(t *testing.T) {
	for name, test := range map[string]struct {
		send func(zip *gzip.Writer) error
		want error
		took time.Duration
	}{
		"a line without end": {func(zip *gzip.Writer) error {
			_, err := io.WriteString(zip, "data: "+strings.Repeat("x", 1<<20))
			return err
		}, sse.ErrTooLong, 0},
		"an event without end": {func(zip *gzip.Writer) error {
			_, err := io.WriteString(zip, strings.Repeat("data: "+strings.Repeat("x", 1<<10)+"\n", 1<<10))
			return err
		}, sse.ErrTooLong, 0},
		"nothing, once a second": {func(zip *gzip.Writer) error {
			time.Sleep(time.Second)
			return nil
		}, sse.ErrSilent, 41 * time.Second}, // 40 s after the headers, which arrive with the first
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial := serveBoth(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					w.Header().Set("Content-Encoding", "gzip")
					zip := gzip.NewWriter(w)
					for r.Context().Err() == nil && test.send(zip) == nil {
						zip.Flush()
						http.NewResponseController(w).Flush()
					}
				}))
				start := time.Now()
				stream := sse.Stream{URL: "http://lab/sse", Dial: dial, Gzip: true}
				for event, err := range stream.Events(t.Context()) {
					if took := time.Since(start); !errors.Is(err, test.want) || took != test.took {
						t.Errorf("got %.100v, %v after %v, want %v after %v", event, err, took, test.want, test.took)
					}
					if err == sse.ErrTooLong {
						break // the event that is skipped here has no end
					}
				}
				time.Sleep(2 * time.Second) // until the server has noticed that the client left
			})
		})
	}
}
