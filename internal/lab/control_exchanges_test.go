package lab_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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
)

// An entry is one of the stream of exchanges, or of one exchange.
type entry struct {
	Seq       uint64
	Kind      string
	At        int64
	Exchange  uint64
	Conn      uint64
	Transport string
	Method    string
	Target    string
	HTTP      string
	TLS       bool
	Status    int
	Dir       string
	Role      string
	ID        uint64
	Published int64
	From, To  uint64
	Cut       string
	Bytes     map[string]int64
	Spans     []span
}

type span struct {
	Dir, Part, Role, Name, Value, Text string
	Size                               int64
	Bytes                              []byte
	Stream                             uint32
}

// An exchangeEvent is one of the stream of exchanges.
type exchangeEvent struct {
	Epoch     string
	Now       int64
	Dropped   uint64
	Published [][2]int64
	Entries   []entry

	id string
}

// A watcher reads the stream of exchanges of a page.
type watcher struct {
	lastID string // behind which it begins
	events []exchangeEvent
	status int
	answer string // of a refusal
}

// watch reads until ctx ends or the stream does.
func (w *watcher) watch(ctx context.Context, t *testing.T, s *labtest.VirtualServer, page string) {
	t.Helper()
	transport := &http.Transport{DialContext: s.DialControl}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, "GET", "http://localhost/control/exchanges?page="+page, nil)
	if err != nil {
		t.Fatal(err)
	}
	if w.lastID != "" {
		req.Header.Set("Last-Event-ID", w.lastID)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	w.status = resp.StatusCode
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case w.status != http.StatusOK:
			w.answer += lines.Text()
		case name == "id":
			w.lastID = value
		case name == "data":
			event := exchangeEvent{id: w.lastID}
			if err := json.Unmarshal([]byte(value), &event); err != nil {
				t.Fatalf("%v: %s", err, value)
			}
			w.events = append(w.events, event)
		}
	}
}

// entries returns those of all events.
func (w *watcher) entries() (all []entry) {
	for _, e := range w.events {
		all = append(all, e.Entries...)
	}
	return all
}

