package wire

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// handshakeTime is how long a client has to take what the server says in a
// handshake.
const handshakeTime = 10 * time.Second

// ListenTLS returns a listener on whose connections TLS is spoken (RFC 8446).
// They are handed out before the handshake, which the first Read or Write does,
// so Accept waits for nobody. Who serves them must set a read deadline. Failed,
// unless it is nil, is told why a handshake failed.
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
	secured := &secure{tls: tls.Server(c, l.config), failed: l.failed}
	secured.Conn = secured.tls
	if l.ledger == nil {
		return secured, nil
	}
	return tap(secured, NewDissector(l.ledger, nil), false), nil
}

// secure is the server's end of a connection with TLS.
type secure struct {
	net.Conn // the same as tls, without its other methods
	tls      *tls.Conn
	failed   func(error)
	once     sync.Once
	err      error
}

func (c *secure) Read(b []byte) (int, error) {
	if c.once.Do(c.handshake); c.err != nil {
		return 0, c.err
	}
	return c.tls.Read(b)
}

func (c *secure) Write(b []byte) (int, error) {
	if c.once.Do(c.handshake); c.err != nil {
		return 0, c.err
	}
	return c.tls.Write(b)
}

// CloseWrite tells the client that nothing more will come.
func (c *secure) CloseWrite() error { return c.tls.CloseWrite() }

// plainAnswer is for a client that speaks HTTP where TLS is spoken.
const plainAnswer = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" +
	`{"error":"this address speaks TLS: ask https://"}`

func (c *secure) handshake() {
	c.tls.SetWriteDeadline(time.Now().Add(handshakeTime))
	c.err = c.tls.Handshake()
	c.tls.SetWriteDeadline(time.Time{})
	if c.err == nil {
		return
	}
	var notTLS tls.RecordHeaderError
	if errors.As(c.err, &notTLS) && notTLS.Conn != nil && isToken(notTLS.RecordHeader[0]) {
		notTLS.Conn.SetWriteDeadline(time.Now().Add(handshakeTime))
		notTLS.Conn.Write([]byte(plainAnswer))
	}
	if c.failed != nil {
		c.failed(c.err)
	}
}
