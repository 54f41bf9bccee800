// Package labtest starts a lab for the tests of any package: on free ports of this machine, on listeners of the test's
// own, or in virtual time.
package labtest

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
)

// Quiet returns the settings of a lab that keeps at most keep messages, publishes none by itself, and has the default
// limits.
func Quiet(keep int) lab.Settings {
	settings := source.Default()
	settings.Source = source.None
	return lab.Settings{Keep: keep, Source: settings, Limits: lab.DefaultLimits()}
}

// A Server is a lab that serves until the test ends, or until Close.
type Server struct {
	*lab.Lab
	Lanes, TLS, Control string // its addresses, host:port; TLS is "" where the listeners have none

	close func()
}

// Start serves a lab on free ports of this machine, with TLS. Settings that [lab.New] refuses fail the test, and so
// does an error of [lab.Lab.Serve].
func Start(t testing.TB, s lab.Settings) *Server {
	t.Helper()
	on, err := lab.Loopback(true)
	if err != nil {
		t.Fatal(err)
	}
	return StartOn(t, s, on)
}

// StartOn serves a lab as [Start] does, on listeners of the test's own. The lab closes them.
func StartOn(t testing.TB, s lab.Settings, on lab.Listeners) *Server {
	t.Helper()
	l, err := lab.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return Serve(t, l, on)
}

// Serve serves a lab that exists, such as a [lab.Lab.Successor], as [StartOn] does.
func Serve(t testing.TB, l *lab.Lab, on lab.Listeners) *Server {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx, on) }()
	server := &Server{Lab: l, Lanes: on.Lanes.Addr().String(), Control: on.Control.Addr().String()}
	if on.TLS != nil {
		server.TLS = on.TLS.Addr().String()
	}
	server.close = sync.OnceFunc(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(server.close)
	return server
}

// Close ends the lab and blocks until [lab.Lab.Serve] has returned. A second Close does nothing.
func (s *Server) Close() { s.close() }

// A VirtualServer is a lab in memory. Dial connects to the lanes' address, DialTLS to the one that speaks TLS (the
// handshake is the caller's), DialControl to the control address, which no network delays. The host of each is
// localhost, and the network and address that they are called with do not matter.
type VirtualServer struct {
	*Server
	Dial, DialTLS, DialControl lab.Dial
}

// Virtual runs test in a [synctest] bubble, where time is virtual, with a lab in memory behind a network. The lab ends
// after test has returned; then a minute passes, in which clients' idle connections close.
func Virtual(t *testing.T, s lab.Settings, network netsim.Settings, test func(t *testing.T, s *VirtualServer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		between := netsim.Network{Seed: 1}
		if err := between.Set(network); err != nil {
			t.Fatal(err)
		}
		lanes, secured, control := between.Memory(), between.Memory(), netsim.Listen()
		server := StartOn(t, s, lab.Listeners{Lanes: lanes, TLS: secured, Control: control})
		test(t, &VirtualServer{server, lanes.Dial, secured.Dial, control.Dial})
		server.Close()
		time.Sleep(time.Minute)
	})
}
