package experiments_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/polling"
)

var update = flag.Bool("update", false, "write the pictures")

// A picture is drawn from what was recorded while the code ran.
type picture struct {
	title, desc string
	draw        func(t *testing.T) *svg
}

// pair is when two messages are published, 10 ms apart.
var pair = []time.Duration{200 * ms, 210 * ms}

// pictures has the pictures of docs/pictures, by the names of their files:
//
//	go test ./docs/experiments -run Pictures -update
var pictures = map[string]picture{
	"age.svg": {
		"The age of the newest message held: polling every 2 s, and SSE",
		"Both curves climb with time and snap down when a message comes. By SSE that is a trip after each message; by polling only every two seconds.",
		sawtooth,
	},
	"one-exchange.svg": {
		"Three polls on one connection",
		"The client connects once, which takes a round trip. Then it sends three requests, each answered before the next, all on that connection.",
		func(t *testing.T) *svg {
			return transport("polling", 200*ms, nil, 560*ms).record(t).sequence("polling", 1, 560*ms)
		},
	},
	"polling.svg": {
		"Polling, and two messages 10 ms apart",
		"The messages are published just after a poll was answered. Both wait for the next poll and share its answer. The polls before and after bring nothing.",
		func(t *testing.T) *svg {
			return transport("polling", 300*ms, pair, 720*ms).record(t).sequence("polling", 1, 720*ms)
		},
	},
	"longpoll.svg": {
		"Long-polling, and two messages 10 ms apart",
		"A request waits at the server. The first message answers it and arrives after one trip. The second message finds no request waiting: it waits for the next one, and arrives after 140 ms.",
		func(t *testing.T) *svg {
			return transport("longpoll", 0, pair, 420*ms).record(t).sequence("longpoll", 1.6, 420*ms)
		},
	},
	"no-cursor.svg": {
		"Long-polling without a cursor",
		"The second message is published while no request waits. The next request does not say what the client has, so it waits for what comes from now on: the third message. The second is never delivered.",
		func(t *testing.T) *svg {
			p := transport("longpoll", 0, []time.Duration{200 * ms, 210 * ms, 400 * ms}, 500*ms)
			p.read = forgetful
			return p.record(t).sequence("longpoll", 1.4, 500*ms)
		},
	},
	"sse.svg": {
		"Server-Sent Events, and two messages 10 ms apart",
		"One request, and an answer that does not end. Each message leaves at once and arrives after one trip, whatever came just before.",
		func(t *testing.T) *svg {
			return transport("sse", 0, pair, 300*ms).record(t).sequence("sse", 2, 300*ms)
		},
	},
	"websocket.svg": {
		"WebSocket, and two messages 10 ms apart",
		"One upgrade, and then frames. Each message leaves at once and arrives after one trip, whatever came just before.",
		func(t *testing.T) *svg {
			return transport("websocket", 0, pair, 300*ms).record(t).sequence("websocket", 2, 300*ms)
		},
	},
	"staleness.svg": {
		"How late a message is: polling every 2 s, and long-polling",
		"Of a feed with a message every half second on average, at random. By polling, the share of messages that have come rises evenly over the whole interval. By long-polling most have come after one trip, and the rest soon after.",
		staleness,
	},
	"deaf.svg": {
		"Which messages an EventSource hears",
		"A row for each handler of the table: the times for which a stream is open, a dot for each message that came, a cross for each that was published and never came.",
		hearing,
	},
	"frames.svg": {
		"A frame up and a frame down, bit by bit",
		"Each begins with FIN, three reserved bits, an opcode of four bits, the mask bit and a length of seven bits. In the frame up the mask bit is set: a key of four bytes follows, and the payload is masked by it. In the frame down the payload follows at once.",
		twoFrames,
	},
	"bytes.svg": {
		"What a message costs on the wire, by part",
		"A bar for each transport on HTTP/1.1 and HTTP/2, without TLS and with it. The message itself is the same everywhere. Heads are most of polling and long-polling on HTTP/1.1. TLS adds most to those that write in several pieces.",
		bars,
	},
	"four-stamps.svg": {
		"Four stamps, by two clocks, over three networks",
		"The server's clock is ahead by 80 ms. Where both ways take 50 ms, the estimate is 80 ± 50. Where the way up takes 90 ms and the way down 10, it is 120 ± 50, and the other way round 40 ± 50. The truth is within the range each time, and in the middle only the first time.",
		fourStamps,
	},
	"loops.svg": {
		"How late polling every 20 ms is, measured by a closed loop and by an open one",
		"In the closed loop every message is late by 20 ms. In the open loop the share of messages that have come rises evenly from 0 to 20 ms.",
		loops,
	},
	"up-post.svg": {
		"Three messages up, by POST on one connection",
		"The messages are ready 10 ms apart. Each waits for the answer to the one before, a round trip.",
		func(t *testing.T) *svg { return upstreams[1].draw(t, "sse", 1, 560*ms) },
	},
	"up-frame.svg": {
		"Three messages up, in frames of a WebSocket",
		"The messages are ready 10 ms apart, and leave 10 ms apart. There are no answers.",
		func(t *testing.T) *svg { return upstreams[4].draw(t, "websocket", 1.7, 340*ms) },
	},
	"plugs.svg": {
		"When messages come, after a connection went bad",
		"A row for each of eight readers. A message is published every two seconds; after eleven the connection goes bad. After a FIN or a RST a page is back in three seconds. After a silence it never is, unless it sees heartbeats: then after ten. The lab's own clients are back after ten, seventy and forty seconds, and have all that they missed at once.",
		plugging,
	},
	"pool.svg": {
		"Eight streams and a poll, in a pool of six connections",
		"On HTTP/1.1 six streams open; the others, and the poll, wait until three streams have been closed. On HTTP/2 all eight open on one connection, and the poll is answered after a round trip.",
		pooling,
	},
	"costs.svg": {
		"What a message and a reader cost the server",
		"Three bar charts, of polling, longpoll, sse, websocket and plain tcp. CPU for a message to one of a thousand readers: longpoll takes nearly three times as much as the others. Memory of an idle reader: about the same for longpoll, sse and websocket, less for polling, hardly any for tcp. CPU to connect and leave: about the same for all but tcp.",
		costs,
	},
	"python.svg": {
		"Bytes around a message, from seven servers",
		"Three bars for each server: a poll, an event, a frame. All events have the same around them, and all frames. Polls differ by the heads that a server sends.",
		servers,
	},
	"choose.svg": {
		"Which way lab decide takes",
		"Two maps, for 1 000 and for 10 000 clients. To the right: how late is early enough, from 10 ms to 100 s. Upwards: messages a second, from 0.01 to 100. Polling is taken at the right and, where there are many messages, far to the left; an open stream is taken in between, sse for slower feeds and websocket for faster ones.",
		choosing,
	},
}

