package lab_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"

	gorilla "github.com/gorilla/websocket"
	"golang.org/x/net/http2"
)

// TestHostile has bad clients of every kind connect to a lab in virtual time. Each is refused or disconnected in
// bounded time. Meanwhile a good reader on each transport gets every message at the earliest instant possible.
func TestHostile(t *testing.T) {
	t.Parallel()
	const upgrade = "GET /websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
	const publish = "POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	zip.Write(make([]byte, 10<<20))
	zip.Close()
	deflate := strings.Replace(upgrade, "Sec-WebSocket-Key", "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key", 1)
	var deflated bytes.Buffer // the payload of a frame; RFC 7692, section 7.2.1, leaves its end out
	flat, _ := flate.NewWriter(&deflated, flate.BestCompression)
	flat.Write(make([]byte, 10<<20))
	flat.Flush()
	deflated.Truncate(deflated.Len() - len("\x00\x00\xff\xff"))
	length := string(binary.BigEndian.AppendUint16(nil, uint16(deflated.Len()))) // and the key of its mask is 0
	for _, test := range []struct {
		name  string
		send  string        // at once
		drip  string        // and then a byte of this a second, over and over
		want  string        // what the answer has in it; "" for none
		after time.Duration // when the connection ends, at the latest
	}{
		{"sends nothing", "", "", "", 10 * time.Second},
		{"half a request line", "GET /pol", "", "HTTP/1.1 400", 10 * time.Second},
		{"half the headers", "GET /polling HTTP/1.1\r\nHost: localhost\r\n", "", "", 10 * time.Second},
		{"headers byte by byte", "GET /polling HTTP/1.1\r\nX: ", "x", "", 10 * time.Second},
		{"a body byte by byte", publish + "100\r\n\r\n", "1", "HTTP/1.1 400", 11 * time.Second},
		{"a chunked body byte by byte", "POST /publish HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "1", "HTTP/1.1 400", 11 * time.Second},
		{"half a body", publish + "9\r\n\r\n1", "", "HTTP/1.1 400", 11 * time.Second},
		{"a body on a stream, byte by byte", "GET /sse HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n", "1", "HTTP/1.1 400", 11 * time.Second},
		{"no HTTP", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", "", "HTTP/1.1 400", time.Second},
		{"a hundred thousand headers", "GET /sse HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X: y\r\n", 100_000) + "\r\n", "", "HTTP/1.1 431", time.Second},
		{"half a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nS", "", "HTTP/1.1 403", 10 * time.Second},
		{"a preface byte by byte", "PRI * HTTP/2.0", "\r", "HTTP/1.1 400", 10 * time.Second},
		{"a preface that goes wrong", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "", "HTTP/1.1 403", 10 * time.Second},
		{"a preface, and silence", http2.ClientPreface, "", "\x00\x00\x1e\x04", 2 * time.Second}, // settings
		{"a preface, and HTTP/1.1", http2.ClientPreface + "GET /polling HTTP/1.1\r\nHost: localhost\r\n\r\n", "", "\x00\x00\x1e\x04", 2 * time.Second},
		{"no Host", "GET /sse HTTP/1.1\r\n\r\n", "", "HTTP/1.1 400", time.Second},
		{"two lengths", "POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1", "", "HTTP/1.1 400", time.Second},
		{"a compressed bomb", publish + fmt.Sprint(bomb.Len()) + "\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + bomb.String(), "", "HTTP/1.1 400", time.Second},
		{"a body beyond the limit", publish + "99999999\r\n\r\n" + strings.Repeat("1", 100_000), "", "HTTP/1.1 413", time.Second},
		{"an upgrade that is none", "GET /websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: chat\r\n\r\n", "", "HTTP/1.1 400", time.Second},
		{"an upgrade, and silence", upgrade, "", "HTTP/1.1 101", 41 * time.Second},
		{"a frame without a mask", upgrade + "\x81\x011", "", "\x03\xea", time.Second}, // close code 1002
		{"a frame of 2^63 bytes", upgrade + "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", "", "HTTP/1.1 101", time.Second},
		{"a frame of 1 MiB", upgrade + "\x81\xff\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00", "", "\x88\x02\x03\xf1", time.Second},
		{"a compressed frame", upgrade + "\xc1\x81\x00\x00\x00\x001", "", "\x03\xea", time.Second},
		{"a frame that is a bomb", deflate + "\xc1\xfe" + length + "\x00\x00\x00\x00" + deflated.String(), "", "\x88\x02\x03\xf1", time.Second},
		{"a bomb in two frames", deflate + "\x41\x80\x00\x00\x00\x00" + "\x80\xfe" + length + "\x00\x00\x00\x00" + deflated.String(), "", "\x88\x02\x03\xf1", time.Second},
		{"a compressed frame of 1 MiB", deflate + "\xc1\xff\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00", "", "\x88\x02\x03\xf1", time.Second},
		{"a frame that does not inflate", deflate + "\xc1\x81\x00\x00\x00\x00\x07", "", "\x88\x02\x03\xef", time.Second}, // close code 1007
		{"a reserved opcode", upgrade + "\x83\x81\x00\x00\x00\x001", "", "\x03\xea", time.Second},
		{"a ping of 126 bytes", upgrade + "\x89\xfe\x00\x7e\x00\x00\x00\x00", "", "\x03\xea", time.Second},
		{"fragments without end", upgrade + "\x01\x81\x00\x00\x00\x001" + strings.Repeat("\x00\x81\x00\x00\x00\x001", 70_000), "", "\x88\x02\x03\xf1", time.Second},
		{"half a frame", upgrade + "\x81\xfe\x10", "", "HTTP/1.1 101", 41 * time.Second},
		{"many at once in one connection", strings.Repeat("GET /polling HTTP/1.1\r\nHost: localhost\r\n\r\n", 500) + "GET /polling HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "", "HTTP/1.1 200", time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good, n := amongGood(t, strings.Contains(test.send, "permessage-deflate"))
				conn, err := n.lanes.Dial(t.Context(), "tcp", "localhost")
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				start := time.Now()
				var answer []byte
				var reading, writing sync.WaitGroup
				reading.Go(func() { answer, _ = io.ReadAll(conn) })
				writing.Go(func() {
					request, frames, upgraded := strings.Cut(test.send, "AA==\r\n\r\n")
					if upgraded {
						request += "AA==\r\n\r\n"
					}
					_, err := io.WriteString(conn, request)
					if upgraded {
						synctest.Wait() // a frame before the answer is none
						_, err = io.WriteString(conn, frames)
					}
					for i := 0; err == nil && test.drip != ""; i++ {
						time.Sleep(time.Second)
						_, err = conn.Write([]byte{test.drip[i%len(test.drip)]})
					}
				})
				reading.Wait()
				if took := time.Since(start); took > test.after {
					t.Errorf("the connection ended after %v, want %v at most", took, test.after)
				}
				if !strings.Contains(string(answer), test.want) || test.want == "" && len(answer) > 0 {
					t.Errorf("the answer is %.300q, want %q in it", answer, test.want)
				}
				conn.Close()
				writing.Wait()
				good.Wait()
			})
		})
	}
}

