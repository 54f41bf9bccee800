package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/sse"
)

type dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// relayOver returns a relay of http://lab/sse from its beginning, in memory.
func relayOver(dial dial, log *slog.Logger) Input {
	r := &relay{log: log, pause: pause, stream: sse.Stream{URL: "http://lab/sse?after=0", Dial: dial}}
	return Input{Relay, r.run}
}

// stream is the head of a response that is a stream of events.
const stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

// responses gives the first connection the first response, and so on; the last is for all later connections. Behind a
// response the server sends no more, or, where it ends with "CUT", closes the connection.
func responses(list ...string) dial {
	return func(context.Context, string, string) (net.Conn, error) {
		response, cut := strings.CutSuffix(list[0], "CUT")
		if len(list) > 1 {
			list = list[1:]
		}
		return responding(strings.NewReader(response), cut), nil
	}
}

// responding returns a connection to a server that sends this response to a request.
func responding(response io.Reader, cut bool) net.Conn {
	client, server := net.Pipe()
	go func() {
		server.Read(make([]byte, 4096))
		io.Copy(server, response)
		if !cut {
			io.Copy(io.Discard, server) // until the client closes
		}
		server.Close()
	}()
	return client
}

// lab serves a feed in memory, as another lab would.
func lab(t *testing.T, f *feed.Feed) dial { return serve(t, &sse.Handler{Feed: f}) }

// serve serves in memory until the test ends.
func serve(t *testing.T, handler http.Handler) dial {
	network := netsim.Listen()
	server := &http.Server{Handler: handler}
	go server.Serve(network)
	t.Cleanup(func() { server.Close() })
	return network.Dial
}

// A frail connection breaks after left bytes were read.
type frail struct {
	net.Conn
	left int
}

func (c *frail) Read(b []byte) (int, error) {
	if c.left == 0 {
		c.Close()
		return 0, errors.New("cut")
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// Wherever in a stream a connection breaks, no message of the other lab is lost and none is published twice.
func TestRelayThroughCuts(t *testing.T) {
	const messages = 30
	for left := range 500 {
		synctest.Test(t, func(t *testing.T) {
			from := feed.New(messages)
			dial, cuts := lab(t, from), 3
			input := relayOver(func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := dial(ctx, network, addr)
				if cuts--; cuts < 0 || err != nil {
					return conn, err
				}
				return &frail{conn, left}, nil
			}, quiet)
			_, to := start(t, of(input), input)
			var want strings.Builder
			for n := range messages {
				m, err := from.Publish(fmt.Append(nil, n))
				if err != nil {
					t.Fatal(err)
				}
				want.Write(m.JSON())
				want.WriteByte('\n')
				time.Sleep(300 * time.Millisecond)
			}
			time.Sleep(time.Minute)
			if got := published(t, to); got != want.String() {
				t.Errorf("cut after %d bytes: got\n%s", left, got)
			}
			if cuts >= 0 {
				t.Errorf("cut after %d bytes: %d cuts too few", left, cuts+1)
			}
		})
	}
}

// A stream sets the last event id before its first message. So a message between a failure and the next attempt is not
// lost even then.
func TestRelayCutBeforeTheFirstEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := feed.New(keep)
		from.Publish([]byte(`"before"`))
		dial := lab(t, from)
		var conn net.Conn
		recorded := func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
			conn, err = dial(ctx, network, addr)
			return conn, err
		}
		r := &relay{log: quiet, pause: pause, stream: sse.Stream{URL: "http://lab/sse", Dial: recorded}}
		input := Input{Relay, r.run}
		_, to := start(t, of(input), input)
		conn.Close()
		m, _ := from.Publish([]byte(`"after"`))
		time.Sleep(10 * time.Second)
		if got, want := published(t, to), string(m.JSON())+"\n"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestRelayThroughChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := feed.New(keep)
		input := relayOver(lab(t, from), quiet)
		p, to := start(t, of(input), input)
		var want strings.Builder
		for range 100 {
			for _, s := range []Settings{{Source: None, Rate: 1, Phase: Even}, of(input)} {
				for n := range 10 {
					m, _ := from.Publish(fmt.Append(nil, n))
					want.Write(m.JSON())
					want.WriteByte('\n')
				}
				change(t, p, s)
				time.Sleep(time.Second)
			}
		}
		if got := published(t, to); got != want.String() {
			t.Errorf("got\n%s\nwant\n%s", got, want.String())
		}
	})
}

