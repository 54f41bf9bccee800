package lab_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
	"fourwires/internal/wire"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// conform runs a test of the conformance suite over the four transports, each in virtual time of its own, against a
// whole lab. At the end of a bubble everything that the test started must have ended, or synctest fails it.
func conform(t *testing.T, keep int, test func(t *testing.T, s suite)) {
	t.Parallel()
	for _, transport := range lab.Transports {
		for _, version := range []int{1, 2} {
			if version == 2 && !transport.HTTP2 {
				continue // golang/go#49918: it has no HTTP/2
			}
			for _, compress := range []bool{false, true} {
				if compress && !transport.Stream {
					continue // answers that end are not compressed
				}
				name := fmt.Sprintf("%s/http=%d", transport.Name, version)
				if compress {
					name += "/compressed"
				}
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						settings := labtest.Quiet(keep)
						settings.Gzip, settings.Deflate = compress, compress
						l, network := inMemory(t, settings)
						test(t, suite{transport, version == 2, compress, l, network})
						l.Close()
						synctest.Wait() // until the last connection is closed
						balance(t, l.Ledger.Snapshot())
					})
				})
			}
		}
	}
}

// balance checks that every byte on the sockets was named.
func balance(t *testing.T, s wire.Snapshot) {
	t.Helper()
	var up, down int64
	for _, row := range s.Rows {
		up, down = up+row.Up.Total, down+row.Down.Total
		if n := row.Up.Unaccounted + row.Down.Unaccounted; n != 0 {
			t.Errorf("%s: %d bytes are unaccounted", row.Transport, n)
		}
	}
	if up != s.Up || down != s.Down {
		t.Errorf("the parts have %d bytes up and %d down, the sockets %d and %d", up, down, s.Up, s.Down)
	}
	if s.Up == 0 || s.Down == 0 {
		t.Errorf("the sockets had %d bytes up and %d down", s.Up, s.Down)
	}
}

// A suite is what a test of the conformance suite works with.
type suite struct {
	lab.Transport
	http2    bool
	compress bool
	lab      *labtest.Server
	network  *netsim.Memory
}

// access returns what every client of the suite has.
func (s suite) access(url string, cursor feed.Cursor) lab.Access {
	return lab.Access{URL: url, Dial: s.network.Dial, Cursor: cursor, HTTP2: s.http2, Compress: s.compress}
}

// client returns a client that begins after a cursor, given as its text form;
// "" means from now on.
func (s suite) client(after string) lab.Client {
	url := "http://localhost/" + s.Name
	if after != "" {
		url += "?after=" + after
	}
	return s.Client(s.access(url, feed.Cursor{}))
}

// read ranges until it has n messages or errors, and resumes after each error, as a client does that goes on. It
// returns them as text: "4" is message 4.
func read(ctx context.Context, c lab.Client, n int) string {
	var got []string
	for len(got) < n {
		for m, err := range c.Messages(ctx) {
			var gap *feed.GapError
			var epoch *feed.EpochError
			switch {
			case err == nil:
				got = append(got, fmt.Sprint(m.ID))
			case errors.As(err, &gap):
				got = append(got, fmt.Sprintf("gap:%d-%d", gap.From, gap.To))
			case errors.As(err, &epoch):
				got = append(got, "epoch:"+epoch.Was)
			default:
				got = append(got, "error:"+err.Error())
			}
			if len(got) == n {
				break
			}
		}
	}
	return strings.Join(got, " ")
}

// numbers returns "from … to".
func numbers(from, to int) string {
	var b strings.Builder
	for n := from; n <= to; n++ {
		fmt.Fprintf(&b, " %d", n)
	}
	return strings.TrimPrefix(b.String(), " ")
}

