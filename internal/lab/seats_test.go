package lab_test

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
	"fourwires/internal/lab/labtest"

	gorilla "github.com/gorilla/websocket"
	"golang.org/x/net/http2"
)

// Requests that make no progress keep no others out, on either address, however many they are: 1 000 bodies that do not
// arrive, or answers that are not read, over four connections or over one each.
func TestSeats(t *testing.T) {
	t.Parallel()
	const whole = http2.FlagHeadersEndHeaders | http2.FlagHeadersEndStream
	for _, test := range []struct {
		name, method, path string
		control            bool
		version            int
		flags              http2.Flags
	}{
		{"bodies", "POST", "/publish", false, 2, http2.FlagHeadersEndHeaders},
		{"bodies, HTTP/1.1", "POST", "/echo", false, 1, 0},
		{"bodies of GET", "GET", "/docs", false, 2, http2.FlagHeadersEndHeaders},
		{"answers", "GET", "/docs/reference", false, 2, whole},
		{"control", "PATCH", "/control/feed", true, 2, http2.FlagHeadersEndHeaders},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				settings := labtest.Quiet(feed.Keep)
				settings.Limits.Requests = 200
				l, n := inMemoryTLS(t, settings)
				network, others := n.lanes, []string{"GET /healthz 200", "POST /publish 201", "POST /echo 200", "GET /docs 200"}
				if test.control {
					network, others = n.control, []string{"GET /healthz 200", "GET /control/feed 200", "DELETE /control/network 200"}
				}
				var framers []*framer
				if test.version == 2 {
					for range 4 {
						conn, err := network.Dial(t.Context(), "tcp", "localhost")
						if err != nil {
							t.Fatal(err)
						}
						f := newFramer(t, conn)
						f.raw(http2.ClientPreface)
						f.setting(http2.SettingInitialWindowSize, 0)
						for id := uint32(1); id < 2*250; id += 2 {
							f.frame(http2.FrameHeaders, test.flags, id, f.headers(test.method, test.path))
						}
						framers = append(framers, f)
					}
				} else {
					for range 4 * 250 {
						conn, err := network.Dial(t.Context(), "tcp", "localhost")
						if err != nil {
							t.Fatal(err)
						}
						defer conn.Close()
						fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", test.method, test.path)
					}
				}
				synctest.Wait()

				start := time.Now()
				conn, err := network.Dial(t.Context(), "tcp", "localhost")
				if err != nil {
					t.Fatal(err)
				}
				reader := bufio.NewReader(conn)
				for _, other := range others {
					method, rest, _ := strings.Cut(other, " ")
					path, want, _ := strings.Cut(rest, " ")
					length := "0\r\n\r\n"
					if method == "POST" {
						length = "1\r\n\r\n1"
					}
					fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %s", method, path, length)
					resp, err := http.ReadResponse(reader, &http.Request{Method: method})
					if err != nil {
						t.Fatal(err)
					}
					io.Copy(io.Discard, resp.Body)
					if got := fmt.Sprint(resp.StatusCode); got != want {
						t.Errorf("%s %s: %s, want %s", method, path, got, want)
					}
				}
				if took := time.Since(start); took > 0 {
					t.Errorf("the others took %v", took)
				}
				conn.Close()
				for _, f := range framers {
					f.conn.Close()
					f.reading.Wait()
				}
				l.Close()
			})
		})
	}
}

// On the control address, too, Limits.Clients bounds the connections of /websocket/echo.
func TestMaxEcho(t *testing.T) {
	settings := labtest.Quiet(feed.Keep)
	settings.Limits.Clients = 3
	_, _, control := onLoopback(t, settings)
	for n := range 4 {
		conn, resp, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(control, "http")+"/websocket/echo", nil)
		if (err == nil) != (n < 3) || err != nil && resp.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("number %d: %v, %v", n+1, err, resp)
		}
		if err == nil {
			defer conn.Close()
		}
	}
}