// A relay works over real sockets, and resumes after their failure.
func TestRelayOverSockets(t *testing.T) {
	from, to := feed.New(keep), feed.New(keep)
	server := httptest.NewServer(&sse.Handler{Feed: from})
	defer server.Close()
	r, err := newRelay(server.URL+"?after=0", quiet)
	if err != nil {
		t.Fatal(err)
	}
	r.pause = func(time.Duration, int) time.Duration { return 10 * time.Millisecond }
	input := Input{Relay, r.run}
	p, err := New(to, of(input), input)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}()

	cursor := to.Head()
	var got []feed.Message
	for n := 1; n <= 30; n++ {
		m, err := from.Publish(fmt.Append(nil, n))
		if err != nil {
			t.Fatal(err)
		}
		if n == 15 {
			server.CloseClientConnections() // while the message is being sent
		}
		for len(got) < n {
			if got, cursor, err = to.Wait(ctx, cursor, got); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) != n || string(got[n-1].Data) != string(m.JSON()) {
			t.Fatalf("%d messages, the last %s, want %d and %s", len(got), got[len(got)-1].Data, n, m.JSON())
		}
	}
}

func TestRelayData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		most := strings.Repeat("x", feed.MaxData-2)
		var log bytes.Buffer
		input := relayOver(responses(stream+"data: {\"a\":\ndata: 1}\n\n"+"event: gap\ndata: two\ndata: lines\n\n"+":\n\n"+"data\n\n"+
			"data: "+most+"\n\n"+"id: 5\ndata: "+most+"x\n\n"+"data: "+strings.Repeat("\x01", feed.MaxData/2)+"\n\n"+"data: 7\n\nCUT", stream), journal(&log))
		_, f := start(t, of(input), input)
		if got, want := published(t, f), "{\"a\":1}\n\"two\\nlines\"\n\"\"\n\""+most+"\"\n7\n"; got != want {
			t.Errorf("got\n%.200s\nwant\n%.200s", got, want)
		}
		if got, want := log.String(), `level=INFO msg="relay: opening the stream"
level=INFO msg="relay: the stream is there"
level=WARN msg="relay: an event is skipped, and so will be others like it" id=5 err="feed: data has more than 65536 bytes"
level=WARN msg="relay: no stream, trying again" err="sse: the stream ended: EOF" events=7 skipped=2
`; got != want {
			t.Errorf("the log is\n%s\nwant\n%s", got, want)
		}
	})
}

