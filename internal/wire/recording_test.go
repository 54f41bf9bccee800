package wire_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/netsim"
	"fourwires/internal/wire"
)

// recorded are the fields of an entry that the tests need.
type recorded struct {
	Seq, Exchange   uint64
	Kind, Transport string
	ID, Published   int64
	At              int64
	Target, Cut     string
	Bytes           map[string]int64
}

// read returns all entries that a reader does not have yet, and how many it missed.
func read(t testing.TB, r *wire.Reader) (all []recorded, dropped uint64) {
	t.Helper()
	for {
		entries, missed, _ := r.Next(nil)
		dropped += missed
		for i := range entries {
			var e recorded
			if text := entries[i].AppendJSON(nil); json.Unmarshal(text, &e) != nil {
				t.Fatalf("%s", text)
			}
			all = append(all, e)
		}
		if len(entries) == 0 {
			return all, dropped
		}
	}
}

// watch records pages, and returns a reader of each.
func watch(t testing.TB, l *wire.Ledger, pages ...string) map[string]*wire.Reader {
	t.Helper()
	readers := map[string]*wire.Reader{}
	for _, page := range pages {
		r, err := l.Watch(page, 0)
		if err != nil {
			t.Fatal(err)
		}
		readers[page] = r
	}
	return readers
}

// addsUp compares the entries of pages with their rows of the ledger, and the spans with the entries.
func addsUp(t testing.TB, name string, l *wire.Ledger, readers map[string]*wire.Reader) (entries []recorded) {
	t.Helper()
	for page, reader := range readers {
		all, dropped := read(t, reader)
		entries = append(entries, all...)
		if dropped > 0 {
			continue // what a fuzzer found does not fit
		}
		got := map[string]int64{}
		spans := map[uint64]int64{}
		for _, e := range all {
			for part, n := range e.Bytes {
				got[e.Transport+" "+part] += n
				spans[e.Exchange] += n
			}
		}
		want := map[string]int64{}
		for _, row := range l.Page(page) {
			for part, n := range row.Up.Add(row.Down).All() {
				if n > 0 {
					want[row.Transport+" "+part.String()] = n
				}
			}
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s, page %s: the entries have\n%v, the ledger has\n%v", name, page, got, want)
		}
		for exchange, want := range spans {
			x, ok := l.Exchange(page, exchange, 0)
			got := int64(0)
			for _, e := range x.Entries {
				for _, s := range e.Spans {
					got += int64(s.Size)
				}
			}
			if !ok || x.Dropped == 0 && got != want {
				t.Errorf("%s: exchange %d has %d bytes, its spans have %d (%t)", name, exchange, want, got, ok)
			}
		}
	}
	return entries
}

var withoutQuery = regexp.MustCompile(`\b(GET|POST|HEAD) (/[^ ?]*) HTTP/1`)

// ofPage returns the pieces with requests of HTTP/1.1 that name page a.
func ofPage(pieces []piece) []piece {
	pieces = slices.Clone(pieces)
	for i := range pieces {
		pieces[i].text = withoutQuery.ReplaceAllString(pieces[i].text, "$1 $2?page=a HTTP/1")
	}
	return pieces
}

// For every input the bytes of the entries are those that the ledger counts, and the recording changes no count.
func TestRecordingAddsUp(t *testing.T) {
	recordings := 0
	for _, c := range cases {
		pieces := ofPage(c.pieces)
		want := dissect(pieces, whole, nil)
		pages := map[string]bool{}
		for _, row := range want.Rows {
			pages[row.Page] = row.Page != ""
		}
		delete(pages, "")
		for name, cut := range map[string]func(int, string) []string{"whole": whole, "byte by byte": byteByByte} {
			ledger := wire.Ledger{MaxHeaderBytes: 64 << 10}
			readers := watch(t, &ledger, slices.Collect(maps.Keys(pages))...)
			d := wire.NewDissector(&ledger, nil)
			for i, p := range pieces {
				for _, text := range cut(i, p.text) {
					give(d, p.dir, text)
				}
			}
			d.Close()
			recordings += len(addsUp(t, c.name+" "+name, &ledger, readers))
			if got := ledger.Snapshot(); summary(got.Rows) != summary(want.Rows) {
				t.Errorf("%s %s: the ledger has\n%s\nand without a recording\n%s", c.name, name, summary(got.Rows), summary(want.Rows))
			}
		}
	}
	if recordings < 2*len(cases) {
		t.Errorf("%d entries were recorded of %d cases", recordings, len(cases))
	}
}

