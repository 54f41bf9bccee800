// Package lab puts the parts together: one feed, its source, the four
// transports, the page, and the control API, served on two addresses.
//
// The lanes' address carries what is compared; the control address carries
// what sets the comparison up, and never competes with it for connections.
package lab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
	"fourwires/internal/wire"
)

const (
	answerTime = 70 * time.Second       // for an answer, a long-poll's wait included; streams put it off with each write
	idleTime   = 2 * time.Minute        // for the next request on a connection
	stuckTime  = 10 * time.Second       // for a client to take anything at all on a connection of HTTP/2
	grace      = 500 * time.Millisecond // for clients to take their leave
	frameSize  = 16 << 10               // of HTTP/2: the least that a server may allow (RFC 9113, section 4.2)
)

// Settings say what a lab is made of.
type Settings struct {
	Keep     int             // messages that the feed keeps
	Source   source.Settings // what is published, and how fast
	Inputs   []source.Input  // sources beyond those that the lab has of its own
	Limits   Limits          // what clients can take; the zero Limits are DefaultLimits
	Origins  []string        // pages of these origins, such as http://host:8000, may read and publish
	Gzip     bool            // compress event streams for clients that accept it
	Deflate  bool            // compress WebSockets' messages for clients that offer it
	Profiles bool            // serve /debug/pprof on the control address
	Network  netsim.Settings // of the lanes' addresses
	Untapped bool            // do not count the bytes on the lanes' address; the ledger stays empty
	Log      *slog.Logger    // requests at level debug; nil: nothing is logged

	vouch  *certificate // of a lab that went before; nil: a new one
	chosen bool         // somebody has set the network of a lab that went before
}

// A Lab is a feed with its source and all that serves it.
type Lab struct {
	Feed   *feed.Feed
	Ledger wire.Ledger // what crossed the lanes' addresses, to the byte

	// Network is between the lanes' addresses and their clients. It delays nothing
	// until it is told to.
	Network netsim.Network

	settings Settings // as it began, and in the end as it was then
	pump     *source.Pump
	changes  sync.Mutex // one change of the pump's settings at a time
	metrics  *metrics
	carried  *carriers
	chosen   atomic.Bool             // somebody has set the network
	restart  context.CancelCauseFunc // ends Serve
	ends     chan struct{}           // closed when the lab shuts down
}