// amongGood runs a lab with good readers: one on each transport over HTTP/1.1 and HTTP/2, with TLS and without; the
// WebSocket over HTTP/1.1 without TLS. They get ten messages in ten seconds, each at the earliest instant possible, or
// the test fails.
func amongGood(t *testing.T, compress bool) (good *sync.WaitGroup, n networks) {
	settings := labtest.Quiet(feed.Keep)
	settings.Gzip, settings.Deflate = compress, compress
	l, n := inMemoryTLS(t, settings)
	good = new(sync.WaitGroup)
	for _, transport := range lab.Transports {
		for _, url := range []string{"http://localhost/", "https://localhost/"} {
			for _, version := range []int{1, 2} {
				dial := n.lanes.Dial
				if strings.HasPrefix(url, "https") {
					dial = n.dialTLS(version)
				}
				if transport.Name == "websocket" && (version == 2 || strings.HasPrefix(url, "https")) {
					continue // TLS sends close_notify, and a connection in memory has no buffer for it
				}
				c := transport.Client(lab.Access{URL: url + transport.Name, Dial: dial, HTTP2: version == 2, Compress: compress})
				good.Go(func() {
					start := time.Now()
					for m, err := range c.Messages(t.Context()) {
						late := time.Since(start) - time.Duration(m.ID)*time.Second
						if err != nil || late > 0 && transport.Name != "polling" || late > 2*time.Second {
							t.Errorf("%s%s: message %d, %v comes %v late", url, transport.Name, m.ID, err, late)
						}
						if m.ID == 10 || err != nil {
							break
						}
					}
				})
			}
		}
	}
	good.Go(func() {
		for id := range 10 {
			time.Sleep(time.Second)
			publish1(t, l.Feed, id)
		}
	})
	return good, n
}

