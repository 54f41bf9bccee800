package websocket_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/internal/wire"
	"fourwires/internal/wire/wiretest"
	"fourwires/websocket"

	gorilla "github.com/gorilla/websocket"
)

// serveDeflate is serve with a handler that compresses.
func serveDeflate(t *testing.T, f *feed.Feed) wire.Dial {
	network := netsim.Listen()
	server := &http.Server{Handler: &websocket.Handler{Feed: f, Deflate: true}}
	go server.Serve(network)
	t.Cleanup(func() { server.Close() })
	return network.Dial
}

// dialDeflate is dial with a client that offers to compress; the server must agree.
func dialDeflate(t *testing.T, by wire.Dial, path string) *gorilla.Conn {
	t.Helper()
	dialer := gorilla.Dialer{NetDialContext: by, EnableCompression: true}
	conn, resp, err := dialer.DialContext(t.Context(), "ws://lab"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	const want = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
	if got := resp.Header.Get("Sec-WebSocket-Extensions"); got != want {
		t.Errorf("the server agrees to %q, want %q", got, want)
	}
	return conn
}

// Messages are compressed where both sides want that, and arrive in any case, each at the instant at which it is
// published.
func TestDeflate(t *testing.T) {
	for _, server := range []bool{false, true} {
		for _, client := range []bool{false, true} {
			t.Run(fmt.Sprintf("server=%v/client=%v", server, client), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := feed.New(feed.Keep)
					serve := serve
					if server {
						serve = serveDeflate
					}
					var transcript wiretest.Transcript
					by := transcript.Tap(serve(t, f))
					data := `"` + strings.Repeat("on and ", 9000) + `"`
					for id := range 20 {
						time.AfterFunc(time.Duration(id+1)*777*time.Millisecond, func() { f.Publish([]byte(data)) })
					}
					start := time.Now()
					c := websocket.Client{URL: "http://lab/websocket", Dial: by, Deflate: client}
					n := uint64(0)
					for m, err := range c.Messages(t.Context()) {
						n++
						took, want := time.Since(start), time.Duration(n)*777*time.Millisecond
						if m.ID != n || err != nil || string(m.Data) != data || took != want {
							t.Fatalf("message %d, %v arrives after %v, want message %d after %v",
								m.ID, err, took, n, want)
						}
						if n == 20 {
							break
						}
					}
					synctest.Wait()
					if got := !strings.Contains(transcript.String(), "on and on and"); got != (server && client) {
						t.Errorf("compressed is %v, want %v", got, server && client)
					}
				})
			})
		}
	}
}

// An offer that the server cannot accept is declined.
func TestDeflateNegotiation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		by := serveDeflate(t, feed.New(3))
		for offer, want := range map[string]bool{
			"permessage-deflate":                                                         true,
			"permessage-deflate; client_max_window_bits":                                 true,
			"x-unknown, permessage-deflate; server_no_context_takeover":                  true,
			"permessage-deflate; server_max_window_bits=10":                              false,
			"permessage-deflate; server_max_window_bits=10, permessage-deflate":          true, // the second one
			`permessage-deflate; client_max_window_bits="10"`:                            true,
			"permessage-deflate; client_max_window_bits=7":                               false,
			"permessage-deflate; client_max_window_bits=08":                              false,
			"permessage-deflate; client_max_window_bits; client_max_window_bits=9":       false,
			"permessage-deflate; server_no_context_takeover=1":                           false,
			"permessage-deflate; server_no_context_takeover; server_no_context_takeover": false,
			"permessage-deflate; x-unknown":                                              false,
			"permessage-bzip2":                                                           false,
			"":                                                                           false,
		} {
			conn, err := by(t.Context(), "tcp", "lab")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "GET /websocket HTTP/1.1\r\nHost: lab\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"+
				"Sec-WebSocket-Extensions: %s\r\n\r\n", offer)
			response := make([]byte, 1000)
			n, _ := conn.Read(response)
			got := bytes.Contains(response[:n], []byte("permessage-deflate"))
			if got != want || !bytes.HasPrefix(response, []byte("HTTP/1.1 101 ")) {
				t.Errorf("the response to the offer %q is\n%s", offer, response[:n])
			}
			conn.Close()
		}
	})
}