// New returns a lab that serves nothing yet. The error says which setting is
// wrong.
func New(s Settings) (*Lab, error) {
	if s.Keep < 1 || s.Keep > feed.Keep {
		return nil, fmt.Errorf("keep %d: a feed keeps 1 to %d messages", s.Keep, feed.Keep)
	}
	if s.Limits == (Limits{}) {
		s.Limits = DefaultLimits()
	}
	if err := s.Limits.check(); err != nil {
		return nil, err
	}
	s.Origins = slices.Clone(s.Origins)
	for i, origin := range s.Origins {
		if err := http.NewCrossOriginProtection().AddTrustedOrigin(origin); err != nil || origin != strings.ToLower(origin) {
			return nil, fmt.Errorf("allow-origin %q: an origin is scheme://host:port, in small letters", origin)
		}
		s.Origins[i] = serialized(origin)
	}
	if s.vouch == nil {
		s.vouch = new(certificate)
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	f := feed.New(s.Keep)
	pump, err := source.New(f, s.Source, s.Inputs...)
	if err != nil {
		return nil, err
	}
	l := &Lab{
		Feed: f, Ledger: wire.Ledger{Pages: s.Limits.Pages, MaxHeaderBytes: s.Limits.Header}, settings: s, pump: pump,
		metrics: newMetrics(f), carried: newCarriers(s.Limits.Pages), ends: make(chan struct{}),
	}
	if err := l.Network.Set(s.Network); err != nil {
		return nil, err
	}
	l.chosen.Store(s.chosen || s.Network != netsim.Settings{})
	return l, nil
}

// Successor returns a lab that goes on where this one ended: of the same settings as
// it had then, but with a feed of its own.
func (l *Lab) Successor() (*Lab, error) { return New(l.settings) }

// ErrRestart says that the lab was asked to end so that another one begins.
var ErrRestart = errors.New("lab: asked to start again")

// Listeners are where a lab serves.
type Listeners struct {
	Lanes   net.Listener // the lanes and the page, over HTTP/1.1 and, to a client that begins so, HTTP/2 (h2c)
	TLS     net.Listener // the same over TLS, which ends in the lab; nil: not
	Control net.Listener // the control API
}

// Loopback listens on free ports of this machine, which nobody else reaches.
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

// Serve serves until ctx ends or a listener fails, and then tells every client,
// closes all listeners and returns within a second. A lab serves once. The error is
// nil after ctx, [ErrRestart] where the control API was told so, and else says what
// has failed.
func (l *Lab) Serve(ctx context.Context, on Listeners) error {
	asked := ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	l.restart = stop
	var handlers, loops sync.WaitGroup
	var ending sync.RWMutex // held while it changes whether a handler may begin: none does behind the Wait for them
	ended := false
	begin := func() bool {
		ending.RLock()
		defer ending.RUnlock()
		if !ended {
			handlers.Add(1)
		}
		return !ended
	}
	var over atomic.Bool  // no connection is read any more
	var hijacked sync.Map // the connections of WebSockets, which http.Server knows no more
	serve := func(handler http.Handler, listeners ...net.Listener) *http.Server {
		server := &http.Server{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !begin() {
					panic(http.ErrAbortHandler)
				}
				defer handlers.Done()
				defer func() {
					if _, was := hijacked.LoadAndDelete(peerOf(r).conn); was {
						l.carried.forget(peerOf(r).conn.RemoteAddr())
					}
				}()
				handler.ServeHTTP(w, r)
			}),
			ConnContext: l.settings.Limits.greet,
			ConnState: func(conn net.Conn, state http.ConnState) {
				switch state {
				case http.StateHijacked:
					hijacked.Store(conn, nil)
				case http.StateClosed:
					l.carried.forget(conn.RemoteAddr())
				}
			},
			Protocols: new(http.Protocols),
			HTTP2: &http.HTTP2Config{
				WriteByteTimeout: stuckTime,
				MaxReadFrameSize: frameSize, // net/http keeps room for the largest frame that came, and would take 1 MiB
				CountError:       func(string) { l.metrics.refusals.WithLabelValues("http2").Inc() },
			},
			ReadHeaderTimeout: l.settings.Limits.HeaderTime,
			WriteTimeout:      answerTime,
			IdleTimeout:       idleTime,
			MaxHeaderBytes:    l.settings.Limits.Header,
			ErrorLog:          slog.NewLogLogger(l.settings.Log.Handler(), slog.LevelDebug),
		}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		for _, listener := range listeners {
			loops.Go(func() { stop(server.Serve(l.settings.Limits.prompt(listener))) })
		}
		return server
	}
	names := namesOf(on.Lanes.Addr())
	if on.TLS != nil {
		names = append(names, namesOf(on.TLS.Addr())...)
	}
	controls := append(slices.Clone(names), namesOf(on.Control.Addr())...)
	origins := originsOf("http", controls, on.Lanes.Addr())
	if on.TLS != nil {
		origins = append(origins, originsOf("https", controls, on.TLS.Addr())...)
	}
	var ledger *wire.Ledger // nil counts nothing
	if !l.settings.Untapped {
		ledger = &l.Ledger
	}
	lanes := []net.Listener{ledger.Listen(l.Network.Listen(sockets(on.Lanes, &over)))}
	if on.TLS != nil {
		lanes = append(lanes, ledger.ListenTLS(l.Network.Listen(sockets(on.TLS, &over)), l.settings.vouch.config(names), func(err error) {
			l.metrics.refusals.WithLabelValues("tls").Inc()
			l.settings.Log.Debug("TLS handshake", "error", err)
		}))
	}
	servers := []*http.Server{
		serve(l.lanes(names, origins, on), lanes...),
		serve(l.control(controls, origins), sockets(on.Control, &over)),
	}
	servers[0].RegisterOnShutdown(func() {
		l.Feed.Close() // answers long-polls, ends streams, closes WebSockets
		close(l.ends)
	})
	loops.Go(func() { l.pump.Run(ctx) })

	<-ctx.Done()
	l.settings.Source, l.settings.Network, l.settings.chosen = l.pump.Settings(), l.Network.Settings(), l.chosen.Load()
	l.Network.Clear() // who is told is told at once
	soon, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer time.AfterFunc(grace, func() { // for who has not left; a timer does not wait for its turn behind busy connections
		over.Store(true)
		for _, server := range servers {
			server.Close()
		}
		hijacked.Range(func(conn, _ any) bool {
			conn.(net.Conn).Close()
			return true
		})
		cancel()
	}).Stop()
	for _, server := range servers {
		loops.Go(func() { server.Shutdown(soon) })
	}
	loops.Wait()
	ending.Lock()
	ended = true
	ending.Unlock()
	handlers.Wait()
	if asked.Err() != nil {
		return nil
	}
	if context.Cause(ctx) == ErrRestart {
		return ErrRestart
	}
	return fmt.Errorf("lab: %w", context.Cause(ctx))
}