// A recording that begins while a connection is open has what follows; one that has ended costs nothing.
func TestRecordingBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ledger wire.Ledger
		d := warmed(&ledger, []piece{
			up("GET /sse?page=a HTTP/1.1\r\n\r\n"),
			down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {\"id\":1,\"at\":5,\"data\":1}\n\n"),
		})
		defer d.Close()
		kinds := func(r *wire.Reader) string {
			var all []string
			entries, _ := read(t, r)
			for _, e := range entries {
				all = append(all, fmt.Sprint(e.Seq, e.Kind, e.ID, "@", e.Published))
			}
			return strings.Join(all, " ")
		}
		r, err := ledger.Watch("a", 0)
		if err != nil {
			t.Fatal(err)
		}
		give(d, wire.Down, "data: {\"id\":2,\"at\":77,\"data\":1}\n\n")
		if got := kinds(r); got != "1open0@0 2message2@77" {
			t.Error(got)
		}
		r.Close()
		time.Sleep(9 * time.Second)
		give(d, wire.Down, "data: {\"id\":3,\"at\":78,\"data\":1}\n\n")
		r, _ = ledger.Watch("a", r.Seq)
		if got := kinds(r); got != "3message3@78" {
			t.Errorf("a reader that was away for 9 s has %s", got)
		}
		r.Close()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		give(d, wire.Down, "data: {\"id\":4,\"at\":79,\"data\":1}\n\n")
		r, _ = ledger.Watch("a", r.Seq)
		give(d, wire.Down, "data: {\"id\":5,\"at\":80,\"data\":1}\n\n")
		if got := kinds(r); got != "4open0@0 5message5@80" {
			t.Errorf("a reader that was away for 10 s has %s", got)
		}
		r.Close()
		time.Sleep(time.Minute)
	})
}

// warmed returns a dissector of a ledger that has read the pieces.
func warmed(l *wire.Ledger, pieces []piece) *wire.Dissector {
	d := wire.NewDissector(l, nil)
	for _, p := range pieces {
		give(d, p.dir, p.text)
	}
	return d
}

// A recording is bounded, however many messages there are: it keeps the newest entries and spans, says how many were
// dropped, and keeps the first exchange of a transport.
func TestRecordingIsBounded(t *testing.T) { synctest.Test(t, testRecordingIsBounded) }

func testRecordingIsBounded(t *testing.T) {
	var ledger wire.Ledger
	reader := watch(t, &ledger, "a")["a"]
	first := warmed(&ledger, []piece{up("GET /polling?page=a&n=first HTTP/1.1\r\n\r\n"), down("HTTP/1.1 204 N\r\n\r\n")})
	first.Close()
	d := warmed(&ledger, []piece{
		up("GET /sse?page=a HTTP/1.1\r\n\r\n"), down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"),
	})
	defer d.Close()
	begin, _ := read(t, reader)
	const messages = 100_000
	for i := range messages {
		if i%200 == 0 {
			time.Sleep(time.Second)
		}
		give(d, wire.Down, fmt.Sprintf("data: {\"id\":%d,\"at\":5,\"data\":\"%0100d\"}\n\n", i+1, i))
	}
	all, dropped := read(t, reader)
	if len(all) != 4096 || dropped != messages-4096 || all[4095].ID != messages || all[4095].Seq != uint64(len(begin)+messages) {
		t.Errorf("%d entries and %d dropped, the last is %+v", len(all), dropped, all[len(all)-1])
	}
	stream := all[0].Exchange
	x, ok := ledger.Exchange("a", stream, 0)
	kept := 0
	for _, e := range x.Entries {
		for _, s := range e.Spans {
			kept += len(s.Bytes)
		}
	}
	if !ok || kept > 256<<10 || kept < 64<<10 || len(x.Entries)+x.Dropped != messages+2 {
		t.Errorf("%d bytes are kept, in %d entries; %d are dropped", kept, len(x.Entries), x.Dropped)
	}
	if x, ok := ledger.Exchange("a", begin[1].Exchange, 0); !ok || x.Transport != "polling" || len(x.Entries) != 3 || x.Dropped != 0 {
		t.Errorf("the first poll: %+v", x)
	}
	if x, ok := ledger.Exchange("a", stream, all[4095].Seq); !ok || len(x.Entries) != 3 {
		t.Errorf("request, response and the newest message: %+v", x)
	}
	for _, seq := range []uint64{all[0].Seq, 1 << 40} {
		if x, ok := ledger.Exchange("a", stream, seq); ok {
			t.Errorf("entry %d: %+v", seq, x)
		}
	}
	for range 2000 { // at once: the spans of the newest are not kept, those of the messages before them are
		give(d, wire.Down, fmt.Sprintf("data: {\"id\":1,\"at\":5,\"data\":\"%0100d\"}\n\n", 1))
	}
	flood, _ := read(t, reader)
	for seq, want := range map[uint64]bool{all[4095].Seq: true, flood[100].Seq: true, flood[1999].Seq: false} {
		if _, ok := ledger.Exchange("a", stream, seq); ok != want {
			t.Errorf("the bytes of entry %d are kept: %t", seq, ok)
		}
	}
	time.Sleep(time.Second)
	read(t, reader)
	give(d, wire.Down, "data: {\"id\":1,\"at\":5,\"data\":1}\n\n")
	if newest, _ := read(t, reader); len(newest) != 1 {
		t.Errorf("after the flood: %+v", newest)
	} else if _, ok := ledger.Exchange("a", stream, newest[0].Seq); !ok {
		t.Error("a second after the flood, no bytes are kept")
	}
	if _, ok := ledger.Exchange("a", 1<<40, 0); ok {
		t.Error("there is an exchange that never was")
	}
	if _, ok := ledger.Exchange("b", stream, 0); ok {
		t.Error("a page shows the exchange of another")
	}
}