func TestInOrder(t *testing.T) {
	conform(t, feed.Keep, func(t *testing.T, s suite) {
		const n = 1000
		var publishing sync.WaitGroup
		publishing.Go(func() {
			for id := range n {
				if _, err := s.lab.Feed.Publish([]byte(`"` + strings.Repeat("é\\n", id%300) + `"`)); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Millisecond)
			}
		})
		var got []byte
		last := uint64(0)
		for m, err := range s.client("0").Messages(t.Context()) {
			if err != nil || m.ID != last+1 {
				t.Fatalf("message %d, %v after message %d", m.ID, err, last)
			}
			got = append(got, m.JSON()...)
			if last = m.ID; last == n {
				break
			}
		}
		publishing.Wait()

		var want []byte
		for cursor := (feed.Cursor{}); cursor.ID < n; {
			msgs, next, err := s.lab.Feed.Since(cursor, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range msgs {
				want = append(want, m.JSON()...)
			}
			cursor = next
		}
		if !bytes.Equal(got, want) {
			t.Error("the messages read differ from those published")
		}
	})
}

func TestResume(t *testing.T) {
	conform(t, feed.Keep, func(t *testing.T, s suite) {
		publish(t, s.lab.Feed, 1, 10)
		c := s.client("0")
		for from := 1; from <= 16; from += 5 {
			if got, want := read(t.Context(), c, 5), numbers(from, from+4); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if want := (feed.Cursor{Epoch: s.lab.Feed.Head().Epoch, ID: uint64(from + 4)}); *c.Cursor != want {
				t.Errorf("the cursor is %v, want %v", *c.Cursor, want)
			}
			publish(t, s.lab.Feed, 11, 15) // while nobody is connected
		}
	})
}