// A relay tries a faulty server neither too often nor too seldom. It publishes the server's whole events, logs an error
// that stays the same once, and follows the server when it has recovered.
func TestRelayOfAFaultyServer(t *testing.T) {
	const (
		headers  = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		faulty   = 20 * time.Minute
		slowest  = 30 * time.Second
		silent   = 41 * time.Second // and the second until the next attempt
		ended    = "sse: the stream ended: EOF"
		isSilent = "sse: the stream is silent"
	)
	tests := []struct {
		name        string
		answer      string        // "" is silence
		least, most time.Duration // from one attempt to the next
		log         string
	}{
		{"nobody there", "REFUSED", time.Second, slowest, "sse: refused"},
		{"404", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone", time.Second, slowest, "sse: 404 Not Found: gone"},
		{"elsewhere", "HTTP/1.1 301 Moved Permanently\r\nLocation: ftp://there/\r\nContent-Length: 0\r\n\r\n", time.Second, slowest,
			"sse: 301 Moved Permanently: ftp://there/"},
		{"HTML", "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 17\r\n\r\n<h1>Welcome!</h1>", time.Second, slowest,
			`sse: 200 OK, but of type \"text/html\": <h1>Welcome!</h1>`},
		{"no HTTP", "SSH-2.0-OpenSSH_10.0\r\n", time.Second, slowest,
			`sse: net/http: HTTP/1.x transport connection broken: malformed HTTP response \"SSH-2.0-OpenSSH_10.0\"`},
		{"no answer", "CUT", time.Second, slowest, "sse: EOF"},
		{"half a head", headers + "Retry-AfCUT", time.Second, slowest,
			`sse: net/http: HTTP/1.x transport connection broken: malformed MIME header: missing colon: \"Retry-Af\"`},
		{"an empty stream", stream + "CUT", time.Second, slowest, ended},

		{"silence", "", silent, silent + time.Second, isSilent},
		{"a silent refusal", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\n", 2 * time.Second, time.Second + slowest,
			"sse: 404 Not Found"},
		{"a silent stream", stream, silent, silent + time.Second, isSilent},

		{"half an event", stream + "data: 1\n\nid: 2\ndata: 2CUT", time.Second, 2 * time.Second, ended},
		{"half a chunk", headers + "Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n9\r\ndata: 2CUT", time.Second, 2 * time.Second,
			"sse: the stream ended: unexpected EOF"},
		{"binary", stream + "\x00\xff\n\n\x1f\x8b\r\rdata\xff: 2\n\nid: \x01\x02\ndata: 1\n\n\x00CUT", time.Second, 2 * time.Second, ended},
		{"no pause, it says", stream + "retry: 0\n\ndata: 1\n\nCUT", time.Second, 2 * time.Second, ended},
		{"five seconds, it says", stream + "retry: 5000\n\ndata: 1\n\nCUT", 5 * time.Second, 10 * time.Second, ended},
		{"an hour, it says", stream + "retry: 3600000\n\ndata: 1\n\nCUT", slowest, slowest, ended},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				healthy := feed.New(keep)
				m, _ := healthy.Publish([]byte(`"healthy"`))
				dial := lab(t, healthy)
				begin := time.Now()
				var attempts []time.Duration
				var log bytes.Buffer
				input := relayOver(func(ctx context.Context, network, addr string) (net.Conn, error) {
					if time.Since(begin) > faulty {
						return dial(ctx, network, addr)
					}
					attempts = append(attempts, time.Since(begin))
					if test.answer == "REFUSED" {
						return nil, errors.New("refused")
					}
					return responses(test.answer)(ctx, network, addr)
				}, journal(&log))
				_, f := start(t, of(input), input)
				time.Sleep(faulty + 2*time.Minute)
				synctest.Wait()

				n := len(attempts)
				for i := range attempts[1:] {
					if gap := attempts[i+1] - attempts[i]; gap < test.least || gap > test.most {
						t.Errorf("attempt %d was %v after the one before, want %v to %v",
							i+2, gap, test.least, test.most)
					}
				}
				if slow := int(faulty / test.most); n < slow || n > 3*slow {
					t.Errorf("%d attempts in %v", n, faulty)
				}
				want, lines := string(m.JSON())+"\n", 3 // the beginning, the error, and its end
				if strings.Contains(test.answer, "data: 1\n\n") {
					want, lines = strings.Repeat("1\n", n)+want, 2*n+2
				}
				if strings.Contains(test.answer, "id: \x01") { // which no header can carry: a line each
					lines += n
				}
				if got := published(t, f); got != want {
					t.Errorf("published\n%s\nwant\n%s", got, want)
				}
				if got := strings.Count(log.String(), "\n"); got != lines || !strings.Contains(log.String(), `err="`+test.log+`" `) {
					t.Errorf("%d attempts, %d lines in the log, want %d with %s:\n%.1000s",
						n, got, lines, test.log, log.String())
				}
			})
		})
	}
}

// An id that the stream refuses is not sent a second time; one that it refuses for another reason is.
func TestRelayOfARefusedID(t *testing.T) {
	long := strings.Repeat("5", 20_000)
	for _, test := range []struct {
		id     string
		status int    // of the answer to a request with it
		next   string // the id of the request after that
	}{
		{"5", 400, ""}, {"5", 403, ""}, {"5", 404, ""}, {"5", 410, ""},
		{"5", 412, ""}, {"5", 416, ""}, {"5", 422, ""}, {long, 431, ""},
		{"5", 401, "5"}, {"5", 407, "5"}, {"5", 408, "5"}, {"5", 425, "5"}, {"5", 429, "5"}, {"5", 500, "5"}, {"5", 503, "5"},
		{"5\x01", 0, ""}, {"\x7f", 0, ""}, // no header can carry it
	} {
		t.Run(fmt.Sprintf("%.9q %d", test.id, test.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ids := make(chan string)
				dial := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					id := r.Header.Get("Last-Event-ID")
					ids <- id
					if id != "" {
						w.WriteHeader(test.status)
						return
					}
					w.Header().Set("Content-Type", "text/event-stream")
					io.WriteString(w, "id: "+test.id+"\ndata: 1\n\n")
				}))
				var log bytes.Buffer
				input := relayOver(dial, journal(&log))
				_, f := start(t, of(input), input)
				sequence, logged, data := []string{"", test.id, test.next, test.id}, "refused with the last event id", "1\n1\n"
				switch {
				case test.status == 0:
					sequence, logged, data = []string{"", "", ""}, "no request can carry the last event id", "1\n1\n1\n"
				case test.next != "":
					logged, data = "", "1\n"
				}
				for _, want := range sequence {
					if got := <-ids; got != want {
						t.Errorf("resumed behind %.20q, want %.20q", got, want)
					}
				}
				synctest.Wait()
				if got := published(t, f); got != data {
					t.Errorf("got %q, want %q", got, data)
				}
				want := "level=WARN msg=\"relay: " + logged + "; the stream is read anew, there may be a gap\" id="
				if got := strings.Count(log.String(), want) == 2; got != (logged != "") || log.Len() > 2000 {
					t.Errorf("the log is\n%.2000s\nwant twice\n%s", log.String(), want)
				}
			})
		})
	}
}