// exchange asks for the bytes of an exchange, and returns the status and the answer.
func exchange(t *testing.T, s *labtest.VirtualServer, path string) (status int, answer struct {
	Epoch, Error, Transport, HTTP string
	Exchange, Conn                uint64
	TLS                           bool
	Entries                       []entry
	Dropped                       int
}) {
	t.Helper()
	transport := &http.Transport{DialContext: s.DialControl}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get("http://localhost/control/exchanges/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// line describes an entry, with its time in ms since begin.
func (e entry) line(begin time.Time) string {
	text := fmt.Sprintf("%v %s", time.UnixMicro(e.At).Sub(begin), e.Kind)
	for _, more := range []string{e.Method, e.Target, e.Dir, e.Role, e.Cut} {
		if more != "" {
			text += " " + more
		}
	}
	if e.Status > 0 {
		text += fmt.Sprint(" ", e.Status)
	}
	if e.ID > 0 {
		text += fmt.Sprint(" #", e.ID)
	}
	return text
}

// Over a network of 50 ms each way, a request is read half a round trip after it was sent, and a message is written when
// it is published, to the microsecond.
func TestExchangesInTime(t *testing.T) {
	settings := labtest.Quiet(feed.Keep)
	for name, want := range map[string][]string{
		"polling": {
			"100ms open", "150ms request GET /polling?after=0", "150ms response 204", "150ms end",
			"1.05s request GET /polling?after=0", "1.05s response 200", "1.05s message down #1", "1.05s end", "1.15s close",
		},
		"longpoll": {
			"100ms open", "150ms request GET /longpoll?after=0", "1s response 200", "1s message down #1", "1s end", "1.1s close",
		},
		"sse": {
			"100ms open", "150ms request GET /sse?after=0", "150ms response 200", "150ms control down hello", "1s message down #1",
			"1.1s end", "1.1s close",
		},
	} {
		transport, _ := lab.Find(name)
		labtest.Virtual(t, settings, netsim.Settings{RTT: rtt}, func(t *testing.T, s *labtest.VirtualServer) {
			begin := time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			var w watcher
			var watching sync.WaitGroup
			watching.Go(func() { w.watch(ctx, t, s, "p1") })
			synctest.Wait()
			time.AfterFunc(time.Second, func() { s.Feed.Publish([]byte("1")) })
			c := transport.Client(lab.Access{
				URL: "http://localhost/" + name + "?after=0&page=p1", Dial: s.Dial, Interval: time.Second,
			})
			for _, err := range c.Messages(t.Context()) {
				if err != nil {
					t.Error(err)
				}
				break
			}
			time.Sleep(time.Second)
			cancel()
			watching.Wait()
			var got []string
			for _, e := range w.entries() {
				got = append(got, e.line(begin))
			}
			text := strings.ReplaceAll(strings.Join(got, "\n"), s.Feed.Head().Epoch, "EPOCH")
			if text != strings.Join(want, "\n") {
				t.Errorf("%s:\n%s\nwant\n%s", name, text, strings.Join(want, "\n"))
			}
		})
	}
}

// spoken returns a dialer for a version of HTTP, with TLS or without.
func spoken(s *labtest.VirtualServer, version int, secure bool) lab.Dial {
	if !secure {
		return s.Dial
	}
	trust := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{map[int]string{1: "http/1.1", 2: "h2"}[version]}}
	return new(wire.Ledger).TapTLS(s.DialTLS, trust, nil)
}

// The bytes of the entries of a page are those that the ledger counts for it, part by part: of the four transports, POST
// and echo, on HTTP/1.1 and HTTP/2, with TLS and without, compressed or not. Of each exchange every byte is shown.
func TestExchangesAddUp(t *testing.T) {
	for _, test := range []struct {
		version          int
		secure, compress bool
	}{{1, false, false}, {1, true, false}, {2, false, false}, {2, true, false}, {1, false, true}, {2, true, true}} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			settings := labtest.Quiet(20)
			settings.Gzip, settings.Deflate = test.compress, test.compress
			labtest.Virtual(t, settings, netsim.Settings{RTT: rtt}, func(t *testing.T, s *labtest.VirtualServer) {
				ctx, cancel := context.WithCancel(t.Context())
				var w watcher
				var watching sync.WaitGroup
				watching.Go(func() { w.watch(ctx, t, s, "p1") })
				synctest.Wait()
				publish(t, s.Feed, 1, 30) // a reader from the beginning has a gap
				dial := spoken(s, test.version, test.secure)
				exercise(t, s, dial, test.version, test.secure, test.compress)
				time.Sleep(time.Minute)
				cancel()
				watching.Wait()

				published := map[uint64]int64{}
				known := int64(0)
				for _, e := range w.events {
					for _, m := range e.Published {
						published[uint64(m[0])] = m[1]
					}
					for _, entry := range e.Entries {
						if entry.At < known && entry.Kind != "open" {
							t.Errorf("everything before %d was known, and then comes %+v", known, entry)
						}
					}
					known = e.Now
				}
				got := map[string]map[string]int64{}
				kinds := map[string]int{}
				for _, e := range w.entries() {
					if got[e.Transport] == nil {
						got[e.Transport] = map[string]int64{}
					}
					for part, n := range e.Bytes {
						got[e.Transport][part] += n
					}
					kinds[e.Transport+" "+e.Kind]++
					if e.Kind == "message" && e.Dir == "down" && lane(e.Transport) && (e.ID == 0 || e.Published != published[e.ID]) {
						t.Errorf("%+v", e)
					}
					if e.Kind == "gap" && (e.From == 0 || e.To < 10) {
						t.Errorf("%+v", e)
					}
				}
				for _, row := range s.Ledger.Page("p1") {
					for part, n := range row.Up.Add(row.Down).All() {
						if got[row.Transport][part.String()] != n {
							t.Errorf("%s: the entries have %d bytes of %s, the ledger %d", row.Transport,
								got[row.Transport][part.String()], part, n)
						}
					}
					if !lane(row.Transport) {
						continue
					}
					if kinds[row.Transport+" request"] != int(row.Requests) || kinds[row.Transport+" response"] != int(row.Requests) ||
						kinds[row.Transport+" end"] != int(row.Requests) || kinds[row.Transport+" message"] < int(row.Delivered) || row.Delivered == 0 {
						t.Errorf("%s: %+v, in %v", row.Transport, row, kinds)
					}
				}
				shown(t, s, w.entries())
			})
		})
	}
}

