package benchmarks

import (
	"context"
	"net"
	"testing"

	"fourwires/internal/lab"
	"fourwires/internal/source"
)

// open opens a lab in this process whose feed has no source, until close is called.
// Its address is that of the lanes, over TLS or not.
func open(b *testing.B, settings lab.Settings, tls bool) (l *lab.Lab, addr string, close func()) {
	b.Helper()
	settings.Source = source.Default()
	settings.Source.Source = source.None
	l, err := lab.New(settings)
	if err != nil {
		b.Fatal(err)
	}
	var listeners [3]net.Listener // lanes, the same over TLS, control
	for i := range listeners {
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			b.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() {
		served <- l.Serve(ctx, lab.Listeners{Lanes: listeners[0], TLS: listeners[1], Control: listeners[2]})
	}()
	addr = listeners[0].Addr().String()
	if tls {
		addr = listeners[1].Addr().String()
	}
	return l, addr, func() {
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	}
}
