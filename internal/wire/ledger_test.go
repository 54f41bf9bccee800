package wire_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/wire"
)

// poll dissects a poll of a page: 25 bytes up without the page tag, 27 down.
func poll(l *wire.Ledger, page string) {
	d := wire.NewDissector(l, nil)
	defer d.Close()
	d.Up([]byte("GET /polling?page=" + page + " HTTP/1.1\r\n\r\n"))
	d.Down([]byte("HTTP/1.1 204 No Content\r\n\r\n"))
}

// A page ends after ten minutes without traffic. The sums lose nothing.
func TestPagesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l wire.Ledger
		poll(&l, "a")
		stream := wire.NewDissector(&l, nil)
		defer stream.Close()
		stream.Up([]byte("GET /sse?page=b HTTP/1.1\r\n\r\n"))
		stream.Down([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"))
		time.Sleep(10*time.Minute - time.Second)
		stream.Down([]byte(":\n\n"))
		want := "polling@a 1/0/0 up head=25 tag=7 down head=27; sse@b 1/0/0 up opening=21 tag=7 down opening=52 control=3"
		if got := summary(l.Snapshot().Rows); got != want {
			t.Errorf("before ten minutes:\n%s\nwant\n%s", got, want)
		}
		time.Sleep(time.Second)
		want = "polling 1/0/0 up head=25 tag=7 down head=27; sse@b 1/0/0 up opening=21 tag=7 down opening=52 control=3"
		if got := summary(l.Snapshot().Rows); got != want {
			t.Errorf("after ten minutes:\n%s\nwant\n%s", got, want)
		}
	})
}

// There are at most 1 000 pages: the one without traffic for the longest time ends.
func TestManyPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l wire.Ledger
		for i := range 1000 {
			poll(&l, fmt.Sprint(i))
			time.Sleep(time.Millisecond)
		}
		poll(&l, "0")
		poll(&l, "new")
		rows := l.Snapshot().Rows
		if len(rows) != 1001 {
			t.Errorf("there are %d rows, want those of 1000 pages and of none", len(rows))
		}
		requests := int64(0)
		for _, r := range rows {
			requests += r.Requests
			if r.Page == "1" {
				t.Error("page 1 is there, which had no traffic for the longest time")
			}
		}
		if requests != 1002 || len(l.Page("0")) != 1 || len(l.Page("new")) != 1 || l.Page("")[0].Requests != 1 {
			t.Errorf("%d requests are counted, want 1002", requests)
		}
	})
}

