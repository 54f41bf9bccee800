package lab_test

import (
	"bytes"
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
)

// A GET may end without content in more forms than one, and is served: as a stream also when the time for a body is
// over. One that has content is refused, and costs no other stream of its connection anything.
func TestEmptyBody(t *testing.T) {
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
	synctest.Test(t, func(t *testing.T) {
		settings := labtest.Quiet(feed.Keep)
		l, network := inMemory(t, settings)
		publish1(t, l.Feed, 1)
		sends := 1

		// judge publishes a message when the time for a body is over, ends the connection, and looks for that message in
		// the answer.
		judge := func(name, path string, served bool, answer *bytes.Buffer, end func()) {
			t.Helper()
			time.Sleep(settings.Limits.BodyTime + time.Second)
			sends++
			publish1(t, l.Feed, sends)
			synctest.Wait()
			end()
			got, want := answer.String(), fmt.Sprintf(`"data":%d}`, sends)
			if path == "/polling" || path == "/longpoll" {
				want = `"data":1}`
			}
			if !served {
				want = `{"error":"a GET has no body"}`
			}
			if !strings.Contains(got, want) || served == strings.Contains(got, "error") {
				t.Errorf("GET %s with %s: %q, want %s", path, name, got, want)
			}
		}

		for _, transport := range lab.Transports {
			path := "/" + transport.Name
			for body, served := range map[string]bool{"0\r\n\r\n": true, "0\r\nX: y\r\n\r\n": true, "1\r\nx\r\n0\r\n\r\n": false} {
				conn, err := network.Dial(t.Context(), "tcp", "localhost")
				if err != nil {
					t.Fatal(err)
				}
				var answer bytes.Buffer
				var reading sync.WaitGroup
				reading.Go(func() { io.Copy(&answer, conn) })
				io.WriteString(conn, "GET "+path+"?after=0 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"+upgrade+"\r\n"+body)
				judge(fmt.Sprintf("%q", body), path, served, &answer, func() { conn.Close(); reading.Wait() })
			}
		}

		two := &http.Transport{DialContext: network.Dial, Protocols: new(http.Protocols)}
		two.Protocols.SetUnencryptedHTTP2(true)
		get := func(path, body string, trailer http.Header) (answer *bytes.Buffer, end func()) {
			req, err := http.NewRequestWithContext(t.Context(), "GET", "http://localhost"+path+"?after=0", nil)
			if err != nil {
				t.Fatal(err)
			}
			if body != "none" {
				req.Body, req.Trailer = io.NopCloser(strings.NewReader(body)), trailer // without Content-Length
			}
			resp, err := two.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			var reading sync.WaitGroup
			answer = new(bytes.Buffer)
			reading.Go(func() { io.Copy(answer, resp.Body) })
			return answer, func() { resp.Body.Close(); reading.Wait() }
		}
		other, endOther := get("/sse", "none", nil)
		for _, path := range []string{"/polling", "/longpoll", "/sse"} {
			answer, end := get(path, "", nil)
			judge("an empty DATA frame", path, true, answer, end)
			answer, end = get(path, "", http.Header{"X": {"y"}})
			judge("a trailer", path, true, answer, end)
			answer, end = get(path, "x", nil)
			judge("content", path, false, answer, end)
		}
		judge("none, beside the others", "/sse", true, other, endOther)
		two.CloseIdleConnections()
		synctest.Wait()
		balance(t, l.Ledger.Snapshot())
	})
}

// A GET whose body does not end is one of the requests that Limits.Clients counts.
func TestEndlessGET(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := labtest.Quiet(feed.Keep)
		settings.Limits.Clients = 1
		_, network := inMemory(t, settings)
		transport := &http.Transport{DialContext: network.Dial, Protocols: new(http.Protocols)}
		transport.Protocols.SetUnencryptedHTTP2(true)
		defer transport.CloseIdleConnections()
		get := func(body io.ReadCloser) int {
			req, err := http.NewRequestWithContext(t.Context(), "GET", "http://localhost/polling", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Body = body
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Error(err)
				return 0
			}
			resp.Body.Close()
			return resp.StatusCode
		}
		begin := time.Now()
		endless, end := io.Pipe()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			status := get(endless)
			if took := time.Since(begin); status != 400 || took != settings.Limits.BodyTime {
				t.Errorf("a body that does not end is answered %d after %v, want 400 after %v", status, took, settings.Limits.BodyTime)
			}
		})
		synctest.Wait()
		if status := get(nil); status != 503 {
			t.Errorf("the next is answered %d, want 503", status)
		}
		waiting.Wait()
		end.Close()
		if status := get(nil); status != 200 {
			t.Errorf("the one after that is answered %d, want 200", status)
		}
	})
}
