package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"fourwires/internal/wire"
)

const (
	answerTime = 70 * time.Second       // to answer a request, a long-poll's wait included; a stream extends it per write
	idleTime   = 2 * time.Minute        // for the next request on a connection
	stuckTime  = 10 * time.Second       // for a client to take anything at all on an HTTP/2 connection
	graceTime  = 500 * time.Millisecond // for clients to leave when the lab ends
	frameSize  = 16 << 10               // of HTTP/2: the least that a server may allow (RFC 9113, section 4.2)
)

// ErrRestart is the error of [Lab.Serve] after the control API was asked to restart: a [Lab.Successor] is to take the
// lab's place.
var ErrRestart = errors.New("lab: asked to restart")

// Listeners are the addresses at which a lab serves.
type Listeners struct {
	Lanes   net.Listener // the lanes and the page, over HTTP/1.1 or, to a client that begins with it, HTTP/2 (h2c)
	TLS     net.Listener // the same over TLS, which the lab terminates; nil: no TLS
	Control net.Listener // the control API
}

// Loopback listens on free ports of this machine that no other machine can reach.
func Loopback(withTLS bool) (on Listeners, err error) {
	into := []*net.Listener{&on.Lanes, &on.Control}
	if withTLS {
		into = append(into, &on.TLS)
	}
	for i, l := range into {
		if *l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			for _, open := range into[:i] {
				(*open).Close()
			}
			return Listeners{}, err
		}
	}
	return on, nil
}

// hosts returns the names and addresses in the URLs of the lanes, and in those of the control API.
func (on Listeners) hosts() (lanes, control []string) {
	lanes = hostsOf(on.Lanes.Addr())
	if on.TLS != nil {
		lanes = append(lanes, hostsOf(on.TLS.Addr())...)
	}
	return lanes, append(slices.Clone(lanes), hostsOf(on.Control.Addr())...)
}

// origins returns the origins of the page when it is opened under any of these hosts, with TLS and without.
func (on Listeners) origins(hosts []string) []string {
	origins := originsOf("http", hosts, on.Lanes.Addr())
	if on.TLS != nil {
		origins = append(origins, originsOf("https", hosts, on.TLS.Addr())...)
	}
	return origins
}

// Serve serves until ctx ends or a listener fails. Then it ends every client's stream, closes all listeners and
// returns within a second. A lab serves once. The error is nil after ctx has ended, [ErrRestart] after the control API
// was asked to restart, and otherwise names what has failed.
func (l *Lab) Serve(ctx context.Context, on Listeners) error {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	l.restart = stop
	s := &serving{lab: l, stop: stop}
	s.assemble(on)
	s.start()
	s.loops.Go(func() { l.pump.Run(running) })
	s.loops.Go(func() { l.endRuns(running) })

	<-running.Done()
	l.changes.Lock()
	l.settings.Source, l.settings.Network = l.pump.Settings(), l.Network.Settings()
	l.settings.networkSet, l.settings.run = l.networkSet.Load(), l.run
	l.changes.Unlock()
	l.Network.Clear() // so that no delay is added to the end of a stream
	s.shutDown()
	cause := context.Cause(running)
	switch {
	case ctx.Err() != nil:
		return nil
	case cause == ErrRestart:
		return ErrRestart
	}
	return fmt.Errorf("lab: %w", cause)
}

// A serving is a lab's servers from Serve's beginning to its end.
type serving struct {
	lab      *Lab
	stop     context.CancelCauseFunc // ends Serve
	servers  []server
	loops    sync.WaitGroup // of the listeners and the source
	handlers handlers
	hijacked sync.Map    // the connections of WebSockets, which http.Server no longer knows
	ended    atomic.Bool // nothing more is read from any connection
}

// A server serves its listeners.
type server struct {
	*http.Server
	listeners []net.Listener
}

// assemble makes the servers of the lanes and of the control API.
func (s *serving) assemble(on Listeners) {
	l := s.lab
	laneHosts, controlHosts := on.hosts()
	origins := on.origins(controlHosts)
	lanes := s.server(l.lanes(laneHosts, origins, on))
	lanes.RegisterOnShutdown(func() {
		l.Feed.Close() // answers long-polls, ends streams, closes WebSockets
		close(l.ends)
	})
	control := s.server(l.control(controlHosts, origins))
	s.servers = []server{
		{lanes, s.laneListeners(on, laneHosts)},
		{control, []net.Listener{sockets(on.Control, &s.ended)}},
	}
}

