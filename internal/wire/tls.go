package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// handshakeTime is the time that a client has to receive the server's messages of a handshake.
const handshakeTime = 10 * time.Second

// closeTime is the time that a peer has to receive the last record, close_notify.
const closeTime = 500 * time.Millisecond

// handshakeRecord is the first byte of TLS: the type of its first record (RFC 8446, section 5.1).
const handshakeRecord = 22

// ListenTLS returns a listener whose connections speak TLS (RFC 8446) and are counted, but not by a nil Ledger. Accept
// returns a connection before its handshake, which its first Read or Write does, so Accept waits for no client. The
// server must set a read deadline. Failed, unless it is nil, is called with the error of each handshake that fails; any
// number of calls may run at once. Where a client then speaks another protocol than ALPN chose (RFC 7301), Read fails.
//
// The connections have no method ConnectionState, so net/http treats them as plain ones, and detects by the first bytes
// whether they speak HTTP/2. So one http.Server is enough for HTTP and HTTPS.
func (l *Ledger) ListenTLS(listener net.Listener, config *tls.Config, failed func(error)) net.Listener {
	return &tlsListener{listener, l, config, failed}
}

type tlsListener struct {
	net.Listener
	ledger *Ledger
	config *tls.Config
	failed func(error)
}

func (l *tlsListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.ledger == nil {
		return &tlsConn{Conn: tls.Server(c, l.config), below: c, serves: true, failed: l.failed}, nil
	}
	d := NewDissector(l.ledger, nil)
	d.expectTLS()
	failed := func(err error) {
		d.handshakeFailed(err)
		if l.failed != nil {
			l.failed(err)
		}
	}
	server := tls.Server(&rawConn{Conn: c, dissector: d, in: Up, out: Down}, l.config)
	return tap(&tlsConn{Conn: server, below: c, serves: true, failed: failed}, d, false), nil
}

// TapTLS is Tap for connections that speak TLS. Where config has no server name, it is that of the address. The dialer
// blocks until the handshake is done.
func (l *Ledger) TapTLS(dial Dial, config *tls.Config, spans func(Span)) Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		config := config.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(addr)
		}
		d := NewDissector(l, spans)
		d.expectTLS()
		client := tls.Client(&rawConn{Conn: c, dissector: d, in: Down, out: Up}, config)
		if err := client.HandshakeContext(ctx); err != nil {
			c.Close()
			d.handshakeFailed(err)
			d.Close()
			return nil, err
		}
		return tap(&tlsConn{Conn: client, below: c}, d, true), nil
	}
}

// A tlsConn is a connection that speaks TLS: a tls.Conn without the methods by which net/http would recognize it.
type tlsConn struct {
	net.Conn
	below  net.Conn // the connection under TLS
	serves bool
	failed func(error) // of a server; may be nil
	once   sync.Once   // of the handshake
	err    error       // of the handshake, or of the protocol
	closed atomic.Bool
	begun  int  // bytes of HTTP/2's preface that the client has sent
	chosen bool // the client speaks the protocol that ALPN chose
}

