package lab

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
)

// sendBuffer is how many bytes a socket keeps that its client has not taken; Linux uses up to twice as much memory for
// them. Unbounded it would grow to 4 MiB. A connection sends about a buffer in a round trip: 15 MB/s at 20 ms
// (measured; 22 MB/s unbounded), 3 MB/s at 100 ms (7.7 MB/s).
const sendBuffer = 256 << 10

// sockets returns a listener whose connections have bounded send buffers, and are reset when a client has not taken in
// time what was sent. A reset discards the buffer at once; after an orderly close (RFC 9293, section 3.6) the kernel
// would try to deliver it for minutes. Once ended is true nothing more is read: a server that has to close hundreds of
// busy connections gets its turn sooner when they are idle.
func sockets(l net.Listener, ended *atomic.Bool) net.Listener { return &socketListener{l, ended} }

type socketListener struct {
	net.Listener
	ended *atomic.Bool
}

func (l *socketListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	accepted, ok := conn.(tcp)
	if err != nil || !ok {
		return conn, err
	}
	accepted.SetWriteBuffer(sendBuffer)
	return &socket{accepted, l.ended}, nil
}

// tcp is a net.TCPConn. A connection in memory lacks some of these methods.
type tcp interface {
	net.Conn
	CloseWrite() error
	SetLinger(seconds int) error
	SetWriteBuffer(bytes int) error
}

// A socket is a connection of the kernel.
type socket struct {
	tcp
	ended *atomic.Bool
}

func (s *socket) Read(b []byte) (int, error) {
	if s.ended.Load() {
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
