package experiments_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fourwires/docs/blocks"
	"fourwires/feed"
	"fourwires/internal/wire"
	"fourwires/websocket"
)

// TestFrames is the experiment of chapter 8: the bytes that a frame adds to a message, downstream and upstream, by the
// length of the message. The lab's own handler and client send them.
func TestFrames(t *testing.T) {
	var report strings.Builder
	fmt.Fprintf(&report, "a message of     adds, down   frames   adds, up   frames\n")
	for _, size := range []int{50, 125, 126, 65_535, 65_536} {
		var added [2]int64 // by direction
		var frames [2]int
		var f *feed.Feed
		var ledger wire.Ledger
		p := transport("websocket", 0, nil, 10*time.Second)
		serve := p.serve
		p.serve = func(of *feed.Feed) *http.Server {
			f = of
			return serve(of)
		}
		p.read = func(ctx context.Context, dial dialer, _ func(uint64)) {
			client := websocket.Client{URL: "http://127.0.0.1:8080/websocket",
				Dial: ledger.Tap(dial, func(s wire.Span) {
					if s.Part == wire.Framing && s.Role == "FIN and opcode" {
						frames[s.Dir]++
					}
				})}
			time.AfterFunc(time.Second, func() { // virtual
				const around = len(`{"id":1,"at":946684801000000,"data":}`)
				if _, err := f.Publish(text(size - around)); err != nil {
					t.Error(err)
				}
			})
			for m, err := range client.Messages(ctx) {
				switch {
				case err != nil:
					return
				case m.ID == 1 && len(m.JSON()) != size:
					t.Errorf("the message has %d bytes, not %d", len(m.JSON()), size)
				case m.ID == 1:
					added[wire.Down] = ledger.Snapshot().Rows[0].Down.Framing
					if err := client.Send(ctx, text(size)); err != nil {
						t.Error(err)
					}
				default: // the message that was sent is read back
					added[wire.Up] = ledger.Snapshot().Rows[0].Up.Framing
					frames[wire.Down]--
				}
			}
		}
		p.record(t)
		fmt.Fprintf(&report, "%10d B %15d %8d %10d %8d\n", size, added[wire.Down], frames[wire.Down], added[wire.Up],
			frames[wire.Up])
	}
	blocks.Printed(t, report.String())
}

// text returns a JSON string of that many bytes.
func text(size int) []byte { return []byte(`"` + strings.Repeat("x", size-2) + `"`) }

// twoFrames draws, bit by bit, a frame upstream and the one that answers it: chapter 8 types the one and reads the
// other.
func twoFrames(t *testing.T) *svg {
	upgrade, err := os.ReadFile(filepath.Join("..", "testdata", "upgrade.txt"))
	if err != nil {
		t.Fatal(err)
	}
	p := play{until: 2 * time.Second,
		serve: func(*feed.Feed) *http.Server { return &http.Server{Handler: &websocket.Echo{}} },
		read: func(ctx context.Context, dial dialer, _ func(uint64)) {
			conn, err := dial(ctx, "tcp", "127.0.0.1:8080")
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			buffer := make([]byte, 1<<10)
			for _, send := range [][]byte{upgrade, []byte("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58")} {
				conn.Write(send)
				if _, err := conn.Read(buffer); err != nil {
					t.Error(err)
				}
			}
		}}
	flights := p.record(t).flights
	s := &svg{width: 800, height: 300}
	s.frame(44, "up, from the client", flights[2].data)
	s.frame(208, "down, from the server", flights[3].data)
	return s
}

// frame draws a frame of fewer than 126 bytes, from y on.
func (s *svg) frame(y float64, title string, data []byte) {
	const left, bit, row = 20.0, 24.0, 30.0
	box := func(x, y, width float64, text, class string) {
		s.add(`<path d="M%.1f %.1fh%.1fv%.1fh%.1fZ" class="axis"/>`, x, y, width, row, -width)
		s.text(x+width/2, y+20, "middle", class, text)
	}
	s.text(left, y-16, "start", "name", title)
	x := left
	part := func(width float64, label string) {
		s.line(x+2, y+row+5, x+width-2, y+row+5, "axis")
		s.text(x+width/2, y+row+20, "middle", "soft", label)
		x += width
	}
	for i := range 16 {
		box(left+bit*float64(i), y, bit, fmt.Sprint(data[i/8]>>(7-i%8)&1), "websocket")
	}
	part(bit, "FIN")
	part(3*bit, "RSV")
	part(4*bit, map[byte]string{1: "opcode: text"}[data[0]&0xF])
	part(bit, "M")
	part(7*bit, fmt.Sprintf("length: %d", data[1]&0x7F))
	s.text(left+4*bit, y+row+40, "middle", "soft", fmt.Sprintf("%02x", data[0]))
	s.text(left+12*bit, y+row+40, "middle", "soft", fmt.Sprintf("%02x", data[1]))

	key, payload := []byte(nil), data[2:]
	if data[1]&0x80 == 0 {
		width := s.width - left - x
		box(x, y, width, string(payload), "")
		part(width, fmt.Sprintf("payload: %d bytes", len(payload)))
		return
	}
	key, payload = payload[:4], payload[4:]
	const octet = 37.0
	for i, b := range data[2:] {
		box(x+octet*float64(i), y, octet, fmt.Sprintf("%02x", b), "websocket")
	}
	clear := bytes.Clone(payload)
	for i := range clear {
		clear[i] ^= key[i%4]
		at := x + octet*float64(4+i) + octet/2
		s.text(at, y+row+40, "middle", "soft", fmt.Sprintf("⊕ %02x", key[i%4]))
		s.text(at, y+row+62, "middle", "name", fmt.Sprintf("%c", clear[i]))
	}
	part(4*octet, "masking key")
	part(octet*float64(len(payload)), "payload, masked")
}
