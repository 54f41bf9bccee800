package web_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/source"
)

// A site is a lab that serves, on real sockets.
type site struct {
	*lab.Lab
	lanes, tls, control *cutter
	newTab              opener // opens its tabs, in Chromium or Firefox
	stop                func() // may be called more than once
	next                *site  // that serves in its place
}

// serve starts a lab, with what it publishes first, on free ports or in place
// of an old one that was stopped. It is ended with the old one: after the tab that was
// opened in between, which would tell that nobody answers.
func serve(t testing.TB, settings lab.Settings, old *site, publish ...string) *site {
	t.Helper()
	lanes, secured, control := "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	if old != nil {
		lanes, secured, control = old.lanes.String(), old.tls.String(), old.control.String()
	}
	l, err := lab.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Lab: l, newTab: newTab}
	s.publish(t, publish...)
	s.lanes, s.tls, s.control = listen(t, lanes), listen(t, secured), listen(t, control)

	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		err := l.Serve(ctx, lab.Listeners{Lanes: s.lanes, TLS: s.tls, Control: s.control})
		for next := l; errors.Is(err, lab.ErrRestart); { // s.Lab remains the first
			var on lab.Listeners
			if next, err = next.Successor(); err != nil {
				break
			}
			if on, err = again(s); err != nil {
				break
			}
			err = next.Serve(ctx, on)
		}
		served <- err
	}()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	if old != nil {
		old.next = s
		return s
	}
	t.Cleanup(func() {
		for last := s; last != nil; last = last.next {
			last.stop()
		}
	})
	return s
}

// serve is [serve], and its tabs are opened in that browser.
func (newTab opener) serve(t testing.TB, settings lab.Settings, old *site, publish ...string) *site {
	t.Helper()
	s := serve(t, settings, old, publish...)
	s.newTab = newTab
	return s
}

// again listens at a site's addresses.
func again(s *site) (on lab.Listeners, err error) {
	for _, l := range []struct {
		addr string
		into *net.Listener
	}{{s.lanes.String(), &on.Lanes}, {s.tls.String(), &on.TLS}, {s.control.String(), &on.Control}} {
		for end := time.Now().Add(patience); *l.into == nil; {
			if *l.into, err = net.Listen("tcp", l.addr); err != nil {
				if *l.into = nil; time.Now().After(end) {
					return on, err
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
	return on, nil
}

// listen tries again while the address is in use: the port of a lab that was
// stopped may have become the near end of somebody's connection.
func listen(t testing.TB, address string) *cutter {
	t.Helper()
	var listener net.Listener
	eventually(t, "listening on "+address, func() (ok bool) {
		var err error
		listener, err = net.Listen("tcp", address)
		return err == nil
	})
	return &cutter{Listener: listener}
}

// quiet are the settings of a lab in which only the test publishes.
func quiet(keep int) lab.Settings {
	settings := source.Default()
	settings.Source = source.None
	return lab.Settings{Keep: keep, Source: settings}
}

// publish publishes JSON texts.
func (s *site) publish(t testing.TB, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if _, err := s.Feed.Publish([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
}

// many returns n JSON texts.
func many(n int) []string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = fmt.Sprint(i)
	}
	return texts
}

// open opens the site's page.
func (s *site) open(t testing.TB) *tab {
	t.Helper()
	tab := s.tab(t)
	tab.open("http://" + s.lanes.String() + "/#free")
	tab.untilAll("live")
	return tab
}

// tab returns an empty tab that may talk to the site alone.
func (s *site) tab(t testing.TB) *tab {
	t.Helper()
	return s.newTab(t, "http://"+s.lanes.String(), "https://"+s.tls.String(), "http://"+s.control.String())
}

// untilAll waits until all lanes are in a state.
func (tab *tab) untilAll(state string) {
	tab.t.Helper()
	tab.until(fmt.Sprintf(`document.querySelectorAll('.lane[data-state=%q]').length === 4`, state))
}

// cursor returns a cursor of the site's feed, as text.
func (s *site) cursor(id uint64) string {
	return feed.Cursor{Epoch: s.Feed.Head().Epoch, ID: id}.String()
}

// ids returns what a lane's data-ids says when these ids arrived.
func (s *site) ids(from, to int) string {
	return fmt.Sprintf("%s:%d-%d", s.Feed.Head().Epoch, from, to)
}

// A cutter is a listener whose connections can be cut.
type cutter struct {
	net.Listener

	mu    sync.Mutex
	down  bool
	conns []net.Conn
}

// String returns host:port.
func (c *cutter) String() string { return c.Addr().String() }

func (c *cutter) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		down := c.down
		if !down {
			c.conns = append(c.conns, conn)
		}
		c.mu.Unlock()
		if !down {
			return conn, nil
		}
		conn.Close()
	}
}

// cut resets every connection, and every new one until mend. It returns how
// many were open.
func (c *cutter) cut() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = true
	open := 0
	for _, conn := range c.conns {
		conn.(*net.TCPConn).SetLinger(0)
		if conn.Close() == nil {
			open++
		}
	}
	c.conns = nil
	return open
}

// count returns how many connections there were since the last cut.
func (c *cutter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.conns)
}

func (c *cutter) mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = false
}