// TestPictures compares the pictures with what the code draws now.
func TestPictures(t *testing.T) {
	var names []string
	for name, p := range pictures {
		names = append(names, "pictures/"+name)
		got := p.draw(t).bytes(p.title, p.desc)
		path := filepath.Join("..", "pictures", name)
		if *update {
			if err := os.WriteFile(path, got, 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("docs/pictures/%s is not what the code draws (%v): go test ./docs/experiments -run Pictures -update", name, err)
		}
	}
	slices.Sort(names)
	if found, err := fs.Glob(os.DirFS(".."), "pictures/*"); err != nil || !slices.Equal(found, names) {
		t.Errorf("docs/pictures has %q, drawn are %q (%v)", found, names, err)
	}
	var all strings.Builder
	for _, text := range blocks.Pages(t) {
		all.WriteString(text)
	}
	for _, name := range names {
		if !strings.Contains(all.String(), "]("+name+")") {
			t.Errorf("no page shows %s", name)
		}
	}
}

// transport returns the play of a transport, with its own handler and client. Interval is of polling.
func transport(name string, interval time.Duration, publish []time.Duration, until time.Duration) play {
	found, _ := lab.Find(name)
	return play{
		publish: publish,
		until:   until,
		serve: func(f *feed.Feed) *http.Server {
			return &http.Server{Handler: found.Handler(f, nil)}
		},
		read: func(ctx context.Context, dial dialer, take func(id uint64)) {
			url := "http://127.0.0.1:8080/" + name
			messages := found.Client(lab.Access{URL: url, Dial: dial}).Messages
			if name == "polling" {
				messages = (&polling.Client{URL: url, Dial: dial, Interval: interval}).Messages
			}
			for m, err := range messages(ctx) {
				if err != nil {
					return // the play is over
				}
				take(m.ID)
			}
		},
	}
}

// forgetful long-polls without a cursor.
func forgetful(ctx context.Context, dial dialer, take func(id uint64)) {
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableCompression: true}}
	defer client.CloseIdleConnections()
	for {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:8080/longpoll", nil)
		resp, err := client.Do(req)
		if err != nil {
			return // the play is over
		}
		var answer struct{ Messages []feed.Message }
		err = json.NewDecoder(resp.Body).Decode(&answer)
		resp.Body.Close()
		if err != nil {
			return
		}
		for _, m := range answer.Messages {
			take(m.ID)
		}
	}
}