// publish1 publishes one number.
func publish1(t *testing.T, f *feed.Feed, n int) { publish(t, f, n, n) }

// Beyond Limits.Clients a lab answers 503 with Retry-After, and serves the next client as soon as one has left.
func TestMaxClients(t *testing.T) {
	settings := labtest.Quiet(feed.Keep)
	settings.Limits.Clients = 3
	_, lanes, control := onLoopback(t, settings)
	var streams []*http.Response
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	open := func() *http.Response {
		req, _ := http.NewRequest("GET", lanes+"/sse", nil)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	for range 3 {
		streams = append(streams, open())
	}
	for _, path := range []string{"/polling", "/longpoll", "/sse", "/websocket", "/websocket/echo"} {
		resp, body := ask(t, "GET", lanes+path, "")
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "5" || body != `{"error":"this lab has its 3 clients"}` {
			t.Errorf("%s: %d, Retry-After %q, %s", path, resp.StatusCode, resp.Header.Get("Retry-After"), body)
		}
	}
	if resp, body := ask(t, "POST", lanes+"/publish", "1"); resp.StatusCode != 201 {
		t.Errorf("publish: %d %s, want 201: it is no client of a lane", resp.StatusCode, body)
	}
	if _, body := ask(t, "GET", control+"/metrics", ""); !strings.Contains(body, `fourwires_refusals_total{cause="503"} 5`) ||
		!strings.Contains(body, `fourwires_readers{transport="sse"} 3`) {
		t.Errorf("the metrics do not tell of 5 refusals and 3 readers:\n%s", body)
	}
	streams[0].Body.Close()
	for status := 503; status != 200; { // until the lab sees that one has left
		resp := open()
		if status = resp.StatusCode; status != 200 && status != 503 {
			t.Fatalf("status %d", status)
		}
		resp.Body.Close()
	}
	for _, resp := range streams {
		resp.Body.Close()
	}
}

// A connection may publish at a limited rate, by POST as by frames.
func TestMaxPublishes(t *testing.T) {
	settings := labtest.Quiet(feed.Keep)
	settings.Limits.Publishes = 0.01 // one, and the next after 100 s
	settings.Limits.Message = 10
	l, lanes, control := onLoopback(t, settings)
	transport := &http.Transport{MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	var statuses []int
	for range 3 {
		req, _ := http.NewRequest("POST", lanes+"/publish", strings.NewReader("1"))
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		statuses = append(statuses, resp.StatusCode)
	}
	if got, want := fmt.Sprint(statuses), "[201 429 429]"; got != want {
		t.Errorf("statuses are %s, want %s", got, want)
	}
	if resp, body := ask(t, "POST", lanes+"/publish", "1"); resp.StatusCode != 201 {
		t.Errorf("another connection: %d %s, want 201", resp.StatusCode, body)
	}
	if resp, body := ask(t, "POST", lanes+"/publish", `"123456789"`); resp.StatusCode != 413 || body != `{"error":"a body has at most 10 bytes"}` {
		t.Errorf("11 bytes: %d %s, want 413", resp.StatusCode, body)
	}

	for text, code := range map[string]int{"1": gorilla.ClosePolicyViolation, `"123456789"`: gorilla.CloseMessageTooBig} {
		conn, _, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(lanes, "http")+"/websocket", nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			conn.WriteMessage(gorilla.TextMessage, []byte(text))
		}
		for err == nil {
			_, _, err = conn.ReadMessage()
		}
		if !gorilla.IsCloseError(err, code) {
			t.Errorf("too many of %s: %v, want close code %d", text, err, code)
		}
		conn.Close()
	}
	if _, body := ask(t, "GET", control+"/metrics", ""); !strings.Contains(body, fmt.Sprintf("fourwires_messages_published_total %d", l.Feed.Head().ID)) {
		t.Errorf("the metrics do not tell of %d messages", l.Feed.Head().ID)
	}
}