// laneListeners returns the lanes' listeners, behind the network and the tap: socket → network → TLS → tap.
func (s *serving) laneListeners(on Listeners, hosts []string) []net.Listener {
	l := s.lab
	var ledger *wire.Ledger // nil counts nothing
	if !l.settings.Untapped {
		ledger = &l.Ledger
	}
	listeners := []net.Listener{ledger.Listen(l.Network.Listen(sockets(on.Lanes, &s.ended)))}
	if on.TLS == nil {
		return listeners
	}
	network, config := l.Network.Listen(sockets(on.TLS, &s.ended)), l.settings.certificate.config(hosts)
	return append(listeners, ledger.ListenTLS(network, config, func(err error) {
		l.metrics.refusals.WithLabelValues("tls").Inc()
		l.settings.Log.Debug("TLS handshake", "error", err)
	}))
}

// server returns a server of HTTP/1.1 and HTTP/2 whose handlers and hijacked connections shutDown ends.
func (s *serving) server(handler http.Handler) *http.Server {
	limits := s.lab.settings.Limits
	server := &http.Server{
		Handler:     s.counted(handler),
		ConnContext: limits.withPeer,
		ConnState:   s.connState,
		Protocols:   new(http.Protocols),
		HTTP2: &http.HTTP2Config{
			WriteByteTimeout: stuckTime,
			MaxReadFrameSize: frameSize, // net/http keeps room for the largest frame so far, and would take 1 MiB
			CountError:       func(string) { s.lab.metrics.refusals.WithLabelValues("http2").Inc() },
		},
		ReadHeaderTimeout: limits.HeaderTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    limits.Header,
		ErrorLog:          slog.NewLogLogger(s.lab.settings.Log.Handler(), slog.LevelDebug),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

// start has each server serve its listeners. When one fails, Serve ends.
func (s *serving) start() {
	for _, server := range s.servers {
		for _, l := range server.listeners {
			s.loops.Go(func() { s.stop(server.Serve(s.lab.settings.Limits.frameDeadlines(l))) })
		}
	}
}

// counted returns a handler that shutDown waits for. After a WebSocket's handler it forgets the connection, whose end
// net/http does not report.
func (s *serving) counted(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.handlers.begin() {
			panic(http.ErrAbortHandler)
		}
		defer s.handlers.running.Done()
		defer func() {
			conn := peerOf(r).conn
			if _, hijacked := s.hijacked.LoadAndDelete(conn); hijacked {
				s.lab.lastLanes.forget(conn.RemoteAddr())
			}
		}()
		handler.ServeHTTP(w, r)
	})
}

// connState notes a connection that was hijacked or closed.
func (s *serving) connState(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateHijacked:
		s.hijacked.Store(conn, nil)
	case http.StateClosed:
		s.lab.lastLanes.forget(conn.RemoteAddr())
	}
}

// shutDown ends the servers, and returns when no handler and no loop runs any more. Connections that are still open
// after graceTime are closed by a timer, which does not wait for its turn behind busy connections.
func (s *serving) shutDown() {
	grace, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer time.AfterFunc(graceTime, func() {
		s.ended.Store(true)
		for _, server := range s.servers {
			server.Close()
		}
		s.hijacked.Range(func(conn, _ any) bool {
			conn.(net.Conn).Close()
			return true
		})
		cancel()
	}).Stop()
	for _, server := range s.servers {
		s.loops.Go(func() { server.Shutdown(grace) })
	}
	s.loops.Wait()
	s.handlers.end()
}

// handlers counts the handlers that run. http.Server does not wait for those of hijacked connections.
type handlers struct {
	running sync.WaitGroup
	mu      sync.RWMutex // locked while ended changes, so that no handler begins once end waits
	ended   bool
}

// begin reports whether a handler may begin, and counts it.
func (h *handlers) begin() bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if !h.ended {
		h.running.Add(1)
	}
	return !h.ended
}

// end lets no more handlers begin, and waits for those that run.
func (h *handlers) end() {
	h.mu.Lock()
	h.ended = true
	h.mu.Unlock()
	h.running.Wait()
}