// Paths set the lanes of other paths.
func TestPaths(t *testing.T) {
	l := wire.Ledger{Paths: map[string]string{"/peer/events": "sse", "/sse": "other"}}
	for _, path := range []string{"/peer/events", "/sse", "/nothing"} {
		d := wire.NewDissector(&l, nil)
		d.Up([]byte("GET " + path + " HTTP/1.1\r\n\r\n"))
		d.Close()
	}
	want := "other 2/0/0 up head=46 down (cut: before the answer 2); sse 1/0/0 up opening=29 down (cut: before the answer)"
	if got := summary(l.Snapshot().Rows); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Snapshots while messages are counted count nothing twice and lose nothing.
func TestConcurrentSnapshots(t *testing.T) {
	var l wire.Ledger
	const readers, n = 8, 1000
	event := []byte("id: a-1\ndata: " + m1 + "\n\n")
	var work sync.WaitGroup
	for i := range readers {
		work.Go(func() {
			d := wire.NewDissector(&l, nil)
			defer d.Close()
			d.Up(fmt.Appendf(nil, "GET /sse?page=%d HTTP/1.1\r\n\r\n", i%2))
			d.Down([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"))
			for range n {
				d.Down(event)
			}
		})
	}
	work.Go(func() {
		for range 100 {
			l.Snapshot()
			l.Page("1")
		}
	})
	work.Wait()
	s := l.Snapshot()
	if len(s.Rows) != 2 || s.Rows[0].Delivered != readers*n/2 || s.Rows[1].Down.Payload != int64(readers*n/2*len(m1)) {
		t.Errorf("got %s", summary(s.Rows))
	}
	down := int64(readers * (52 + n*len(event)))
	if s.Rows[0].Down.Total+s.Rows[1].Down.Total != down || s.Down != down {
		t.Errorf("got %+v, want %d bytes down", s, down)
	}
}

// The JSON is that of GET /control/ledger.
func TestJSON(t *testing.T) {
	var l wire.Ledger
	poll(&l, "a")
	got, err := json.Marshal(l.Snapshot())
	parts := `{"payload":0,"envelope":0,"framing":0,"head":%d,"opening":0,"control":0,"tag":%d,"tls":0,"unaccounted":0,"total":%d}`
	want := `{"connections":1,"open":0,"up":32,"down":27,"rows":[{"page":"a","transport":"polling","requests":1,"connections":1,"sent":0,"delivered":0,` +
		`"up":` + fmt.Sprintf(parts, 25, 7, 32) + `,"down":` + fmt.Sprintf(parts, 27, 0, 27) + `}]}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

// warm returns a dissector that has read the pieces.
func warm(pieces []piece) *wire.Dissector { return warmed(new(wire.Ledger), pieces) }

// On a warm connection a message costs no allocation.
func TestAllocations(t *testing.T) {
	chunk := fmt.Sprintf("%x\r\nid: abcdef-1\ndata: %s\n\n\r\n", len("id: abcdef-1\ndata: \n\n")+len(m1), m1)
	chunked := []piece{openSSE[0], down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")}
	streaming, sender := open2Stream()
	for name, test := range map[string]struct {
		begin []piece
		next  piece
	}{
		"event on HTTP/2": {streaming, sender.data(1, false, "id: abcdef-1\ndata: "+m1+"\n\n").piece()},
		"window update":   {streaming, up("\x00\x00\x04\x08\x00\x00\x00\x00\x01\x00\x00\x01\x00")},
		"event":           {chunked, down(chunk)},
		"heartbeat":       {chunked, down("20\r\nevent: heartbeat\ndata: 1234567\n\n\r\n")},
		"frame":           {openWebSocket, down(frame(0x81, "", m1))},
		"frame up":        {openWebSocket, up(frame(0x81, "abcd", m1))},
		"large":           {openWebSocket, down(frame(0x81, "", `{"id"`+strings.Repeat("x", 60_000)))},
		"ping":            {openWebSocket, down(frame(0x89, "", ""))},
		"many":            {chunked, down(strings.Repeat(chunk, 100))},
		"poll entry":      {beginnings()[1], down(m1)},
	} {
		d := warm(test.begin)
		b := []byte(test.next.text)
		if n := testing.AllocsPerRun(100, func() {
			if test.next.dir == wire.Up {
				d.Up(b)
			} else {
				d.Down(b)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
		d.Close()
	}
}

// BenchmarkDissector asks what the dissection of one message costs: 128 bytes of payload in one write of a warm
// connection, recorded or not. The whole delivery of a message costs about 8 µs.
func BenchmarkDissector(b *testing.B) {
	message := `{"id":1234567,"at":946684801000000,"data":"` + strings.Repeat("x", 128) + `"}`
	chunked := []piece{openSSE[0], down("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")}
	event := "id: abcdef-1234567\ndata: " + message + "\n\n"
	streaming, client, sender := open2()
	streaming = append(streaming, client.head(1, true, get("/sse?page=a")...).piece(), sender.head(1, false, eventOK...).piece())
	answer := sized("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Type: application/json\r\nEtag: \"abcdef-1234567\"\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\n",
		`{"epoch":"abcdef","messages":[`+message+`]}`)
	for _, bench := range []struct {
		name  string
		begin []piece
		each  []piece
	}{
		{"longpoll", nil, []piece{up("GET /longpoll?after=abcdef-1234567&page=a HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Go-http-client/1.1\r\n\r\n"), down(answer)}},
		{"sse", chunked, []piece{down(fmt.Sprintf("%x\r\n%s\r\n", len(event), event))}},
		{"websocket", openWebSocket, []piece{down(frame(0x81, "", message))}},
		{"sse/http=2", streaming, []piece{sender.data(1, false, event).piece()}},
	} {
		for _, recording := range []string{"off", "on"} {
			b.Run("transport="+bench.name+"/recording="+recording, func(b *testing.B) {
				var ledger wire.Ledger
				if recording == "on" {
					watch(b, &ledger, "a")
				}
				d := warmed(&ledger, ofPage(bench.begin))
				defer d.Close()
				var bytes [][]byte
				for _, p := range bench.each {
					bytes = append(bytes, []byte(p.text))
				}
				b.ReportAllocs()
				for b.Loop() {
					for i, p := range bench.each {
						if p.dir == wire.Up {
							d.Up(bytes[i])
						} else {
							d.Down(bytes[i])
						}
					}
				}
			})
		}
	}
}
