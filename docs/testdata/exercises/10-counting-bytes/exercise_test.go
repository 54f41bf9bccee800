package tap

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A script is a connection on which what happens is laid down.
type script struct {
	net.Conn
	n   int
	err error
}

func (s script) Read(b []byte) (int, error)  { return copy(b, strings.Repeat("x", s.n)), s.err }
func (s script) Write(b []byte) (int, error) { return s.n, s.err }

func TestConn(t *testing.T) {
	cut := errors.New("cut")
	for _, test := range []struct {
		name string
		n    int
		err  error
	}{
		{"ten bytes", 10, nil},
		{"none", 0, cut},
		{"three, and then the end", 3, io.EOF},
		{"four of ten, and then a cut", 4, cut},
	} {
		c := &Conn{Conn: script{n: test.n, err: test.err}}
		if n, err := c.Read(make([]byte, 4096)); n != test.n || err != test.err || c.Down.Load() != int64(test.n) || c.Up.Load() != 0 {
			t.Errorf("%s, read: returns %d (%v), counts %d down and %d up", test.name, n, err, c.Down.Load(), c.Up.Load())
		}
		c = &Conn{Conn: script{n: test.n, err: test.err}}
		if n, err := c.Write(make([]byte, 10)); n != test.n || err != test.err || c.Up.Load() != int64(test.n) || c.Down.Load() != 0 {
			t.Errorf("%s, written: returns %d (%v), counts %d up and %d down", test.name, n, err, c.Up.Load(), c.Down.Load())
		}
	}
}

// A real answer has to be counted to the byte.
func TestAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Date"] = nil
		io.WriteString(w, "news")
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &Conn{Conn: conn}
	const request = "GET / HTTP/1.1\r\nHost: lab\r\n\r\n"
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nnews"
	io.WriteString(c, request)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	if up, down := c.Up.Load(), c.Down.Load(); up != int64(len(request)) || down != int64(len(answer)) {
		t.Errorf("%d up and %d down, want %d and %d", up, down, len(request), len(answer))
	}
}
