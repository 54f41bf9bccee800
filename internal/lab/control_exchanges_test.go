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
			c := transport.Client(lab.Access{URL: "http://localhost/" + name + "?after=0&page=p1", Dial: s.Dial, Interval: time.Second})
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
				for _, e := range w.events {
					for _, m := range e.Published {
						published[uint64(m[0])] = m[1]
					}
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