// lane reports whether it is one of the four.
func lane(transport string) bool {
	_, found := lab.Find(transport)
	return found
}

// shown checks that the spans of each exchange are the bytes of its entries.
func shown(t *testing.T, s *labtest.VirtualServer, entries []entry) {
	t.Helper()
	of := map[uint64][]entry{}
	for _, e := range entries {
		of[e.Exchange] = append(of[e.Exchange], e)
	}
	for number, want := range of {
		status, x := exchange(t, s, fmt.Sprintf("%d?page=p1", number))
		if status != 200 || len(x.Entries) != len(want) || x.Dropped != 0 || x.Epoch != s.Feed.Head().Epoch {
			t.Errorf("exchange %d: %d %s, %d entries and %d dropped, want %d", number, status, x.Error, len(x.Entries), x.Dropped, len(want))
			continue
		}
		for i, e := range x.Entries {
			got := map[string]int64{}
			for _, s := range e.Spans {
				got[s.Part] += s.Size
				if int64(len(s.Bytes)) != s.Size && !strings.HasPrefix(s.Role, "TLS") {
					t.Errorf("exchange %d, entry %d: %d bytes of %+v", number, e.Seq, len(s.Bytes), s)
				}
			}
			if e.Seq != want[i].Seq || !maps.Equal(got, want[i].Bytes) {
				t.Errorf("exchange %d, entry %d: the spans have %v, the entry has %v", number, e.Seq, got, want[i].Bytes)
			}
		}
	}
}