// At most 100 pages are recorded at once.
func TestManyRecordings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ledger wire.Ledger
		last, _ := ledger.Watch("p0", 0)
		for i := range 99 {
			watch(t, &ledger, fmt.Sprint("p", i+1))
		}
		if _, err := ledger.Watch("q", 0); !errors.Is(err, wire.ErrRecordings) {
			t.Errorf("page 101: %v", err)
		}
		watch(t, &ledger, "p1")
		last.Close()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if r, err := ledger.Watch("q", 0); err != nil {
			t.Errorf("10 s after one has ended: %v", err)
		} else {
			r.Close()
		}
	})
}

// Secrets are not kept: the values of Cookie and Authorization, of a header that is cut, and what could not be named.
func TestSecrets(t *testing.T) {
	pages, client, server := open2()
	client.head(1, true, append(get("/polling?page=a"), "cookie: SECRET12", "authorization: Basic SECRET12", "x: y")...)
	server.head(1, true, append(ok200, "set-cookie: SECRET12")...)
	client.head(3, true, append(get("/polling?page=a"), "cookie: SECRET12", "authorization: Basic SECRET12", "x: y")...) // indexed
	for name, pieces := range map[string][]piece{
		"HTTP/1.1": {
			up("GET /polling?page=a HTTP/1.1\r\nX: y\r\ncookie: SECRET12\r\nAUTHORIZATION:  Basic\r\n SECRET12\r\nProxy-Authorization: SECRET12\r\n\r\n"),
			down("HTTP/1.1 200 OK\r\nSet-Cookie: SECRET12\r\nContent-Length: 0\r\n\r\n"),
		},
		"cut":          {up("GET /polling?page=a HTTP/1.1\r\nX: y\r\nCookie: SECRET12")},
		"broken":       {up("GET /polling?page=a HTTP/1.1\r\nX: y\r\nCookie SECRET12\r\nCookie: SECRET12\r\n\r\n")},
		"cut trailer":  {up("POST /publish?page=a HTTP/1.1\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nCookie: SECRET12")},
		"HTTP/2":       append(pages, client.piece(), server.piece()),
		"two requests": {up("GET /polling?page=a HTTP/1.1\r\nX: y\r\n\r\nGET /polling?page=a HTTP/1.1\r\nCookie: SECRET12\r\n\r\n")},
	} {
		for how, cut := range map[string]func(int, string) []string{"whole": whole, "byte by byte": byteByByte} {
			var ledger wire.Ledger
			reader := watch(t, &ledger, "a")["a"]
			d := wire.NewDissector(&ledger, nil)
			for i, p := range pieces {
				for _, text := range cut(i, p.text) {
					give(d, p.dir, text)
				}
			}
			d.Close()
			entries, _ := read(t, reader)
			var shown strings.Builder
			size := 0
			seen := map[uint64]bool{}
			for _, e := range entries {
				if seen[e.Exchange] {
					continue
				}
				seen[e.Exchange] = true
				x, _ := ledger.Exchange("a", e.Exchange, 0)
				for _, e := range x.Entries {
					for _, s := range e.Spans {
						shown.WriteString(string(s.Bytes) + s.Name + s.Value + s.Text)
						size += s.Size
					}
				}
			}
			text := shown.String()
			if strings.Contains(text, "SECRET") || strings.Contains(text, "CRET12") || !strings.Contains(strings.ToLower(text), "x") || size == 0 {
				t.Errorf("%s, %s: %q", name, how, text)
			}
			if masked := strings.Count(text, strings.Repeat("*", 8)); name == "HTTP/1.1" && how == "whole" && masked != 4 {
				t.Errorf("%s: %d values are masked: %q", name, masked, text)
			}
		}
	}
}

