package lab_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// For a client that reads nothing, the server's kernel keeps a bounded number of bytes, and discards them when the
// write deadline has passed: the connection is reset.
func TestReadsNothing(t *testing.T) {
	t.Parallel()
	on, err := lab.Loopback(true)
	if err != nil {
		t.Fatal(err)
	}
	plain, secured := &impatient{Listener: on.Lanes}, &impatient{Listener: on.TLS, spare: 1}
	on.Lanes, on.TLS = plain, secured
	l := labtest.StartOn(t, labtest.Quiet(feed.Keep), on)
	data := []byte(`"` + strings.Repeat("x", feed.MaxData-2) + `"`)
	for range 200 {
		l.Feed.Publish(data)
	}
	var clients sync.WaitGroup
	defer clients.Wait()
	for _, transport := range lab.Transports {
		for _, version := range []int{1, 2} {
			for _, listener := range []*impatient{plain, secured} {
				if version == 2 && !transport.HTTP2 {
					continue
				}
				conn, err := net.Dial("tcp", listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				clients.Go(func() {
					defer conn.Close()
					conn.(*net.TCPConn).SetReadBuffer(4 << 10)
					closed := listener.closing(conn.LocalAddr())
					askMuch(t, conn, transport.Name, version, listener == secured)
					name := fmt.Sprintf("%s, HTTP/%d, TLS %v", transport.Name, version, listener == secured)
					if written, most := <-closed, int64(1<<20); written > most {
						t.Errorf("%s: the kernel took %d bytes for a client that reads nothing, want %d at most", name, written, most)
					}
					conn.SetReadDeadline(time.Now().Add(5 * time.Second)) // or the kernel's retries would take a minute
					if n, err := io.Copy(io.Discard, conn); !errors.Is(err, syscall.ECONNRESET) {
						t.Errorf("%s: the client reads %d bytes and then %v, want a reset", name, n, err)
					}
				})
			}
		}
	}
}

// askMuch asks for more than a send buffer can keep.
func askMuch(t *testing.T, conn net.Conn, name string, version int, secure bool) {
	t.Helper()
	if secure {
		protocol := map[int]string{1: "http/1.1", 2: "h2"}[version]
		client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
		if err := client.Handshake(); err != nil {
			t.Error(err)
		}
		conn = client
	}
	const requests = 100
	if version == 1 {
		more := ""
		if name == "websocket" {
			more = "Connection: Upgrade\r\nUpgrade: websocket\r\n" +
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
		}
		request := "GET /" + name + "?after=0 HTTP/1.1\r\nHost: localhost\r\n" + more + "\r\n"
		if name == "polling" || name == "longpoll" {
			request = strings.Repeat(request, requests)
		}
		io.WriteString(conn, request)
		return
	}
	io.WriteString(conn, http2.ClientPreface)
	frames := http2.NewFramer(conn, nil)
	frames.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
	frames.WriteWindowUpdate(0, 1<<30)
	f := &framer{}
	f.encoder = hpack.NewEncoder(&f.block)
	for n := range uint32(requests) {
		frames.WriteHeaders(http2.HeadersFrameParam{
			StreamID: 2*n + 1, BlockFragment: f.headers("GET", "/"+name+"?after=0"), EndHeaders: true, EndStream: true,
		})
	}
}

// impatient is a listener on whose connections the deadlines of writes come twenty times sooner.
type impatient struct {
	net.Listener
	spare  int      // deadlines that stay as they are: that of a handshake
	closed sync.Map // by the client's address, a channel that gets how many bytes the socket took
}

// closing returns the channel that gets a value when the connection of a client has been closed.
func (l *impatient) closing(client net.Addr) chan int64 {
	closed, _ := l.closed.LoadOrStore(client.String(), make(chan int64, 1))
	return closed.(chan int64)
}

func (l *impatient) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &hurried{TCPConn: conn.(*net.TCPConn), spare: l.spare, closed: l.closing(conn.RemoteAddr())}, nil
}

type hurried struct {
	*net.TCPConn
	spare   int
	written atomic.Int64
	once    sync.Once
	closed  chan<- int64
}

func (c *hurried) SetWriteDeadline(t time.Time) error {
	switch {
	case t.IsZero():
	case c.spare > 0:
		c.spare--
	default:
		t = time.Now().Add(time.Until(t) / 20)
	}
	return c.TCPConn.SetWriteDeadline(t)
}

func (c *hurried) Write(b []byte) (int, error) {
	n, err := c.TCPConn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

func (c *hurried) Close() error {
	err := c.TCPConn.Close()
	c.once.Do(func() { c.closed <- c.written.Load() })
	return err
}
