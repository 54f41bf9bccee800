package lab_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const idle = 2*time.Minute + time.Second // with a second for the client to close, after GOAWAY

// TestHostileHTTP2 is TestHostile for what HTTP/2 adds (RFC 9113): frames, the
// compression of headers, and streams. The lab's answer is compared frame by frame.
func TestHostileHTTP2(t *testing.T) {
	t.Parallel()
	const open, whole = http2.FlagHeadersEndHeaders, http2.FlagHeadersEndHeaders | http2.FlagHeadersEndStream
	zero := make([]byte, 4)
	for _, test := range []struct {
		name  string
		send  func(*framer)
		want  string        // what the answer has in it
		count string        // of faults that net/http reports; "": any
		after time.Duration // when the connection ends, at the latest
	}{
		// Connections that are not used.
		{"settings, and silence", func(f *framer) {}, "SETTINGS\nSETTINGS ack\nGOAWAY NO_ERROR\n", "", idle},
		{"half a frame, and silence", func(f *framer) { f.raw("\x00\x00\xff\x01\x05") }, "SETTINGS ack\n", "", 10 * time.Second},
		{"a frame's header byte by byte", func(f *framer) {
			for _, b := range "\x00\x00\x01\xfe\x00\x00\x00\x00" {
				f.raw(string(b))
				time.Sleep(2 * time.Second)
			}
		}, "SETTINGS ack\n", "", 16 * time.Second}, // eight bytes' time
		{"half a header block, and silence", func(f *framer) { f.frame(http2.FrameHeaders, 0, 1, f.headers("GET", "/polling")[:3]) }, "SETTINGS ack\n", "", 10 * time.Second},
		{"half a frame of data", func(f *framer) {
			f.frame(http2.FrameHeaders, open, 1, f.headers("POST", "/publish"))
			f.raw("\x00\x00\x09\x00\x01\x00\x00\x00\x011")
		}, "HEADERS 1 400", "", 20 * time.Second},
		{"a header block byte by byte", func(f *framer) {
			f.frame(http2.FrameHeaders, 0, 1, f.headers("GET", "/polling"))
			for f.err == nil {
				time.Sleep(time.Second)
				f.frame(http2.FrameContinuation, 0, 1, []byte{0x90}) // an empty field, or a part of one
			}
		}, "SETTINGS ack\n", "", 11 * time.Second},

		// Frames where they have no place.
		{"no settings", func(f *framer) { f.frame(http2.FramePing, 0, 0, make([]byte, 8)) }, "PING ack", "", idle},
		{"data before headers", func(f *framer) { f.frame(http2.FrameData, 0, 1, []byte("1")) }, "GOAWAY PROTOCOL_ERROR", "1", 2 * time.Second},
		{"a continuation of nothing", func(f *framer) { f.frame(http2.FrameContinuation, 0, 1, nil) }, "GOAWAY PROTOCOL_ERROR", "", 2 * time.Second},
		{"another stream's frame within a header block", func(f *framer) {
			f.frame(http2.FrameHeaders, 0, 1, f.headers("GET", "/polling"))
			f.frame(http2.FrameHeaders, whole, 3, f.headers("GET", "/polling"))
		}, "GOAWAY PROTOCOL_ERROR", "", 2 * time.Second},
		{"a ping within a header block", func(f *framer) {
			f.frame(http2.FrameHeaders, 0, 1, f.headers("GET", "/polling"))
			f.frame(http2.FramePing, 0, 0, make([]byte, 8))
		}, "GOAWAY PROTOCOL_ERROR", "", 2 * time.Second},
		{"settings on a stream", func(f *framer) { f.frame(http2.FrameSettings, 0, 1, nil) }, "GOAWAY PROTOCOL_ERROR", "1", 2 * time.Second},
		{"settings of seven bytes", func(f *framer) { f.frame(http2.FrameSettings, 0, 0, make([]byte, 7)) }, "GOAWAY FRAME_SIZE_ERROR", "1", 2 * time.Second},
		{"a ping of nine bytes", func(f *framer) { f.frame(http2.FramePing, 0, 0, make([]byte, 9)) }, "GOAWAY FRAME_SIZE_ERROR", "1", 2 * time.Second},
		{"a push", func(f *framer) { f.frame(http2.FramePushPromise, 4, 1, append(zero, 0x88)) }, "GOAWAY PROTOCOL_ERROR", "1", 2 * time.Second},
		{"headers on stream 0", func(f *framer) { f.frame(http2.FrameHeaders, whole, 0, f.headers("GET", "/polling")) }, "GOAWAY PROTOCOL_ERROR", "1", 2 * time.Second},
		{"headers on an even stream", func(f *framer) { f.frame(http2.FrameHeaders, whole, 2, f.headers("GET", "/polling")) }, "GOAWAY PROTOCOL_ERROR", "1", 2 * time.Second},
		{"a stream that goes backwards", func(f *framer) {
			f.frame(http2.FrameHeaders, whole, 5, f.headers("GET", "/polling"))
			f.frame(http2.FrameHeaders, whole, 3, f.headers("GET", "/polling"))
		}, "GOAWAY PROTOCOL_ERROR", "1", 2 * time.Second},
		{"a stream that depends on itself", func(f *framer) { f.frame(http2.FramePriority, 0, 1, []byte{0, 0, 0, 1, 0}) }, "RST_STREAM 1 PROTOCOL_ERROR", "1", idle},
		{"more padding than frame", func(f *framer) { f.frame(http2.FrameHeaders, whole|http2.FlagHeadersPadded, 1, []byte{9, 0x82}) }, "RST_STREAM 1 PROTOCOL_ERROR", "1", idle},
		{"a frame of 16 KiB and one byte", func(f *framer) { f.frame(http2.FrameSettings, 0, 0, make([]byte, 16<<10+1)) }, "GOAWAY FRAME_SIZE_ERROR", "", 2 * time.Second},
		{"a frame of a kind that is not known", func(f *framer) { f.frame(0xfe, 0xff, 1, make([]byte, 100)) }, "SETTINGS ack\nGOAWAY NO_ERROR\n", "", idle},

		// Windows.
		{"a window that grows by 0", func(f *framer) { f.frame(http2.FrameWindowUpdate, 0, 0, zero) }, "GOAWAY PROTOCOL_ERROR", "1", 2 * time.Second},
		{"a stream's window that grows by 0", func(f *framer) {
			f.frame(http2.FrameHeaders, whole, 1, f.headers("GET", "/longpoll"))
			f.frame(http2.FrameWindowUpdate, 0, 1, zero)
		}, "RST_STREAM 1 PROTOCOL_ERROR", "1", idle},
		{"a window beyond 2^31", func(f *framer) { f.frame(http2.FrameWindowUpdate, 0, 0, []byte{0x7f, 0xff, 0xff, 0xff}) }, "GOAWAY FLOW_CONTROL_ERROR", "", 2 * time.Second},
		{"a stream's window beyond 2^31", func(f *framer) {
			f.frame(http2.FrameHeaders, whole, 1, f.headers("GET", "/longpoll"))
			f.frame(http2.FrameWindowUpdate, 0, 1, []byte{0x7f, 0xff, 0xff, 0xff})
		}, "RST_STREAM 1 FLOW_CONTROL_ERROR", "", idle},
		{"a first window beyond 2^31", func(f *framer) { f.setting(http2.SettingInitialWindowSize, 1<<31) }, "GOAWAY FLOW_CONTROL_ERROR", "1", 2 * time.Second},
		{"a window kept shut", func(f *framer) {
			f.setting(http2.SettingInitialWindowSize, 0)
			f.frame(http2.FrameHeaders, whole, 1, f.headers("GET", "/sse?after=0"))
			time.Sleep(10*time.Second - time.Millisecond)
			if strings.Contains(f.answer(), "RST_STREAM") {
				f.t.Error("the stream ends before 10 s")
			}
			time.Sleep(2 * time.Millisecond)
			if !strings.Contains(f.answer(), "RST_STREAM 1 INTERNAL_ERROR") {
				f.t.Error("the stream goes on after 10 s")
			}
		}, "HEADERS 1 200\nRST_STREAM 1 INTERNAL_ERROR\nGOAWAY NO_ERROR\n", "", 10*time.Second + idle},
		{"a page that is not taken", func(f *framer) {
			f.setting(http2.SettingInitialWindowSize, 0)
			f.frame(http2.FrameHeaders, whole, 1, f.headers("GET", "/static/main.js"))
		}, "HEADERS 1 200\nRST_STREAM 1 INTERNAL_ERROR\nGOAWAY NO_ERROR\n", "", 70*time.Second + idle},
		{"more data than the window has", func(f *framer) {
			f.frame(http2.FrameHeaders, open, 1, f.headers("POST", "/publish"))
			for range 80 { // of 16 KiB; the connection has a window of 1 MiB
				f.frame(http2.FrameData, 0, 1, make([]byte, 16<<10))
			}
		}, "RST_STREAM 1 ", "", idle},

		// Headers and their compression (RFC 7541).
		{"an index that is none", func(f *framer) { f.frame(http2.FrameHeaders, whole, 1, []byte{0xff, 0x80, 0x80, 0x01}) }, "GOAWAY COMPRESSION_ERROR", "", 2 * time.Second},
		{"an integer without end", func(f *framer) {
			f.frame(http2.FrameHeaders, whole, 1, bytes.Repeat([]byte{0xff}, 100))
		}, "GOAWAY COMPRESSION_ERROR", "", 2 * time.Second},
		{"a table beyond what is allowed", func(f *framer) { f.frame(http2.FrameHeaders, whole, 1, []byte{0x3f, 0xe2, 0x1f}) }, "GOAWAY COMPRESSION_ERROR", "", 2 * time.Second},
		{"Huffman without sense", func(f *framer) {
			f.frame(http2.FrameHeaders, whole, 1, []byte{0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x00})
		}, "GOAWAY COMPRESSION_ERROR", "", 2 * time.Second},
		{"a field of 4 KiB, and 12 000 times the same", func(f *framer) { // 48 MiB of headers in 16 KiB
			block := f.headers("GET", "/polling", "x", strings.Repeat("y", 4000))
			f.frame(http2.FrameHeaders, whole, 1, append(block, bytes.Repeat([]byte{0xbe}, 12_000)...))
		}, "HEADERS 1 431", "", idle},
		{"2 000 fields", func(f *framer) {
			f.frame(http2.FrameHeaders, whole, 1, append(f.headers("GET", "/polling"), strings.Repeat("\x00\x01x\x01y", 2000)...))
		}, "HEADERS 1 431", "", idle},
		{"a field of 80 KiB", func(f *framer) { f.long(f.headers("GET", "/polling", "x", strings.Repeat("y", 80<<10)), 10_000) }, "GOAWAY COMPRESSION_ERROR", "", 2 * time.Second},
		{"continuations without end", func(f *framer) {
			f.frame(http2.FrameHeaders, 0, 1, f.headers("GET", "/polling"))
			for n := 0; f.err == nil; n++ {
				if f.frame(http2.FrameContinuation, 0, 1, []byte(strings.Repeat("\x00\x01x\x01y", 3000))); n > 10 {
					f.t.Error("the lab takes more than ten continuations of 15 000 bytes")
					return
				}
			}
		}, "GOAWAY PROTOCOL_ERROR", "", 2 * time.Second},
		{"10 000 empty continuations", func(f *framer) {
			f.frame(http2.FrameHeaders, 0, 1, f.headers("GET", "/polling"))
			for range 10_000 {
				f.frame(http2.FrameContinuation, 0, 1, nil)
			}
		}, "SETTINGS ack\n", "", 10 * time.Second},
		{"a name in capitals", func(f *framer) {
			f.frame(http2.FrameHeaders, whole, 1, append(f.headers("GET", "/polling"), "\x00\x01X\x01y"...))
		}, "RST_STREAM 1 PROTOCOL_ERROR", "", idle},
		{"a field of HTTP/1.1", func(f *framer) {
			f.frame(http2.FrameHeaders, whole, 1, f.headers("GET", "/polling", "connection", "close"))
		}, "HEADERS 1 400", "", idle},
		{"headers without method", func(f *framer) { f.frame(http2.FrameHeaders, whole, 1, []byte{0x86, 0x84}) }, "RST_STREAM 1 PROTOCOL_ERROR", "1", idle},
		{"no name of the lab", func(f *framer) { f.frame(http2.FrameHeaders, whole, 1, []byte{0x82, 0x86, 0x84}) }, "HEADERS 1 403", "", idle},
		{"a WebSocket (RFC 8441)", func(f *framer) {
			f.frame(http2.FrameHeaders, open, 1, f.headers("CONNECT", "/websocket", ":protocol", "websocket"))
		}, "RST_STREAM 1 PROTOCOL_ERROR", "", idle},
		{"an upgrade", func(f *framer) {
			f.frame(http2.FrameHeaders, whole, 1, f.headers("GET", "/websocket", "sec-websocket-version", "13"))
		}, "HEADERS 1 400", "", idle},

		// Bodies.
		{"a body byte by byte", func(f *framer) {
			f.frame(http2.FrameHeaders, open, 1, f.headers("POST", "/publish"))
			for !strings.Contains(f.answer(), "HEADERS 1") {
				time.Sleep(time.Second)
				f.frame(http2.FrameData, 0, 1, []byte("1"))
			}
		}, "HEADERS 1 400", "", 11*time.Second + idle},
		{"a body of nothing, without end", func(f *framer) {
			f.frame(http2.FrameHeaders, open, 1, f.headers("POST", "/publish"))
			for range 10_000 {
				f.frame(http2.FrameData, 0, 1, nil)
			}
		}, "HEADERS 1 400", "", 11*time.Second + idle},
		{"a body on a stream", func(f *framer) { f.frame(http2.FrameHeaders, open, 1, f.headers("GET", "/sse")) }, "HEADERS 1 400", "", 11*time.Second + idle},
		{"a body of another length", func(f *framer) {
			f.frame(http2.FrameHeaders, open, 1, f.headers("POST", "/publish", "content-length", "2"))
			f.frame(http2.FrameData, http2.FlagDataEndStream, 1, []byte("1"))
		}, "HEADERS 1 400", "", idle},
		{"a trailer without end", func(f *framer) {
			f.frame(http2.FrameHeaders, open, 1, f.headers("POST", "/publish"))
			f.frame(http2.FrameHeaders, open, 1, []byte("\x00\x01x\x01y"))
		}, "RST_STREAM 1 PROTOCOL_ERROR", "1", idle},

		// Too much.
		{"more streams than allowed", func(f *framer) {
			for id := uint32(1); id <= 2*250+1; id += 2 {
				f.frame(http2.FrameHeaders, whole, id, f.headers("GET", "/sse"))
			}
			synctest.Wait()
			if got := strings.Count(f.answer(), "HEADERS"); got != 250 {
				f.t.Errorf("%d of 251 streams are answered, want 250", got)
			}
			f.conn.Close()
		}, "RST_STREAM 501 REFUSED_STREAM", "1", time.Second},
		{"10 000 streams, each reset at once", func(f *framer) {
			for id := uint32(1); id < 20_000; id += 2 {
				f.frame(http2.FrameHeaders, whole, id, f.headers("GET", "/sse"))
				f.frame(http2.FrameRSTStream, 0, id, []byte{0, 0, 0, byte(http2.ErrCodeCancel)})
			}
		}, "GOAWAY", "", idle},
		{"10 000 settings", func(f *framer) {
			for range 10_000 {
				f.setting(http2.SettingInitialWindowSize, 1)
			}
		}, "GOAWAY NO_ERROR\n", "", idle},
		{"10 000 pings", func(f *framer) {
			for range 10_000 {
				f.frame(http2.FramePing, 0, 0, make([]byte, 8))
			}
			synctest.Wait()
			if got := strings.Count(f.answer(), "PING ack"); got != 10_000 {
				f.t.Errorf("%d of 10 000 pings are answered", got)
			}
		}, "GOAWAY NO_ERROR\n", "", idle},
		{"settings, whose answers are not read", func(f *framer) {
			f.deafen()
			for f.err == nil { // they are answered together, so nothing piles up
				time.Sleep(time.Millisecond)
				f.setting(http2.SettingInitialWindowSize, 1)
			}
		}, "", "", 11 * time.Second},
		{"pings, whose answers are not read", func(f *framer) {
			f.deafen()
			for f.err == nil {
				f.frame(http2.FramePing, 0, 0, make([]byte, 8))
			}
		}, "", "", time.Second},
		{"a stream that is not read", func(f *framer) {
			f.deafen()
			f.frame(http2.FrameHeaders, whole, 1, f.headers("GET", "/sse?after=0"))
			for f.err == nil {
				time.Sleep(time.Millisecond)
				f.frame(0xfe, 0, 0, nil) // to see whether the connection is there
			}
		}, "", "", 11 * time.Second},
		{"HTTP/1.1", func(f *framer) { f.raw("GET /polling HTTP/1.1\r\nHost: localhost\r\n\r\n") }, "GOAWAY FRAME_SIZE_ERROR", "", 2 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good, n := amongGood(t, false)
				conn, err := n.lanes.Dial(t.Context(), "tcp", "localhost")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				start := time.Now()
				f := newFramer(t, conn)
				f.raw(http2.ClientPreface)
				f.setting(http2.SettingInitialWindowSize, 1<<16-1)
				test.send(f)
				f.reading.Wait()
				if took := time.Since(start); took > test.after {
					t.Errorf("the connection ended after %v, want %v at most", took, test.after)
				}
				if answer := f.answer(); !strings.Contains(answer, test.want) {
					t.Errorf("the answer is\n%.1000s\nwant in it\n%s", answer, test.want)
				}
				if got := n.metric(t, `fourwires_refusals_total{cause="http2"}`); test.count != "" && got != test.count {
					t.Errorf("the lab counts %q faults, want %s", got, test.count)
				}
				good.Wait()
			})
		})
	}
}