// An event or a comment of more than 1 MiB is skipped; the event is logged. The stream goes on behind it, on the same
// connection and on the next.
func TestRelaySkipsLongEvents(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	const skips = "level=WARN msg=\"relay: an event is skipped, and so will be others like it\" id=2 " +
		"err=\"sse: an event has more than 1 MiB\"\n"
	for name, test := range map[string]struct{ text, log string }{
		"a line":           {"id: 2\ndata: " + x(3<<20) + "\n\n", skips},
		"many lines":       {"id: 2\n" + strings.Repeat("data: "+x(1000)+"\n", 2000) + "\n", skips},
		"a comment":        {":" + x(3<<20) + "\n\nid: 2\n\n", ""},
		"an unknown field": {"x: " + x(3<<20) + "\nid: 2\n\n", ""},
		"cut within":       {"id: 2\ndata: " + x(3<<20), skips},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ids []string
				rest := "id: 3\ndata: 3\n\n"
				if name == "cut within" {
					rest = ""
				}
				dial := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					ids = append(ids, r.Header.Get("Last-Event-ID"))
					w.Header().Set("Content-Type", "text/event-stream")
					if len(ids) == 1 {
						io.WriteString(w, "id: 1\ndata: 1\n\n"+test.text+rest)
						return
					}
					io.WriteString(w, "data: 4\n\n")
					w.(http.Flusher).Flush()
					<-r.Context().Done()
				}))
				var log bytes.Buffer
				input := relayOver(dial, journal(&log))
				_, f := start(t, of(input), input)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				data, id := "1\n3\n4\n", "3"
				if rest == "" {
					data, id = "1\n4\n", "2"
				}
				if got := published(t, f); got != data || fmt.Sprint(ids) != "[ "+id+"]" {
					t.Errorf("got %q, resumed behind %q, want %q and, at last, %s", got, ids, data, id)
				}
				got, want := strings.Count(log.String(), "an event is skipped"), strings.Count(test.log, "\n")
				if got != want || !strings.Contains(log.String(), test.log) {
					t.Errorf("the log is\n%s\nwant\n%s", log.String(), test.log)
				}
			})
		})
	}
}

// The log names the first event that the feed does not accept; the others are published.
func TestRelaySkipsRefusedEvents(t *testing.T) {
	for name, data := range map[string]string{
		"too large": `"` + strings.Repeat("x", feed.MaxData) + `"`,
		"too deep":  strings.Repeat("[", feed.MaxDepth+1) + strings.Repeat("]", feed.MaxDepth+1),
	} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			answer := stream + "data: 1\n\n" + strings.Repeat("data: "+data+"\n\n", 3) + "data: 2\n\n"
			input := relayOver(responses(answer), journal(&log))
			_, f := start(t, of(input), input)
			if got, want := published(t, f), "1\n2\n"; got != want {
				t.Errorf("%s: got %.200s, want %s", name, got, want)
			}
			if got := strings.Count(log.String(), "an event is skipped, and so will be others like it"); got != 1 {
				t.Errorf("%s: %d sentences, want one:\n%s", name, got, log.String())
			}
		})
	}
}

// The first block of another lab and its heartbeats are no messages.
func TestRelayOfALab(t *testing.T) {
	for _, first := range []string{
		"id: k3v9qa-7\nevent: hello\nretry: 3000\ndata: {\"epoch\":\"k3v9qa\",\"head\":7}\n\n",
		"id: k3v9qa-7\nretry: 3000\n\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			var ids []string
			dial := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ids = append(ids, r.Header.Get("Last-Event-ID"))
				w.Header().Set("Content-Type", "text/event-stream")
				io.WriteString(w, first)
				if len(ids) > 1 {
					io.WriteString(w, "event: heartbeat\ndata: {\"heartbeat\":7}\n\nid: k3v9qa-8\ndata: 8\n\n")
					w.(http.Flusher).Flush()
					<-r.Context().Done()
				}
			}))
			input := relayOver(dial, quiet)
			_, f := start(t, of(input), input)
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if got, want := published(t, f), "8\n"; got != want || fmt.Sprint(ids) != "[ k3v9qa-7]" {
				t.Errorf("%q: got %q, resumed behind %q, want %q and the id of the first block", first, got, ids, want)
			}
		})
	}
}

