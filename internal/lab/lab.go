// Package lab puts the parts together: one feed, its source, the four transports, the page and the control API, served
// on two addresses.
//
// The lanes' address serves the transports that are compared, and the page. The control address serves the control API,
// so that its requests take no connections and no bandwidth from the lanes.
package lab

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
	"fourwires/internal/wire"
)

// Settings are what [New] makes a lab from.
type Settings struct {
	Keep     int             // messages that the feed keeps
	Source   source.Settings // what is published, and how fast
	Inputs   []source.Input  // further sources, beside those of package source that need none
	Limits   Limits          // what clients may use; the zero Limits are DefaultLimits
	Origins  []string        // pages of these origins, such as http://host:8000, may read and publish
	Gzip     bool            // compress event streams for clients that accept it
	Deflate  bool            // compress the messages of WebSockets for clients that offer it
	Profiles bool            // serve /debug/pprof on the control address
	Network  netsim.Settings // of the lanes' addresses
	Untapped bool            // do not count the bytes on the lanes' addresses; the ledger stays empty
	Log      *slog.Logger    // requests at level debug; nil: nothing is logged

	certificate *certificate // of the lab that this one succeeds; nil: a new one
	networkSet  bool         // somebody has set the network of the lab that this one succeeds
	run         run          // that was going on when the lab that this one succeeds ended
}

// A Lab is a feed with its source, and the servers of its two addresses.
type Lab struct {
	Feed   *feed.Feed
	Ledger wire.Ledger // every byte on the lanes' addresses

	// Network is between the lanes' addresses and their clients. The zero network delays nothing.
	Network netsim.Network

	settings   Settings // at first as New was given them; when Serve ends, as they are then
	pump       *source.Pump
	changes    sync.Mutex // one change of the pump's settings at a time; guards run
	run        run
	metrics    *metrics
	lastLanes  *lastLanes
	networkSet atomic.Bool             // somebody has set the network
	restart    context.CancelCauseFunc // ends Serve
	ends       chan struct{}           // closed when the lab shuts down
}

// New returns a lab that does not serve yet. The error names the setting that is wrong.
func New(s Settings) (*Lab, error) {
	s, err := s.complete()
	if err != nil {
		return nil, err
	}
	f := feed.New(s.Keep)
	pump, err := source.New(f, s.Source, s.Inputs...)
	if err != nil {
		return nil, err
	}
	l := &Lab{
		Feed:      f,
		Ledger:    wire.Ledger{Pages: s.Limits.Pages, MaxHeaderBytes: s.Limits.Header},
		settings:  s,
		pump:      pump,
		run:       s.run,
		metrics:   newMetrics(f),
		lastLanes: newLastLanes(s.Limits.Pages),
		ends:      make(chan struct{}),
	}
	if err := l.Network.Set(s.Network); err != nil {
		return nil, err
	}
	l.networkSet.Store(s.networkSet || s.Network != netsim.Settings{})
	return l, nil
}

// complete returns the settings with their defaults. The error names the setting that is wrong.
func (s Settings) complete() (Settings, error) {
	if s.Keep < 1 || s.Keep > feed.Keep {
		return s, fmt.Errorf("keep %d: a feed keeps 1 to %d messages", s.Keep, feed.Keep)
	}
	if s.Limits == (Limits{}) {
		s.Limits = DefaultLimits()
	}
	if err := s.Limits.check(); err != nil {
		return s, err
	}
	s.Origins = slices.Clone(s.Origins)
	for i, origin := range s.Origins {
		err := http.NewCrossOriginProtection().AddTrustedOrigin(origin)
		if err != nil || origin != strings.ToLower(origin) {
			return s, fmt.Errorf("allow-origin %q: an origin is scheme://host:port, in small letters", origin)
		}
		s.Origins[i] = serialized(origin)
	}
	if s.certificate == nil {
		s.certificate = new(certificate)
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	return s, nil
}

// Successor returns a lab with the settings that this one had when Serve ended, but with a feed of its own. Call it
// after Serve has returned.
func (l *Lab) Successor() (*Lab, error) { return New(l.settings) }