func TestGap(t *testing.T) {
	conform(t, 10, func(t *testing.T, s suite) {
		publish(t, s.lab.Feed, 1, 5)
		c := s.client("0")
		if got, want := read(t.Context(), c, 3), "1 2 3"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		publish(t, s.lab.Feed, 6, 30) // keeps 21 to 30
		if got, want := read(t.Context(), c, 11), "gap:4-20 "+numbers(21, 30); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestNewEpoch(t *testing.T) {
	conform(t, 10, func(t *testing.T, s suite) {
		publish(t, s.lab.Feed, 1, 15) // keeps 6 to 15
		c := s.Client(s.access("http://localhost/"+s.Name, feed.Cursor{Epoch: "gone", ID: 900}))
		if got, want := read(t.Context(), c, 12), "epoch:gone gap:1-5 "+numbers(6, 15); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if *c.Cursor != s.lab.Feed.Head() {
			t.Errorf("the cursor is %v, want %v", *c.Cursor, s.lab.Feed.Head())
		}
	})
}

func TestRestart(t *testing.T) {
	conform(t, feed.Keep, func(t *testing.T, s suite) {
		publish(t, s.lab.Feed, 1, 5)
		c := s.client("0")
		if got, want := read(t.Context(), c, 5), numbers(1, 5); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		was := s.lab.Feed.Head().Epoch
		s.lab.Close()
		if got := read(t.Context(), c, 1); !strings.HasPrefix(got, "error:") {
			t.Errorf("while there is no server: %s, want an error", got)
		}
		s.lab, s.network = inMemory(t, labtest.Quiet(feed.Keep))
		publish(t, s.lab.Feed, 1, 3)
		c = s.Client(s.access("http://localhost/"+s.Name, *c.Cursor))
		if got, want := read(t.Context(), c, 4), "epoch:"+was+" 1 2 3"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestNoCursor(t *testing.T) {
	conform(t, feed.Keep, func(t *testing.T, s suite) {
		publish(t, s.lab.Feed, 1, 3)
		time.AfterFunc(time.Second, func() { publish(t, s.lab.Feed, 4, 5) })
		if got, want := read(t.Context(), s.client(""), 2), "4 5"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestCancel(t *testing.T) {
	conform(t, feed.Keep, func(t *testing.T, s suite) {
		for _, after := range []string{"", "0"} {
			ctx, cancel := context.WithCancel(t.Context())
			cause := time.AfterFunc(90*time.Second, cancel)
			start := time.Now()
			n := 0
			for m, err := range s.client(after).Messages(ctx) {
				if n++; err != context.Canceled || m.ID != 0 {
					t.Errorf("got message %d, %v, want the context's error", m.ID, err)
				}
			}
			if took := time.Since(start); n != 1 || took != 90*time.Second {
				t.Errorf("%d things came, and the end after %v, want 1 and 1m30s", n, took)
			}
			cause.Stop()
			cancel()
		}
	})
}

// A connection stays open while nothing is published, with heartbeats that the application can see or without, and a
// heartbeat is no message.
func TestQuiet(t *testing.T) {
	conform(t, feed.Keep, func(t *testing.T, s suite) {
		time.AfterFunc(10*time.Minute, func() { publish(t, s.lab.Feed, 1, 1) })
		urls := []string{"http://localhost/" + s.Name}
		if s.Stream {
			urls = append(urls, urls[0]+"?heartbeat=5s")
		}
		var clients sync.WaitGroup
		for _, url := range urls {
			clients.Go(func() {
				c := s.Client(s.access(url, feed.Cursor{}))
				if got := read(t.Context(), c, 1); got != "1" {
					t.Errorf("%s: got %s, want message 1", url, got)
				}
			})
		}
		clients.Wait()
	})
}

// A client that does not read is disconnected after 10 s. It delays no other client, and when it connects anew it has
// lost nothing, or gets a gap.
func TestSlowReader(t *testing.T) {
	conform(t, 60, func(t *testing.T, s suite) {
		const n, size = 60, 30_000
		noise := make([]byte, size/2) // in which there is nothing to compress but the digits
		rand.NewChaCha8([32]byte{}).Read(noise)
		data := fmt.Appendf(nil, `"%x"`, noise)
		for range n / 2 {
			s.lab.Feed.Publish(data)
		}

		// Two clients ask for everything, read the response headers, and stop.
		early, late := stall(t, s, s.network.Dial), stall(t, s, s.network.Dial)
		start := time.Now()

		// Meanwhile another reads, and the feed goes on.
		var other sync.WaitGroup
		other.Go(func() {
			if got, want := read(t.Context(), s.client("0"), n), numbers(1, n); got != want {
				t.Errorf("the other reader got %s", got)
			}
		})
		for range n / 2 {
			s.lab.Feed.Publish(data)
		}
		other.Wait()

		if took := time.Since(start); took > 4*time.Second { // two polls
			t.Errorf("the other reader needed %v", took)
		}

		// The server holds on for 10 s, and not a moment longer.
		time.Sleep(10*time.Second - time.Millisecond - time.Since(start))
		if n, err := early.Read(make([]byte, 1)); n != 1 || err != nil {
			t.Errorf("just before 10 s: %d bytes, %v, want the answer to go on", n, err)
		}
		time.Sleep(2 * time.Millisecond)
		if n, err := late.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("just after 10 s: %d bytes, %v, want the end of the connection", n, err)
		}
		if got, want := read(t.Context(), s.client("0"), n), numbers(1, n); got != want {
			t.Errorf("when it came back it got %s", got)
		}
	})
}

// stall opens a connection, asks for all messages, reads the response headers, and no more.
func stall(t *testing.T, s suite, dial lab.Dial) net.Conn {
	t.Helper()
	conn, err := dial(t.Context(), "tcp", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if s.http2 {
		stallHTTP2(t, conn, "/"+s.Name+"?after=0", s.compress)
		return conn
	}
	more := ""
	if s.compress {
		more = "Accept-Encoding: gzip\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
	}
	if s.Name == "websocket" {
		more += "Connection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	}
	fmt.Fprintf(conn, "GET /%s?after=0 HTTP/1.1\r\nHost: localhost\r\n%s\r\n", s.Name, more)
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	return conn
}

// stallHTTP2 does the same over HTTP/2, with windows so large that the answer stops only where the connection is not
// read.
func stallHTTP2(t *testing.T, conn net.Conn, path string, compress bool) {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, field := range []hpack.HeaderField{
		{Name: ":method", Value: "GET"},
		{Name: ":scheme", Value: "http"},
		{Name: ":authority", Value: "localhost"},
		{Name: ":path", Value: path},
	} {
		encoder.WriteField(field)
	}
	if compress {
		encoder.WriteField(hpack.HeaderField{Name: "accept-encoding", Value: "gzip"})
	}
	io.WriteString(conn, http2.ClientPreface)
	frames := http2.NewFramer(conn, conn)
	frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
	frames.WriteWindowUpdate(0, 1<<30)
	frames.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true,
	})
	for {
		frame, err := frames.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if frame.Header().Type == http2.FrameHeaders {
			return
		}
	}
}