// After a permanent redirect the stream is requested at its new address, which is logged.
func TestRelayFollowsRedirects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var paths []string
		dial := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths = append(paths, r.RequestURI)
			if r.URL.Path == "/sse" {
				http.Redirect(w, r, "/moved", http.StatusMovedPermanently)
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: 1\n\n")
		}))
		var log bytes.Buffer
		input := relayOver(dial, journal(&log))
		_, f := start(t, of(input), input)
		time.Sleep(2500 * time.Millisecond) // the second attempt is 1 to 2 s after the first
		synctest.Wait()
		got := fmt.Sprint(paths[:min(len(paths), 3)])
		if got != "[/sse?after=0 /moved /moved]" || !strings.HasPrefix(published(t, f), "1\n1\n") {
			t.Errorf("asked for %s, want the first address once", paths)
		}
		if want := "level=INFO msg=\"relay: the stream has moved for good\" to=http://lab/moved\n"; strings.Count(log.String(), want) != 1 {
			t.Errorf("the log is\n%s\nwant once\n%s", log.String(), want)
		}
	})
}

func TestRelayEndsWith204(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		dial := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			w.WriteHeader(http.StatusNoContent)
		}))
		var log bytes.Buffer
		input := relayOver(dial, journal(&log))
		p, _ := start(t, of(input), input)
		time.Sleep(time.Hour)
		synctest.Wait()
		if asked != 1 {
			t.Errorf("asked %d times in an hour, want once", asked)
		}
		const want = "level=INFO msg=\"relay: opening the stream\"\n" +
			"level=INFO msg=\"relay has ended, the stream asks not to come again; the lab goes on\"\n"
		if got := log.String(); got != want {
			t.Errorf("the log is\n%s\nwant\n%s", got, want)
		}
		change(t, p, Settings{Source: None, Rate: 1, Phase: Even})
		synctest.Wait()
		change(t, p, of(input))
		synctest.Wait()
		if asked != 2 {
			t.Errorf("asked %d times after another source, want once more", asked)
		}
	})
}

func TestRelayPause(t *testing.T) {
	tests := []struct {
		retry       time.Duration
		attempts    int
		least, most time.Duration
	}{
		{0, 1, time.Second, 2 * time.Second},
		{0, 2, time.Second, 4 * time.Second},
		{0, 4, time.Second, 16 * time.Second},
		{0, 5, time.Second, 30 * time.Second},
		{0, 1 << 40, time.Second, 30 * time.Second},
		{time.Millisecond, 1, time.Second, 2 * time.Second},
		{3 * time.Second, 1, 3 * time.Second, 6 * time.Second},
		{20 * time.Second, 1, 20 * time.Second, 30 * time.Second},
		{24 * time.Hour, 7, 30 * time.Second, 30 * time.Second},
	}
	for _, test := range tests {
		shortest, longest := test.most, test.least
		for range 1000 {
			p := pause(test.retry, test.attempts)
			shortest, longest = min(shortest, p), max(longest, p)
		}
		// The whole range is used: full jitter.
		width := test.most - test.least
		within := shortest >= test.least && longest <= test.most
		if !within || shortest > test.least+width/10 || longest < test.most-width/10 {
			t.Errorf("retry %v, attempt %d: pauses from %v to %v, want %v to %v",
				test.retry, test.attempts, shortest, longest, test.least, test.most)
		}
	}
}

func TestNewRelayRefuses(t *testing.T) {
	for _, address := range []string{"http://127.0.0.1:8080/sse", "https://stream.example.org/v2/x?since=1", "HTTP://[::1]/"} {
		if _, err := NewRelay(address, quiet); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"", "localhost:8080", "/sse", "http://", "http://:8080/", "ftp://lab/", "file:///etc/passwd", "http://a b/", "http://me:secret@lab/", "\x00"} {
		_, err := NewRelay(address, quiet)
		if want := fmt.Sprintf("url %q: must be http:// or https:// and a host, without a user", address); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
