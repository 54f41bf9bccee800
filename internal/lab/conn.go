package lab

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// sendBuffer is what a socket keeps of what its client has not taken, in bytes; Linux takes up to twice as
// much memory for it. Without a bound of ours it would grow to 4 MiB. With it a connection sends about so much
// in a round trip: 15 MB/s at 20 ms (measured; without, 22 MB/s), 3 MB/s at 100 ms (7.7).
const sendBuffer = 256 << 10

// sockets returns a listener whose connections have bounded send buffers, and end by reset where their client did
// not take what was sent in time. Then what is left in the buffer is let go at once; by an orderly close
// (RFC 9293, section 3.6) the kernel would try for minutes to deliver it. Once over is true nothing more is read:
// a server that has hundreds of busy connections to close gets a turn the sooner, the sooner they are idle.
func sockets(l net.Listener, over *atomic.Bool) net.Listener { return &socketListener{l, over} }

type socketListener struct {
	net.Listener
	over *atomic.Bool
}

func (l *socketListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	of, ok := conn.(tcp)
	if err != nil || !ok {
		return conn, err
	}
	of.SetWriteBuffer(sendBuffer)
	return &socket{of, l.over}, nil
}

// tcp is what net.TCPConn has, and a connection in memory has not.
type tcp interface {
	net.Conn
	CloseWrite() error
	SetLinger(seconds int) error
	SetWriteBuffer(bytes int) error
}

type socket struct {
	tcp
	over *atomic.Bool
}

func (s *socket) Read(b []byte) (int, error) {
	if s.over.Load() {
		return 0, net.ErrClosed
	}
	return s.tcp.Read(b)
}

func (s *socket) Write(b []byte) (int, error) {
	n, err := s.tcp.Write(b)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.SetLinger(0)
	}
	return n, err
}

// prompt returns a listener whose clients have to end what they begin on HTTP/2: a header block within
// [Limits.HeaderTime], and so each frame; one of DATA has BodyTime more, so that a late body is answered before.
// net/http gives header blocks no time of their own, and none at all while a stream is open.
func (m Limits) prompt(l net.Listener) net.Listener { return &promptListener{l, m} }

type promptListener struct {
	net.Listener
	limits Limits
}

func (l *promptListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &promptConn{Conn: conn, limits: l.limits}, nil
}

// Of HTTP/2, RFC 9113, sections 3.4, 6.1, 6.2 and 6.10.
const (
	preface           = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameData         = 0
	frameHeaders      = 1
	frameContinuation = 9
	endHeaders        = 4 // a flag
)

// A promptConn follows the frames that a client sends (RFC 9113, section 4.1).
type promptConn struct {
	net.Conn
	limits Limits

	begun  int  // bytes of the preface that have come
	http1  bool // it was none
	header [9]byte
	read   int       // bytes of it
	left   int       // bytes of the payload that have not come
	block  bool      // a header block is not at its end (section 4.3)
	due    time.Time // when the frame or block that has begun has to be whole; zero: none has
}

func (c *promptConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if was := c.due; !c.http1 {
		if c.follow(b[:n]); c.due != was {
			c.SetReadDeadline(c.due)
		}
	}
	return n, err
}

func (c *promptConn) follow(b []byte) {
	for ; c.begun < len(preface) && len(b) > 0; b = b[1:] {
		if c.http1 = b[0] != preface[c.begun]; c.http1 {
			return
		}
		c.begun++
	}
	for len(b) > 0 {
		if c.read < len(c.header) {
			if c.read == 0 && !c.block {
				c.due = time.Now().Add(c.limits.HeaderTime)
			}
			n := copy(c.header[c.read:], b)
			if c.read, b = c.read+n, b[n:]; c.read < len(c.header) {
				return
			}
			c.left = int(c.header[0])<<16 | int(c.header[1])<<8 | int(c.header[2])
			switch c.header[3] {
			case frameHeaders, frameContinuation:
				c.block = c.header[4]&endHeaders == 0
			case frameData:
				c.due = c.due.Add(c.limits.BodyTime)
			}
		}
		n := min(c.left, len(b))
		if c.left, b = c.left-n, b[n:]; c.left > 0 {
			return
		}
		if c.read = 0; !c.block {
			c.due = time.Time{}
		}
	}
}

// CloseWrite is for net/http, which so ends its side first where a request was not read whole.
func (c *promptConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