// A compressed message from a client is published like any other, and is bounded by the bytes that it inflates to.
func TestDeflateUpstream(t *testing.T) {
	longest := `"` + strings.Repeat("x", feed.MaxData-2) + `"`
	for name, test := range map[string]struct {
		data  string
		level int
		code  int // 0: it is published
	}{
		"short":                              {`{"text": "hi"}`, 1, 0},
		"the longest":                        {longest, 9, 0},
		"the longest, longer for its coding": {longest, flate.NoCompression, 0},
		"a byte too long":                    {longest + " ", 9, gorilla.CloseMessageTooBig},
		"a byte too long, stored":            {longest + " ", flate.NoCompression, gorilla.CloseMessageTooBig},
		"no JSON":                            {"{", 1, gorilla.CloseInvalidFramePayloadData},
		"nothing":                            {"", 1, gorilla.CloseInvalidFramePayloadData},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := feed.New(3)
				conn := dialDeflate(t, serveDeflate(t, f), "/websocket")
				conn.SetCompressionLevel(test.level)
				sendUpstream(t, f, conn, gorilla.TextMessage, test.data, test.code)
			})
		})
	}
}

// bomb is the payload of a frame that inflates to 60 MiB of zeros.
var bomb = sync.OnceValue(func() []byte {
	var payload bytes.Buffer
	zip, _ := flate.NewWriter(&payload, flate.BestCompression)
	for range 60 {
		zip.Write(make([]byte, 1<<20))
	}
	zip.Flush()
	payload.Truncate(payload.Len() - len("\x00\x00\xff\xff")) // RFC 7692, section 7.2.1
	return payload.Bytes()
})

// A decompression bomb is cut off at the bound: it takes the memory of a long message, not that of the bytes to which
// it would inflate.
func TestDeflateBomb(t *testing.T) {
	frame := binary.BigEndian.AppendUint16([]byte{0xc1, 0x80 | 126}, uint16(len(bomb())))
	frame = append(frame, 0, 0, 0, 0) // the key of its mask
	frame = append(frame, bomb()...)
	if len(bomb()) > feed.MaxData {
		t.Fatalf("the bomb has %d bytes, and would be refused for that", len(bomb()))
	}
	synctest.Test(t, func(t *testing.T) {
		conn := dialDeflate(t, serveDeflate(t, feed.New(3)), "/websocket")
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		sent := make(chan error, 1)
		go func() {
			_, err := conn.NetConn().Write(frame)
			sent <- err
		}()
		_, err := readAll(conn)
		runtime.ReadMemStats(&after)
		if !gorilla.IsCloseError(err, gorilla.CloseMessageTooBig) {
			t.Errorf("the end is %v, want close code 1009", err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 2<<20 {
			t.Errorf("%d bytes were allocated for a bomb of 60 MiB", took)
		}
		conn.Close()
		<-sent
	})
}

// A client cuts off a decompression bomb too.
func TestDeflateBombDownstream(t *testing.T) {
	frame := binary.BigEndian.AppendUint16([]byte{0xc1, 126}, uint16(len(bomb())))
	frame = append(frame, bomb()...)
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		by := upgrading(t, gorilla.Upgrader{EnableCompression: true}, func(conn *gorilla.Conn) {
			conn.WriteMessage(gorilla.TextMessage, []byte(`{"epoch":"x","head":1}`))
			go conn.NetConn().Write(frame)
			_, err := readAll(conn)
			ended <- err
		})
		client := websocket.Client{URL: "http://lab/websocket", Dial: by, Deflate: true}
		for m, err := range client.Messages(t.Context()) {
			if !errors.Is(err, gorilla.ErrReadLimit) {
				t.Errorf("message %d, %v, want the read limit", m.ID, err)
			}
		}
		if err := <-ended; !gorilla.IsCloseError(err, gorilla.CloseMessageTooBig) {
			t.Errorf("the server reads %v, want close code 1009", err)
		}
	})
}

