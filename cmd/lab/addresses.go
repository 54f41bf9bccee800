package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"syscall"

	"fourwires/internal/lab"
)

// addresses are where a lab listens, each a host:port.
type addresses struct {
	lanes, secured, control string
	withTLS                 bool   // listen on secured, too
	mayLackTLS              bool   // serve without TLS where secured is in use
	noTLS                   string // why there is no TLS; "": there is, or it was not wanted
}

// complete gives the address over TLS the host of the lanes', and port 8443, unless it was given.
func (a *addresses) complete() {
	if host, _, err := net.SplitHostPort(a.lanes); err == nil && a.secured == "" {
		a.secured = net.JoinHostPort(host, "8443")
	}
}

// check completes the addresses and looks up each. It warns of a port that browsers refuse.
func (a *addresses) check(ctx context.Context, warnings io.Writer) error {
	a.complete()
	for _, given := range [][2]string{{"addr", a.lanes}, {"tls-addr", a.secured}, {"control", a.control}} {
		_, name, err := net.SplitHostPort(given[1])
		port := 0
		if err == nil {
			port, err = net.DefaultResolver.LookupPort(ctx, "tcp", name)
		}
		if err != nil {
			return fmt.Errorf("--%s: %w", given[0], err)
		}
		if slices.Contains(badPorts, port) {
			fmt.Fprintf(warnings,
				"--%s %s: browsers ask for nothing at port %d (WHATWG Fetch, section 2.9); other programs do\n",
				given[0], given[1], port)
		}
	}
	return nil
}

// listen listens on the addresses, unless ctx ends while their names are looked up. Where the address over TLS is in
// use, and nobody has asked for it, it is left out.
func (a *addresses) listen(ctx context.Context) (on lab.Listeners, err error) {
	for _, l := range []struct {
		flag, addr string
		listener   *net.Listener
		wanted     bool
	}{
		{"addr", a.lanes, &on.Lanes, true},
		{"tls-addr", a.secured, &on.TLS, a.withTLS},
		{"control", a.control, &on.Control, true},
	} {
		if !l.wanted {
			continue
		}
		*l.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", l.addr)
		if l.listener == &on.TLS && a.mayLackTLS && errors.Is(err, syscall.EADDRINUSE) {
			a.noTLS = l.addr + " is in use"
			continue
		}
		if err != nil {
			for _, open := range []net.Listener{on.Lanes, on.TLS} {
				if open != nil {
					open.Close()
				}
			}
			if errors.Is(err, syscall.EADDRINUSE) {
				err = fmt.Errorf("%w: end what listens there, another lab perhaps, or give --%s a free port", err, l.flag)
			}
			return on, fmt.Errorf("--%s: %w", l.flag, err)
		}
	}
	return on, nil
}

// keep has the next listen take the ports that these listeners have.
func (a *addresses) keep(on lab.Listeners) {
	a.lanes, a.control = on.Lanes.Addr().String(), on.Control.Addr().String()
	a.withTLS, a.mayLackTLS = on.TLS != nil, false
	if on.TLS != nil {
		a.secured = on.TLS.Addr().String()
	}
}

// announce prints the URLs of a lab.
func (a *addresses) announce(w io.Writer, on lab.Listeners) {
	fmt.Fprintf(w, "The lab is open: http://%s/\n", callable(on.Lanes.Addr()))
	fmt.Fprintf(w, "Its control API:  http://%s/control/feed\n", callable(on.Control.Addr()))
	if on.TLS != nil {
		fmt.Fprintf(w, "With HTTP/2:      https://%s/ (self-signed certificate: browsers warn, curl needs -k)\n",
			callable(on.TLS.Addr()))
	} else if a.noTLS != "" {
		fmt.Fprintf(w, "Without HTTP/2:   %s; --tls-addr takes another address\n", a.noTLS)
	}
	fmt.Fprintln(w, "Ctrl-C closes it.")
}

// callable returns the address by which a browser on this machine reaches a listener, which may listen on all
// addresses.
func callable(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	if tcp.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return tcp.String()
}

// badPorts are those to which browsers send no requests, since they belong to other protocols (WHATWG Fetch, section
// 2.9, port blocking).
var badPorts = []int{
	1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
	111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
	540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
	6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
}
