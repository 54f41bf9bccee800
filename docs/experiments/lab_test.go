package experiments_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
)

// inLab has a whole lab in virtual time, over a network of 50 ms each way. Nothing
// is published to it but by the test. It speaks TLS where dialTLS leads.
func inLab(t *testing.T, test func(t *testing.T, l *lab.Lab, dial, dialTLS dialer)) {
	t.Helper()
	inLabOver(t, netsim.Settings{RTT: 100 * ms}, test)
}

// inLabOver is inLab over another network.
func inLabOver(t *testing.T, network netsim.Settings, test func(t *testing.T, l *lab.Lab, dial, dialTLS dialer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		settings := source.Default()
		settings.Source = source.None
		limits := lab.DefaultLimits()
		limits.Publishes = 0 // any number
		l, err := lab.New(lab.Settings{Keep: feed.Keep, Source: settings, Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		wires := netsim.Network{Seed: 1}
		if err := wires.Set(network); err != nil {
			t.Fatal(err)
		}
		memory, secured := wires.Memory(), wires.Memory()
		served := make(chan error)
		ctx, stop := context.WithCancel(context.Background())
		go func() { served <- l.Serve(ctx, lab.Listeners{Lanes: memory, TLS: secured, Control: netsim.Listen()}) }()
		test(t, l, memory.Dial, secured.Dial)
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // until the last connection is closed
	})
}