// For a message that cannot be inflated the connection is closed with code 1007.
func TestDeflateInvalid(t *testing.T) {
	for what, payload := range map[string]string{"no type of block": "\x07", "half a block": "\x00\x09\x00\xf6\xff12"} {
		synctest.Test(t, func(t *testing.T) {
			conn := dialDeflate(t, serveDeflate(t, feed.New(3)), "/websocket")
			go conn.NetConn().Write(append([]byte{0xc1, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...))
			if _, err := readAll(conn); !gorilla.IsCloseError(err, gorilla.CloseInvalidFramePayloadData) {
				t.Errorf("%s: %v, want close code 1007", what, err)
			}
		})
	}
}

// Compressed messages are sent in one write too, and each is one frame, however long.
func TestDeflatedCatchUpIsOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		publish(t, f, 1, 50)
		network := counted{netsim.Listen(), new(atomic.Int64)}
		server := &http.Server{Handler: &websocket.Handler{Feed: f, Deflate: true}}
		go server.Serve(network)
		defer server.Close()
		conn := dialDeflate(t, network.Dial, "/websocket?after=0")
		long := []byte(`"`)
		for n := uint32(1); len(long) < 60_000; n = n*1664525 + 1013904223 {
			long = fmt.Append(long, n)
		}
		time.AfterFunc(time.Second, func() { f.Publish(append(long, '"')) })
		time.AfterFunc(2*time.Second, f.Close)
		frames, _ := readAll(conn)
		if writes := network.writes.Load(); len(frames) != 52 || writes != 5 {
			t.Errorf("%d frames in %d writes, want 52 in 5: the response, the first frame, 50 messages, a long one, the close",
				len(frames), writes)
		}
	})
}

// Each message is compressed separately, and a short one gets longer.
func TestDeflatedLengths(t *testing.T) {
	for _, test := range []struct {
		data            string
		plain, deflated int // bytes of the frame
	}{
		{`{"cpu":12.5}`, 52, 58},
		{`{"cpu":12.5,"mem":64}`, 61, 67},
		{`{"cpu":12.5,"mem":0.8,"load":[0.31,0.27,0.25]}`, 86, 82},
		{`"` + strings.Repeat("x", 126) + `"`, 170, 54},
	} {
		t.Run(test.data, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(time.UnixMicro(1785926465358979))) // a time without the zeros that compress well
				f := feed.New(feed.Keep)
				by := serveDeflate(t, f)
				plain, deflated := dial(t, by, "/websocket"), dialDeflate(t, by, "/websocket")
				plain.ReadMessage() // the first frame
				deflated.ReadMessage()
				if _, err := f.Publish([]byte(test.data)); err != nil {
					t.Fatal(err)
				}
				frame := make([]byte, 1000)
				if n, _ := plain.NetConn().Read(frame); n != test.plain {
					t.Errorf("%d bytes, want %d", n, test.plain)
				}
				if n, _ := deflated.NetConn().Read(frame); n != test.deflated {
					t.Errorf("%d bytes deflated, want %d", n, test.deflated)
				}
			})
		})
	}
}

// RSV1 is for the first frame of a message: any other frame that has it fails the connection (RFC 7692, section 6), and
// the messages before it are published.
func TestReservedBit(t *testing.T) {
	for name, frames := range map[string]string{
		"ping":         "\x81\x81\x00\x00\x00\x001" + "\xc9\x80\x00\x00\x00\x00",
		"pong":         "\x81\x81\x00\x00\x00\x001" + "\xca\x80\x00\x00\x00\x00",
		"close":        "\x81\x81\x00\x00\x00\x001" + "\xc8\x80\x00\x00\x00\x00",
		"continuation": "\x81\x81\x00\x00\x00\x001" + "\x01\x81\x00\x00\x00\x001" + "\xc0\x81\x00\x00\x00\x001",
		"long":         "\x81\xfe\x00\x81\x00\x00\x00\x00" + strings.Repeat(" ", 128) + "1" + "\xc9\x80\x00\x00\x00\x00",
	} {
		for _, size := range []int{1, 1000} { // of each write
			synctest.Test(t, func(t *testing.T) {
				f := feed.New(3)
				conn := dialDeflate(t, serveDeflate(t, f), "/websocket")
				go func() {
					for rest := frames; rest != ""; {
						n := min(size, len(rest))
						conn.NetConn().Write([]byte(rest[:n]))
						rest = rest[n:]
					}
				}()
				conn.SetReadDeadline(time.Now().Add(time.Second))
				_, err := readAll(conn)
				if !gorilla.IsCloseError(err, gorilla.CloseProtocolError) {
					t.Errorf("%s: the end is %v, want close code 1002", name, err)
				}
				if head := f.Head().ID; head != 1 {
					t.Errorf("%s: %d messages were published, want 1", name, head)
				}
			})
		}
	}
}