// sawtooth draws the age of the newest message that a reader has.
func sawtooth(t *testing.T) *svg {
	const left, right, top, bottom, until, most = 50.0, 700.0, 24.0, 250.0, 15 * time.Second, 3.0 // most in seconds
	s := &svg{width: 800, height: 290}
	x := func(at time.Duration) float64 { return left + (right-left)*at.Seconds()/until.Seconds() }
	y := func(age float64) float64 { return bottom - (bottom-top)*age/most }
	for age := 0.0; age <= most; age++ {
		s.line(left, y(age), right, y(age), "grid")
		s.text(left-8, y(age)+4, "end", "soft", fmt.Sprintf("%g s", age))
	}
	for at := time.Duration(0); at <= until; at += 5 * time.Second {
		s.text(x(at), bottom+18, "middle", "soft", fmt.Sprintf("%g s", at.Seconds()))
	}
	for _, name := range []string{"polling", "sse"} {
		tr := transport(name, 2*time.Second, random(2, until), until).record(t)
		var ids []uint64
		for id := range tr.received {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		var path strings.Builder
		age := 0.0
		for i, id := range ids {
			at, next := tr.received[id], until
			if i+1 < len(ids) {
				next = tr.received[ids[i+1]]
			}
			if next == at {
				continue // a newer one arrived with it
			}
			if path.Len() == 0 {
				fmt.Fprintf(&path, "M%.1f %.1f", x(at), y((at - tr.published[id]).Seconds()))
			}
			age = (next - tr.published[id]).Seconds()
			fmt.Fprintf(&path, "L%.1f %.1fL%.1f %.1f", x(at), y((at - tr.published[id]).Seconds()), x(next), y(age))
		}
		s.add(`<path d="%s" class="%s"/>`, path.String(), name)
		s.text(right+10, y(age)+4, "start", name+" name", name)
	}
	return s
}

// staleness draws, over a delay, the share of messages that are no later.
func staleness(t *testing.T) *svg {
	s := &svg{width: 760, height: 330}
	const left, right, bottom = 60.0, 640.0, 270.0
	x, y := s.shares(left, right, bottom, 0.5, "s")
	for _, lane := range []struct {
		name  string
		label string
		at    float64
	}{{"polling", "polling every 2 s", 0.6}, {"longpoll", "long-polling", 0.85}} {
		delays := late(t, lane.name)
		var path strings.Builder
		fmt.Fprintf(&path, "M%.1f %.1f", left, bottom)
		for percent := 1; percent <= 100; percent++ {
			late := delays[percent*len(delays)/100-1].Seconds()
			fmt.Fprintf(&path, "H%.1fV%.1f", x(late), y(float64(percent)/100))
		}
		fmt.Fprintf(&path, "H%.1f", right)
		s.add(`<path d="%s" class="%s"/>`, path.String(), lane.name)
		late := delays[int(lane.at*float64(len(delays)))-1].Seconds()
		s.text(x(late)+14, y(lane.at)+12, "start", lane.name+" name", lane.label)
	}
	return s
}

// shares draws the axes of such a curve, with four steps of time and a little more. X and y return the place of a delay
// and of a share.
func (s *svg) shares(left, right, bottom, step float64, unit string) (x, y func(float64) float64) {
	const top = 24.0
	x = func(late float64) float64 { return left + (right-left)*late/(4.4*step) }
	y = func(share float64) float64 { return bottom - (bottom-top)*share }
	for i := 0.0; i <= 4; i++ {
		s.line(x(i*step), top, x(i*step), bottom, "grid")
		s.text(x(i*step), bottom+18, "middle", "soft", fmt.Sprintf("%g %s", i*step, unit))
	}
	for share := 0.0; share <= 1; share += 0.25 {
		s.line(left, y(share), right, y(share), "grid")
		s.text(left-8, y(share)+4, "end", "soft", fmt.Sprintf("%g %%", share*100))
	}
	s.text((left+right)/2, bottom+40, "middle", "soft", "late by at most")
	return x, y
}

// hearing draws which messages of chapter 7's experiment arrived.
func hearing(t *testing.T) *svg {
	const left, right, top, row = 290.0, 780.0, 34.0, 34.0
	s := &svg{width: 800, height: top + row*float64(len(deafHandlers())) + 34}
	x := func(at time.Duration) float64 { return left + (right-left)*at.Seconds()/130 }
	for at := time.Duration(0); at <= 2*time.Minute; at += 30 * time.Second {
		s.line(x(at), top-14, x(at), s.height-34, "grid")
		s.text(x(at), s.height-14, "middle", "soft", fmt.Sprintf("%g s", at.Seconds()))
	}
	for i, d := range deafHandlers() {
		y := top + row*float64(i)
		tr, browser := d.record(t)
		s.text(left-14, y+4, "end", "soft", d.title)
		for i, opened := range browser.opened {
			s.line(min(x(opened), right), y, min(x(browser.ended[i]), right), y, "sse")
		}
		for id := uint64(1); id <= uint64(len(tr.published)); id++ {
			if at, arrived := tr.received[id]; arrived {
				s.add(`<g class="sse"><circle cx="%.1f" cy="%.1f" r="5" class="tip"/></g>`, x(at), y)
			} else {
				at := x(tr.published[id])
				s.line(at-5, y-5, at+5, y+5, "polling")
				s.line(at-5, y+5, at+5, y-5, "polling")
			}
		}
	}
	return s
}

// late returns the delays, sorted, of about a thousand messages that are published at random instants, two a second on
// average.
func late(t *testing.T, name string) []time.Duration {
	const until = 500 * time.Second
	publish := random(2, until)
	tr := transport(name, 2*time.Second, publish, until+5*time.Second).record(t)
	delays := tr.delays()
	if len(delays) != len(publish) {
		t.Errorf("%s: %d of %d messages arrived", name, len(delays), len(publish))
	}
	return delays
}
