package lab

import (
	"errors"
	"net"
	"time"
)

// frameDeadlines returns a listener whose clients have to finish on time what they begin on HTTP/2: a header block, and
// so each frame, within [Limits.HeaderTime]. A DATA frame has BodyTime more, so that a late body is answered first.
// net/http has no deadline for a header block, and none at all while a stream is open.
func (m Limits) frameDeadlines(l net.Listener) net.Listener { return &frameListener{l, m} }

type frameListener struct {
	net.Listener
	limits Limits
}

func (l *frameListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &frameConn{Conn: conn, limits: l.limits}, nil
}

// The preface and the frame types of HTTP/2 (RFC 9113, sections 3.4, 6.1, 6.2 and 6.10).
const (
	preface           = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameData         = 0
	frameHeaders      = 1
	frameContinuation = 9
	endHeaders        = 4 // a flag
)

// A frameConn follows the frames that its client sends (RFC 9113, section 4.1), and sets the read deadline of each.
type frameConn struct {
	net.Conn
	limits Limits

	preface int  // bytes of the preface that have arrived
	http1   bool // the first bytes were no preface
	header  [9]byte
	read    int       // bytes of the frame header that have arrived
	left    int       // bytes of the frame's payload that have not arrived
	block   bool      // a header block has begun and not ended (section 4.3)
	due     time.Time // when the frame or block that has begun has to be complete; zero: none has begun
}

func (c *frameConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if before := c.due; !c.http1 {
		if c.follow(b[:n]); c.due != before {
			c.SetReadDeadline(c.due)
		}
	}
	return n, err
}

// follow takes the bytes that were read, and sets due.
func (c *frameConn) follow(b []byte) {
	for ; c.preface < len(preface) && len(b) > 0; b = b[1:] {
		if c.http1 = b[0] != preface[c.preface]; c.http1 {
			return
		}
		c.preface++
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

// CloseWrite is for net/http, which ends its side first where it has not read a request to its end.
func (c *frameConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
