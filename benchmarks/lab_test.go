package benchmarks

import (
	"context"
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
	on, err := lab.Loopback(true)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx, on) }()
	addr = on.Lanes.Addr().String()
	if tls {
		addr = on.TLS.Addr().String()
	}
	return l, addr, func() {
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	}
}
