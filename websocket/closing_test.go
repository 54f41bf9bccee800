package websocket_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/websocket"
)

// Whatever a client does wrong: once it has answered the server's close frame, the connection is closed at once (RFC
// 6455, sections 5.5.1 and 7.1.1). A client that does not answer has half a second.
func TestClosedAtOnce(t *testing.T) {
	const answer = "\x88\x82\x00\x00\x00\x00\x03\xea" // a close frame; the masking key is 0
	masked := func(header, payload string) string { return header + "\x00\x00\x00\x00" + payload }
	long := masked("\x81\xff\x00\x00\x00\x00\x00\x02\x00\x00", strings.Repeat("x", 2<<16))
	frames := map[string]string{
		"a reserved bit":                   masked("\xc1\x81", "1"),
		"an unknown opcode":                masked("\x83\x81", "1"),
		"a ping in fragments":              masked("\x09\x80", ""),
		"a ping that is too long":          masked("\x89\xfe\x00\x7e", strings.Repeat("x", 126)),
		"a continuation of nothing":        masked("\x80\x81", "1"),
		"a message in the midst of one":    masked("\x01\x81", "[") + masked("\x81\x81", "1"),
		"no mask":                          "\x81\x011",
		"a close code that is none":        masked("\x88\x82", "\x03\xee"),
		"a close reason that is no UTF-8":  masked("\x88\x83", "\x03\xe8\xff"),
		"a close frame of one byte":        masked("\x88\x81", "\x03"),
		"a frame that is too long":         long,
		"a binary frame":                   masked("\x82\x81", "1"),
		"text that is no UTF-8":            masked("\x81\x81", "\xff"),
		"fragments, of them one too long":  masked("\x01\x81", "[") + strings.Replace(long, "\x81", "\x80", 1),
		"nothing wrong: it closes":         "",
		"a message, and it closes":         masked("\x81\x81", "1"),
		"a message and a ping in one read": masked("\x81\x81", "1") + masked("\x89\x80", ""),
	}
	for name, frame := range frames {
		for path, handler := range map[string]func(*feed.Feed) http.Handler{
			"/websocket":         func(f *feed.Feed) http.Handler { return &websocket.Handler{Feed: f} },
			"/websocket/deflate": func(f *feed.Feed) http.Handler { return &websocket.Handler{Feed: f, Deflate: true} },
			"/websocket/echo":    func(*feed.Feed) http.Handler { return &websocket.Echo{} },
		} {
			for _, answers := range []bool{true, false} {
				closes := strings.Contains(name, "closes") || strings.Contains(name, "one read")
				if closes && !answers {
					continue // there is no close frame to answer
				}
				t.Run(fmt.Sprintf("%s/%s/answers=%v", path, name, answers), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						f := feed.New(feed.Keep)
						network := netsim.Listen()
						server := &http.Server{Handler: handler(f)}
						go server.Serve(network)
						defer server.Close()
						conn, err := network.Dial(t.Context(), "tcp", "lab")
						if err != nil {
							t.Fatal(err)
						}
						defer conn.Close()
						go io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: lab\r\n"+
							"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"+
							"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
						in := bufio.NewReader(conn)
						if _, err := http.ReadResponse(in, nil); err != nil {
							t.Fatal(err)
						}
						start := time.Now()
						go func() {
							io.WriteString(conn, frame)
							if answers {
								io.WriteString(conn, answer)
							}
						}()
						rest, err := io.ReadAll(in)
						want := time.Duration(0)
						if !answers && !strings.Contains(name, "close") {
							want = 500 * time.Millisecond
						}
						if took := time.Since(start); took != want || err != nil || !strings.Contains(string(rest), "\x88") {
							t.Errorf("the end after %v with %q, %v, want it after %v with a close frame",
								took, rest, err, want)
						}
					})
				})
			}
		}
	}
}
