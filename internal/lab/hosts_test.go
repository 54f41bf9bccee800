package lab_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"fourwires/feed"
	"fourwires/internal/lab/labtest"
)

// HTTP/1.0 has no Host, and its requests, such as health checks, are answered. From HTTP/1.1 on Host is required (RFC
// 9112, section 3.2).
func TestWithoutHost(t *testing.T) {
	_, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	host := strings.TrimPrefix(lanes, "http://")
	for _, test := range []struct{ url, request, want string }{
		{lanes, "GET /healthz HTTP/1.0", `{"status":"ok"}`},
		{lanes, "HEAD /healthz HTTP/1.0", "HTTP/1.0 200 OK"},
		{control, "GET /healthz HTTP/1.0", `{"status":"ok"}`},
		{lanes, "GET /polling HTTP/1.0", `"messages":[]}`},
		{lanes, "GET / HTTP/1.0", "connect-src 'self' ws://" + host + " "},
		{lanes, "GET /healthz HTTP/1.0\r\nHost: evil.example", "HTTP/1.0 403 Forbidden"},
		{lanes, "GET /healthz HTTP/1.1", "HTTP/1.1 400 Bad Request"},
		{lanes, "GET /healthz HTTP/1.1\r\nHost:", "HTTP/1.1 403 Forbidden"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(test.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, test.request+"\r\nConnection: close\r\n\r\n")
		if answer, err := io.ReadAll(conn); err != nil || !strings.Contains(string(answer), test.want) {
			t.Errorf("%q: %v %.400s, want %s", test.request, err, answer, test.want)
		}
		conn.Close()
	}
}
