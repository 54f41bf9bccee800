package lab_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
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