// exercise reads 30 messages by each transport, and makes other requests.
func exercise(t *testing.T, s *labtest.VirtualServer, dial lab.Dial, version int, secure, compress bool) {
	url := "http://localhost"
	if secure {
		url = "https://localhost"
	}
	dial1 := spoken(s, 1, secure) // for a WebSocket
	var clients sync.WaitGroup
	for _, transport := range lab.Transports {
		clients.Go(func() {
			query, dial := "?page=p1&after=0", dial
			if transport.Stream {
				query += "&heartbeat=1s"
			}
			if !transport.HTTP2 {
				dial = dial1
			}
			c := transport.Client(lab.Access{
				URL: url + "/" + transport.Name + query, Dial: dial, HTTP2: version == 2, Interval: rtt, Compress: compress,
			})
			for m, err := range c.Messages(t.Context()) {
				var gap *feed.GapError
				if err != nil && !errors.As(err, &gap) {
					t.Error(transport.Name, err)
					return
				}
				if m.ID == 40 {
					return
				}
			}
		})
	}
	clients.Go(func() {
		transport := &http.Transport{DialContext: dial, DialTLSContext: dial, Protocols: new(http.Protocols)}
		transport.Protocols.SetHTTP1(version == 1)
		transport.Protocols.SetUnencryptedHTTP2(version == 2)
		defer transport.CloseIdleConnections()
		for i := range 10 {
			for _, path := range []string{"/publish", "/echo"} {
				body := strings.NewReader(fmt.Sprint(i, strings.Repeat("0", 900*i)))
				resp, err := (&http.Client{Transport: transport}).Post(url+path+"?page=p1", "text/plain", body)
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			time.Sleep(time.Second)
		}
	})
	clients.Wait()
}

// A reader that is disconnected again and again resumes by Last-Event-ID: no entry is lost, and none comes twice. One that
// is away for longer than the recording goes on has the rest.
func TestExchangesResume(t *testing.T) {
	labtest.Virtual(t, labtest.Quiet(feed.Keep), netsim.Settings{RTT: rtt}, func(t *testing.T, s *labtest.VirtualServer) {
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		others.Go(func() {
			for ctx.Err() == nil {
				publish(t, s.Feed, 1, 3)
				time.Sleep(37 * ms)
			}
		})
		random := rand.New(rand.NewPCG(1, 2))
		var w watcher
		for i := range 40 {
			reading, leave := context.WithTimeout(t.Context(), time.Duration(random.Int64N(int64(time.Second))))
			w.watch(reading, t, s, "p1")
			leave()
			if i == 0 {
				others.Go(func() {
					transport, _ := lab.Find("sse")
					for range transport.Client(lab.Access{URL: "http://localhost/sse?page=p1", Dial: s.Dial}).Messages(ctx) {
					}
				})
			}
			time.Sleep(time.Duration(random.Int64N(int64(9 * time.Second))))
		}
		entries, ids := w.entries(), uint64(0)
		published := map[uint64]bool{}
		for _, e := range w.events {
			for _, m := range e.Published {
				published[uint64(m[0])] = true
			}
		}
		for i, e := range entries {
			if e.Seq != uint64(i+1) {
				t.Fatalf("entry %d has the number %d", i+1, e.Seq)
			}
			if e.Kind == "message" {
				if ids > 0 && e.ID != ids+1 || !published[e.ID] {
					t.Fatalf("after message %d comes %+v; published %t", ids, e, published[e.ID])
				}
				ids = e.ID
			}
		}
		if ids < 5000 {
			t.Errorf("%d messages were recorded", ids)
		}
		time.Sleep(20 * time.Second)
		last := entries[len(entries)-1].Seq
		reading, leave := context.WithTimeout(t.Context(), 2*time.Second)
		late := watcher{lastID: w.lastID}
		late.watch(reading, t, s, "p1")
		leave()
		cancel()
		others.Wait()
		if got := late.entries(); len(got) < 50 || got[0].Seq <= last || got[0].Kind != "open" || late.events[0].Dropped != 0 {
			t.Errorf("after 20 s, behind entry %d: %d entries, the first event %.300v", last, len(got), late.events[0])
		}
	})
}

// A Last-Event-ID of another epoch, or one that no stream has sent, is the beginning.
func TestExchangesOfAnotherServer(t *testing.T) {
	labtest.Virtual(t, labtest.Quiet(feed.Keep), netsim.Settings{}, func(t *testing.T, s *labtest.VirtualServer) {
		read := func(lastID string) watcher {
			ctx, cancel := context.WithTimeout(t.Context(), 50*ms)
			defer cancel()
			w := watcher{lastID: lastID}
			w.watch(ctx, t, s, "p1")
			return w
		}
		publish(t, s.Feed, 1, 70)
		read("")
		resp, err := (&http.Client{Transport: &http.Transport{DialContext: s.Dial, DisableKeepAlives: true}}).Get("http://localhost/polling?page=p1")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		synctest.Wait() // until the connection is closed
		epoch := s.Feed.Head().Epoch
		for lastID, want := range map[string]uint64{
			"": 1, "zzzzzz-3": 1, "zzzzzz": 1, "-": 1, epoch + "-x": 1, epoch + "-99": 1, epoch + "-18446744073709551616": 1, epoch + "-3": 4,
		} {
			w := read(lastID)
			if got := w.entries(); len(got) != 6-int(want) || got[0].Seq != want || w.events[0].Epoch != epoch || w.lastID != epoch+"-5" {
				t.Errorf("Last-Event-ID %q: %+v, last %s", lastID, got, w.lastID)
			}
			n := 60 // of the newest; a reader that resumes gets more
			if strings.HasPrefix(lastID, epoch) {
				n = 70
			}
			if got := w.events[0].Published; len(got) != n || got[n-1][0] != 70 {
				t.Errorf("Last-Event-ID %q: %d messages", lastID, len(got))
			}
		}
	})
}

// A reader of the stream that does not read holds up nobody and is disconnected; what it missed is counted. It does not
// keep the lab from ending.
func TestExchangesSlowReader(t *testing.T) {
	labtest.Virtual(t, labtest.Quiet(feed.Keep), netsim.Settings{}, func(t *testing.T, s *labtest.VirtualServer) {
		open := func() net.Conn {
			conn, err := s.DialControl(t.Context(), "tcp", "localhost:80")
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, "GET /control/exchanges?page=p1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
			synctest.Wait()
			return conn
		}
		conn := open()
		defer conn.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		transport, _ := lab.Find("sse")
		received := uint64(0)
		go func() {
			for m := range transport.Client(lab.Access{URL: "http://localhost/sse?page=p1", Dial: s.Dial}).Messages(ctx) {
				received = m.ID
			}
		}()
		synctest.Wait()
		for range 100 {
			publish(t, s.Feed, 1, 100) // a thousand a second
			time.Sleep(100 * ms)
		}
		synctest.Wait()
		if received != s.Feed.Head().ID {
			t.Errorf("the other reader has message %d of %d", received, s.Feed.Head().ID)
		}
		var w watcher
		reading, leave := context.WithTimeout(t.Context(), 100*ms)
		w.watch(reading, t, s, "p1")
		leave()
		if got := w.entries(); len(got) != 4096 || w.events[0].Dropped == 0 || got[0].Seq != w.events[0].Dropped+1 {
			t.Errorf("%d entries from %d on, %d dropped", len(got), got[0].Seq, w.events[0].Dropped)
		}
		if _, ok := s.Ledger.Exchange("p1", w.entries()[4095].Exchange, 0); !ok {
			t.Error("p1 is not recorded")
		}
		time.Sleep(30 * time.Second)
		if _, ok := s.Ledger.Exchange("p1", w.entries()[4095].Exchange, 0); ok {
			t.Error("30 s later p1 is still recorded")
		}
		defer open().Close()
		publish(t, s.Feed, 1, 4000)
		time.Sleep(time.Second)
		start := time.Now()
		s.Close()
		if took := time.Since(start); took > time.Second {
			t.Errorf("the lab took %v to end", took)
		}
	})
}

// What the stream, and the bytes of an exchange, refuse.
func TestExchangesRefuse(t *testing.T) {
	l, lanes, control := onLoopback(t, labtest.Quiet(1))
	for _, test := range []struct {
		path   string
		status int
		want   string
	}{
		{"", 400, `{"error":"page is missing: the page whose exchanges are asked for"}`},
		{"?page=UPPER", 400, `{"error":"page is 1 to 16 of a-z and 0-9"}`},
		{"?page=a&after=1", 400, `{"error":"/control/exchanges does not know \"after\"; it knows [\"page\"]"}`},
		{"/5?page=a", 404, `{"error":"exchange 5: no longer kept"}`},
		{"/5", 404, `{"error":"exchange 5: no longer kept"}`},
		{"/5?page=a&seq=1", 404, `{"error":"exchange 5: no longer kept"}`},
		{"/x?page=a", 400, `{"error":"an exchange and a seq are numbers"}`},
		{"/-1?page=a", 400, `{"error":"an exchange and a seq are numbers"}`},
		{"/5?page=a&seq=", 400, `{"error":"an exchange and a seq are numbers"}`},
		{"/5/6", 404, `{"error":"nothing is at /control/exchanges/5/6"}`},
	} {
		if status, body := call(t, "GET", control+"/control/exchanges"+test.path, ""); status != test.status || body != test.want {
			t.Errorf("%s: %d %s, want %d %s", test.path, status, body, test.status, test.want)
		}
	}
	resp, body := ask(t, "HEAD", control+"/control/exchanges?page=a", "", "Origin: "+lanes)
	if resp.StatusCode != 200 || body != "" || resp.Header.Get("Content-Type") != "text/event-stream" ||
		resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Access-Control-Allow-Origin") != lanes {
		t.Errorf("HEAD: %d %v %q", resp.StatusCode, resp.Header, body)
	}
	resp, _ = ask(t, "OPTIONS", control+"/control/exchanges?page=a", "", "Origin: "+lanes, "Access-Control-Request-Headers: last-event-id")
	if resp.StatusCode != 204 || resp.Header.Get("Access-Control-Allow-Headers") != "last-event-id" {
		t.Errorf("a preflight: %d %v", resp.StatusCode, resp.Header)
	}
	for i := range 99 {
		if _, err := l.Ledger.Watch(fmt.Sprint("p", i), 0); err != nil {
			t.Fatal(err)
		}
	}
	resp, body = ask(t, "GET", control+"/control/exchanges?page=b", "")
	const full = `{"error":"this lab records as many pages as it can; one makes room 10 s after its last reader has left"}`
	if resp.StatusCode != 503 || body != full || resp.Header.Get("Retry-After") != "10" || resp.Header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("page 101: %d %v %s", resp.StatusCode, resp.Header, body)
	}
}