// A header block that does not end, after a stream was opened, ends the connection after --header-time, on each
// address, with TLS and without, counted or not. A connection whose header blocks are complete goes on.
func TestHalfHeaders(t *testing.T) {
	t.Parallel()
	for _, untapped := range []bool{false, true} {
		for _, address := range []string{"lanes", "tls", "control"} {
			t.Run(fmt.Sprintf("%s/untapped=%v", address, untapped), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					settings := labtest.Quiet(feed.Keep)
					settings.Untapped = untapped
					_, n := inMemoryTLS(t, settings)
					dial := map[string]lab.Dial{"lanes": n.lanes.Dial, "tls": n.dialTLS(2), "control": n.control.Dial}[address]
					method, path, flags := "GET", "/sse", http2.FlagHeadersEndHeaders|http2.FlagHeadersEndStream
					if address == "control" {
						method, path, flags = "PATCH", "/control/feed", http2.FlagHeadersEndHeaders
					}
					for _, half := range []bool{true, false} {
						conn, err := dial(t.Context(), "tcp", "localhost")
						if err != nil {
							t.Fatal(err)
						}
						f := newFramer(t, conn)
						f.raw(http2.ClientPreface)
						f.setting(http2.SettingInitialWindowSize, 1<<16-1)
						f.frame(http2.FrameHeaders, flags, 1, f.headers(method, path))
						time.Sleep(time.Second)
						start := time.Now()
						if half {
							f.frame(http2.FrameHeaders, 0, 3, f.headers("GET", "/healthz"))
							defer time.AfterFunc(time.Minute, func() { conn.Close() }).Stop()
							f.reading.Wait()
							if took := time.Since(start); took != lab.DefaultLimits().HeaderTime {
								t.Errorf("the connection ended after %v, want 10 s", took)
							}
						} else {
							for id := uint32(3); id < 33; id += 2 {
								f.frame(http2.FrameHeaders, 0, id, f.headers("GET", "/healthz"))
								time.Sleep(2 * time.Second)
								f.frame(http2.FrameContinuation, http2.FlagContinuationEndHeaders, id, nil)
								f.frame(http2.FrameData, http2.FlagDataEndStream, id, nil)
								synctest.Wait()
							}
							if got := strings.Count(f.answer(), "HEADERS"); got < 15 {
								t.Errorf("%d of 15 requests in pieces were answered:\n%s", got, f.answer())
							}
						}
						conn.Close()
						f.reading.Wait()
					}
				})
			})
		}
	}
}

