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

// handshakeTime is how long a client has to take what the server says in a
// handshake.
const handshakeTime = 10 * time.Second

// goodbyeTime is how long it has to take the last of all records.
const goodbyeTime = 500 * time.Millisecond

// handshakeRecord is what TLS begins with: the type of its first record (RFC 8446,
// section 5.1).
const handshakeRecord = 22

// ListenTLS returns a listener on whose connections TLS is spoken (RFC 8446).
// They are handed out before the handshake, which the first Read or Write does,
// so Accept waits for nobody. Who serves them must set a read deadline. Failed,
// unless it is nil, is told why a handshake failed. A client that then speaks
// another protocol than ALPN chose (RFC 7301) is refused: Read fails.
//
// The connections have no method ConnectionState: net/http takes them for plain
// ones, and finds out by the first bytes whether they speak HTTP/2. So one
// server does for both.
func (l *Ledger) ListenTLS(listener net.Listener, config *tls.Config, failed func(error)) net.Listener {
	return &listenTLS{listener, l, config, failed}
}

type listenTLS struct {
	net.Listener
	ledger *Ledger
	config *tls.Config
	failed func(error)
}

func (l *listenTLS) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.ledger == nil {
		return &secure{Conn: tls.Server(c, l.config), below: c, serves: true, failed: l.failed}, nil
	}
	d := NewDissector(l.ledger, nil)
	d.secure()
	failed := func(err error) {
		d.handshakeFailed(err)
		if l.failed != nil {
			l.failed(err)
		}
	}
	server := tls.Server(&below{Conn: c, dissector: d, in: Up, out: Down}, l.config)
	return tap(&secure{Conn: server, below: c, serves: true, failed: failed}, d, false), nil
}

// TapTLS is Tap for connections on which TLS is spoken. The server's name is, where
// config has none, that of the address.
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
		d.secure()
		client := tls.Client(&below{Conn: c, dissector: d, in: Down, out: Up}, config)
		if err := client.HandshakeContext(ctx); err != nil {
			c.Close()
			d.handshakeFailed(err)
			d.Close()
			return nil, err
		}
		return tap(&secure{Conn: client, below: c}, d, true), nil
	}
}

// secure is a connection on which TLS is spoken: a tls.Conn, without those of its
// methods that would have net/http know.
type secure struct {
	net.Conn
	below  net.Conn // that carries it
	serves bool
	failed func(error) // of a server; may be nil
	once   sync.Once
	err    error
	closed atomic.Bool
	begun  int  // bytes of HTTP/2's preface with which the client has begun
	chosen bool // what it speaks is known, and is what ALPN chose
}

func (c *secure) Read(b []byte) (int, error) {
	if err := c.ready(); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if c.serves && !c.chosen {
		if c.err = c.keeps(b[:n]); c.err != nil {
			return 0, c.err
		}
	}
	return n, err
}

var errNotChosen = errors.New("wire: the client does not speak the protocol that ALPN chose")

// keeps returns an error where the client's first bytes are HTTP/2's preface but ALPN did not choose h2 (RFC 9113,
// section 3.2), or are something else but it did (section 3.4). It is net.OpError, which net/http does not answer.
func (c *secure) keeps(b []byte) error {
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

func (c *secure) Write(b []byte) (int, error) {
	if err := c.ready(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// ready returns nil when the handshake is done, and the connection not closed.
func (c *secure) ready() error {
	if c.closed.Load() {
		return net.ErrClosed
	}
	c.once.Do(c.handshake)
	return c.err
}

// Close says goodbye, for which a peer that does not read has a moment, and does not
// wait for that: who closes may have other connections to close.
func (c *secure) Close() error {
	c.closeThen(func() {})
	return nil
}

// closeThen is Close, and calls gone when all is over.
func (c *secure) closeThen(gone func()) {
	c.closed.Store(true)
	go func() {
		defer gone()
		defer time.AfterFunc(goodbyeTime, func() { c.below.Close() }).Stop()
		c.Conn.Close()
	}()
}

// CloseWrite tells the peer that nothing more will come.
func (c *secure) CloseWrite() error { return c.Conn.(*tls.Conn).CloseWrite() }

// plainAnswer is for a client that speaks HTTP where TLS is spoken.
const plainAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" +
	`{"error":"this address speaks TLS: ask https://"}`

// handshake is over at once where it has been done.
func (c *secure) handshake() {
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
		notTLS.Conn.SetDeadline(time.Now().Add(goodbyeTime))
		notTLS.Conn.Write([]byte(plainAnswer))
		if half, ok := c.below.(closeWriter); ok {
			half.CloseWrite()
		}
		io.CopyN(io.Discard, notTLS.Conn, 64<<10) // or the answer would be lost with what is not read
	}
}

// below is a connection under TLS: what the sockets carry.
type below struct {
	net.Conn
	dissector *Dissector
	in, out   Dir // what this end reads and writes

	header [5]byte // of the record that is being read (RFC 8446, section 5.1)
	read   int     // bytes of it
	left   int     // of the record, behind its header
}

// Read reads no further than the present record goes. So when TLS asks for the
// next one, all that the records so far have carried has been read above.
func (c *below) Read(b []byte) (int, error) {
	if c.left > 0 {
		n, err := c.Conn.Read(b[:min(len(b), c.left)])
		c.left -= n
		c.dissector.carry(c.in, n)
		return n, err
	}
	if c.read == 0 {
		c.dissector.mark(c.in)
	}
	n, err := c.Conn.Read(b[:min(len(b), len(c.header)-c.read)])
	c.dissector.carry(c.in, n)
	if c.read += copy(c.header[c.read:], b[:n]); c.read == len(c.header) {
		c.read, c.left = 0, int(c.header[3])<<8|int(c.header[4])
	}
	return n, err
}

func (c *below) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.dissector.carry(c.out, n)
	return n, err
}

// records are TLS on a connection: what its records have beside the bytes that they
// carry. By direction.
type records struct {
	below, above [2]int64     // bytes since the last mark, on the socket and carried
	begun        [2]bool      // the handshake is over: something has been carried
	of           [2]*exchange // whose the bytes above are
	shared       [2]bool      // they are of more than one
	broken       bool         // this is no TLS
}

func (r *records) plain(dir Dir, n int64) {
	r.above[dir] += n
	r.begun[dir] = true
}

func (r *records) touch(dir Dir, ex *exchange) {
	r.shared[dir] = r.shared[dir] || r.of[dir] != nil && r.of[dir] != ex
	r.of[dir] = ex
}

// secure says that the bytes that the dissector is fed come out of TLS.
func (d *Dissector) secure() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tls = &records{}
	d.share()
}

// carry counts bytes on the socket.
func (d *Dissector) carry(dir Dir, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fed[dir] += int64(n)
	d.tls.below[dir] += int64(n)
	if d.closed {
		d.recordsEnd(dir)
		d.fold()
	}
}

// mark says that records have ended in a direction, and all that they carried has
// been fed.
func (d *Dissector) mark(dir Dir) {
	if d.tls == nil { // which does not change once the connection is in use
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recordsEnd(dir)
}

// recordsEnd books what the records had beside what they carried: to the exchange
// whose bytes these were, or to the connection where they were of several, or none.
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
	ex.counts[dir][part] += n
	if ex.over() {
		d.ledger.fold(ex)
	}
	if d.spans != nil {
		d.spans(Span{Dir: dir, Part: part, Role: role, Size: int(n)})
	}
}

// handshakeFailed notes why there is no TLS.
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
