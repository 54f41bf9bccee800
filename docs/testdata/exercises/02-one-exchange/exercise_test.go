package exchange

import (
	"bufio"
	"io"
	"strings"
	"testing"
)

func TestNext(t *testing.T) {
	conn := bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello" +
		"HTTP/1.1 204 No Content\r\n\r\n" +
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" + // of what was not sent
		"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n\r\nHTTP/1.1 404" + // this is the body
		"HTTP/1.1 200 OK\r\n\r\nto the end"))
	for i, want := range []struct {
		status int
		body   string
	}{{200, "hello"}, {204, ""}, {304, ""}, {200, "\r\nHTTP/1.1 404"}, {200, "to the end"}} {
		status, body, err := next(conn)
		if err != nil || status != want.status || body != want.body {
			t.Fatalf("answer %d is %d %q (%v), want %d %q", i+1, status, body, err, want.status, want.body)
		}
	}

	if _, _, err := next(bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"))); err != io.ErrUnexpectedEOF {
		t.Errorf("an answer that was cut: %v, want %v", err, io.ErrUnexpectedEOF)
	}
}