// A framer is a client's end of a connection by which it can send any frame,
// and which notes the frames that arrive.
type framer struct {
	t       *testing.T
	conn    net.Conn
	err     error // of the first write that failed
	encoder *hpack.Encoder
	block   bytes.Buffer // what the encoder writes
	reading sync.WaitGroup

	mu       sync.Mutex
	deaf     bool
	received strings.Builder // a line for each frame
}

func newFramer(t *testing.T, conn net.Conn) *framer {
	f := &framer{t: t, conn: conn}
	f.encoder = hpack.NewEncoder(&f.block)
	frames := http2.NewFramer(nil, bufio.NewReader(conn))
	frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.reading.Go(func() {
		for {
			frame, err := frames.ReadFrame()
			if err != nil {
				return
			}
			f.mu.Lock()
			deaf := f.deaf
			f.note(frame)
			f.mu.Unlock()
			if deaf {
				return
			}
		}
	})
	return f
}

func (f *framer) note(frame http2.Frame) {
	line := frame.Header().Type.String()
	switch frame := frame.(type) {
	case *http2.SettingsFrame:
		if frame.IsAck() {
			line += " ack"
		}
	case *http2.PingFrame:
		if frame.IsAck() {
			line += " ack"
		}
	case *http2.MetaHeadersFrame:
		line += fmt.Sprintf(" %d %s", frame.StreamID, frame.PseudoValue("status"))
	case *http2.RSTStreamFrame:
		line += fmt.Sprintf(" %d %v", frame.StreamID, frame.ErrCode)
	case *http2.GoAwayFrame:
		line += fmt.Sprintf(" %v", frame.ErrCode)
	case *http2.WindowUpdateFrame, *http2.DataFrame:
		return // the server may send any number of them
	}
	fmt.Fprintln(&f.received, line)
}