// A message that is recorded costs no allocation.
func TestRecordingAllocations(t *testing.T) {
	var ledger wire.Ledger
	reader := watch(t, &ledger, "a")["a"]
	chunk := []byte(fmt.Sprintf("%x\r\nid: abcdef-1\ndata: %s\n\n\r\n", len("id: abcdef-1\ndata: \n\n")+len(m1), m1))
	d := warmed(&ledger, []piece{
		up("GET /sse?page=a HTTP/1.1\r\n\r\n"),
		down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"),
	})
	defer d.Close()
	var entries []wire.Entry
	text := make([]byte, 0, 4<<10)
	for range 5000 {
		d.Down(chunk)
	}
	if n := testing.AllocsPerRun(1000, func() {
		d.Down(chunk)
		entries, _, _ = reader.Next(entries[:0])
		text = entries[0].AppendJSON(text[:0])
	}); n != 0 && !raced { // the race detector empties pools
		t.Errorf("%v allocations, want none", n)
	}
}

// What happened before the instant that a reader gets is in the entries that it has read, while eight connections are
// read and written at once.
func TestRecordingKnows(t *testing.T) {
	const messages = 500 // of each connection in each direction
	var ledger wire.Ledger
	reader := watch(t, &ledger, "a")["a"]
	network := netsim.Listen()
	listener := ledger.Listen(network)
	defer listener.Close()
	var working sync.WaitGroup
	for range 8 {
		accepted := make(chan net.Conn)
		go func() {
			server, _ := listener.Accept()
			accepted <- server
		}()
		client, err := network.Dial(t.Context(), "tcp", "x")
		if err != nil {
			t.Fatal(err)
		}
		server := <-accepted
		sent := frame(0x81, "abcd", "1")
		working.Go(func() {
			defer client.Close()
			go func() {
				io.WriteString(client, "GET /websocket?page=a HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
				for range messages {
					io.WriteString(client, sent)
				}
			}()
			io.Copy(io.Discard, client)
		})
		working.Go(func() {
			defer server.Close()
			in := bufio.NewReader(server)
			http.ReadRequest(in)
			written := make(chan struct{})
			go func() {
				defer close(written)
				io.WriteString(server, openWebSocket[1].text)
				for i := range messages {
					io.WriteString(server, frame(0x81, "", fmt.Sprintf(`{"id":%d,"at":5,"data":1}`, i+1)))
				}
			}()
			io.CopyN(io.Discard, in, messages*int64(len(sent)))
			<-written
		})
	}
	done := make(chan struct{})
	go func() {
		working.Wait()
		close(done)
	}()
	known, counted, missed := int64(0), map[string]int{}, uint64(0)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for isDone := false; !isDone; {
		select {
		case <-done:
			isDone = true
		case <-tick.C:
		}
		for {
			entries, dropped, now := reader.Next(nil)
			missed += dropped
			for i := range entries {
				var e recorded
				json.Unmarshal(entries[i].AppendJSON(nil), &e)
				counted[e.Kind]++
				if e.At < known && e.Kind != "open" {
					t.Fatalf("everything before %d was known, and then comes %+v", known, e)
				}
			}
			if known = max(known, now); now > 0 {
				break
			}
		}
	}
	all := int(missed)
	for _, n := range counted {
		all += n
	}
	want := 8 * (2*messages + 5) // with open, request, response, end and close
	if all != want || counted["message"] == 0 {
		t.Errorf("%v, and %d dropped, want %d", counted, missed, want)
	}
}