func (c *tlsConn) Read(b []byte) (int, error) {
	if err := c.ready(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if c.serves && !c.chosen {
		if c.err = c.checkProtocol(b[:n]); c.err != nil {
			return 0, c.err
		}
	}
	return n, err
}

var errNotChosen = errors.New("wire: the client does not speak the protocol that ALPN chose")

// checkProtocol returns an error where the client's first bytes are HTTP/2's preface but ALPN did not choose h2 (RFC
// 9113, section 3.2), or are something else but it did (section 3.4). The error is a net.OpError, to which net/http
// sends no response.
func (c *tlsConn) checkProtocol(b []byte) error {
	const preface = prefaceLine + "\r\n" + prefaceRest
	rest := preface[c.begun:]
	n := 0
	for n < min(len(b), len(rest)) && b[n] == rest[n] {
		n++
	}
	c.begun += n
	other, http2 := n < min(len(b), len(rest)), c.begun == len(preface)
	h2 := c.Conn.(*tls.Conn).ConnectionState().NegotiatedProtocol == "h2"
	if c.chosen = other && !h2 || http2 && h2; c.chosen || !other && !http2 {
		return nil
	}
	if c.failed != nil {
		c.failed(errNotChosen)
	}
	return &net.OpError{Op: "read", Net: "tls", Addr: c.RemoteAddr(), Err: errNotChosen}
}

func (c *tlsConn) Write(b []byte) (int, error) {
	if err := c.ready(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// ready returns nil when the handshake is done, and the connection not closed.
func (c *tlsConn) ready() error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	c.once.Do(c.handshake)
	return c.err
}

// Close sends close_notify, for which a peer that does not read has closeTime, and does not wait for that: the server
// may have other connections to close.
func (c *tlsConn) Close() error {
	c.closeThen(func() {})
	return nil
}

// closeThen is Close, and calls closed when the connection is closed.
func (c *tlsConn) closeThen(closed func()) {
	c.closed.Store(true)
	go func() {
		defer closed()
		defer time.AfterFunc(closeTime, func() { c.below.Close() }).Stop()
		c.Conn.Close()
	}()
}

// CloseWrite sends close_notify, and ends the direction to the peer.
func (c *tlsConn) CloseWrite() error { return c.Conn.(*tls.Conn).CloseWrite() }

// plainResponse is for a client that speaks HTTP without TLS.
const plainResponse = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" +
	`{"error":"this address speaks TLS: ask https://"}`

// handshake does the handshake. It returns at once where that is done already.
func (c *tlsConn) handshake() {
	c.Conn.SetWriteDeadline(time.Now().Add(handshakeTime))
	c.err = c.Conn.(*tls.Conn).Handshake()
	c.Conn.SetWriteDeadline(time.Time{})
	if c.err == nil {
		return
	}
	if c.failed != nil {
		c.failed(c.err)
	}
	var notTLS tls.RecordHeaderError
	if errors.As(c.err, &notTLS) && notTLS.Conn != nil && isToken(notTLS.RecordHeader[0]) {
		notTLS.Conn.SetDeadline(time.Now().Add(closeTime))
		notTLS.Conn.Write([]byte(plainResponse))
		if half, ok := c.below.(closeWriter); ok {
			half.CloseWrite()
		}
		io.CopyN(io.Discard, notTLS.Conn, 64<<10) // or the close would reset the connection
	}
}

// A rawConn is the connection under TLS. It counts the bytes on the socket.
type rawConn struct {
	net.Conn
	dissector *Dissector
	in, out   Dir // what this end reads and writes

	header [5]byte // of the record that is being read (RFC 8446, section 5.1)
	read   int     // bytes of it
	left   int     // of the record, behind its header
}

// Read reads no further than the end of the present record. So when TLS reads the next one, the content of all records
// so far has been read above TLS.
func (c *rawConn) Read(b []byte) (int, error) {
	if c.left > 0 {
		n, err := c.Conn.Read(b[:min(len(b), c.left)])
		c.left -= n
		c.dissector.countRecord(c.in, n)
		return n, err
	}
	if c.read == 0 {
		c.dissector.mark(c.in)
	}
	n, err := c.Conn.Read(b[:min(len(b), len(c.header)-c.read)])
	c.dissector.countRecord(c.in, n)
	if c.read += copy(c.header[c.read:], b[:n]); c.read == len(c.header) {
		c.read, c.left = 0, int(c.header[3])<<8|int(c.header[4])
	}
	return n, err
}

func (c *rawConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.dissector.countRecord(c.out, n)
	return n, err
}

// records count what TLS adds to the bytes of a connection, by direction.
type records struct {
	below, above [2]int64     // bytes since the last mark: on the socket, and of content
	begun        [2]bool      // the handshake is over: there has been content
	of           [2]*exchange // to which the content belongs
	shared       [2]bool      // the content belongs to more than one exchange
	broken       bool         // this is no TLS
}

// countContent counts bytes of content; n is negative where they could not be written.
func (r *records) countContent(dir Dir, n int64) {
	r.above[dir] += n
	r.begun[dir] = true
}

// attribute sets the exchange of the content.
func (r *records) attribute(dir Dir, ex *exchange) {
	r.shared[dir] = r.shared[dir] || r.of[dir] != nil && r.of[dir] != ex
	r.of[dir] = ex
}

// expectTLS makes the dissector expect the content of TLS.
func (d *Dissector) expectTLS() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tls = &records{}
	d.share()
}

// countRecord counts bytes on the socket.
func (d *Dissector) countRecord(dir Dir, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fed[dir] += int64(n)
	d.tls.below[dir] += int64(n)
	if d.closed {
		d.recordsEnd(dir)
		d.fold()
	}
}

// mark ends the records of a direction so far, whose content the dissector has been given.
func (d *Dissector) mark(dir Dir) {
	if d.tls == nil { // which does not change once the connection is in use
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recordsEnd(dir)
}

// recordsEnd books the bytes that records had besides their content: to the exchange of the content, or to the
// connection where it belongs to several exchanges or where there is none.
func (d *Dissector) recordsEnd(dir Dir) {
	r := d.tls
	if r == nil {
		return
	}
	n, ex := r.below[dir]-r.above[dir], r.of[dir]
	if ex == nil || r.shared[dir] {
		ex = d.conn
	}
	r.below[dir], r.above[dir], r.of[dir], r.shared[dir] = 0, 0, nil, false
	if n == 0 {
		return
	}
	part, role := TLS, "TLS record"
	switch {
	case r.broken:
		part, role = Unaccounted, "unknown"
	case !r.begun[dir]:
		part, role = Opening, "TLS handshake"
	}
	s := Span{Dir: dir, Part: part, Role: role, Size: int(n)}
	ex.counts[dir][part] += n
	ex.trace.count(dir, part, n)
	ex.trace.span(&s)
	if ex.over() {
		d.ledger.fold(ex)
	}
	if d.spans != nil {
		d.spans(s)
	}
}

// handshakeFailed notes why a handshake failed.
func (d *Dissector) handshakeFailed(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var notTLS tls.RecordHeaderError
	switch d.tls.broken = errors.As(err, &notTLS); {
	case d.tls.broken:
		d.conn.note("no TLS")
	case err == errNotChosen:
		d.conn.note("not what ALPN chose")
	default:
		d.conn.note("cut: a TLS handshake")
	}
}