// answer returns the frames that have arrived so far, one a line.
func (f *framer) answer() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.received.String()
}

// raw sends bytes.
func (f *framer) raw(bytes string) {
	if f.err == nil {
		_, f.err = f.conn.Write([]byte(bytes))
	}
}

// frame sends a frame (RFC 9113, section 4.1).
func (f *framer) frame(kind http2.FrameType, flags http2.Flags, stream uint32, payload []byte) {
	header := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), byte(kind), byte(flags)}
	f.raw(string(append(binary.BigEndian.AppendUint32(header, stream), payload...)))
}

func (f *framer) setting(id http2.SettingID, value uint32) {
	f.frame(http2.FrameSettings, 0, 0, binary.BigEndian.AppendUint32([]byte{0, byte(id)}, value))
}

// headers returns a request's header block, compressed. fields are names and values.
func (f *framer) headers(method, path string, fields ...string) []byte {
	f.block.Reset()
	fields = append([]string{":method", method, ":scheme", "http", ":authority", "localhost", ":path", path}, fields...)
	for i := 0; i < len(fields); i += 2 {
		f.encoder.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(f.block.Bytes())
}

// long sends a header block in frames of at most so many bytes.
func (f *framer) long(block []byte, size int) {
	kind := http2.FrameHeaders
	for len(block) > size {
		f.frame(kind, 0, 1, block[:size])
		block, kind = block[size:], http2.FrameContinuation
	}
	f.frame(kind, http2.FlagContinuationEndHeaders, 1, block)
}

// deafen has the client read one more frame and then nothing.
func (f *framer) deafen() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deaf = true
}
