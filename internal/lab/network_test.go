package lab_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
)

// A network between real connections and a lab is changed while readers read, and cuts them: they get every message,
// late.
func TestNetworkOnLoopback(t *testing.T) {
	for i := range 2 * len(lab.Transports) {
		s := suite{Transport: lab.Transports[i/2], http2: i%2 == 1}
		if s.http2 && !s.HTTP2 {
			continue
		}
		t.Run(fmt.Sprintf("%s/http=%d", s.Name, 1+i%2), func(t *testing.T) {
			t.Parallel()
			on, err := lab.Loopback(false)
			if err != nil {
				t.Fatal(err)
			}
			wires := new(netsim.Network)
			on.Lanes = wires.Listen(on.Lanes)
			l := labtest.StartOn(t, labtest.Quiet(feed.Keep), on)
			url := "http://" + l.Lanes + "/" + s.Name + "?after=0"
			c := s.Client(lab.Access{URL: url, HTTP2: s.http2, Interval: 10 * ms})

			const delay = 20 * ms // of one direction
			set := func(s netsim.Settings) {
				if err := wires.Set(s); err != nil {
					t.Error(err)
				}
			}
			last := uint64(0)
			set(netsim.Settings{RTT: 2 * delay})
			publish1(t, l.Feed, 1)
			for last < 40 {
				for m, err := range c.Messages(t.Context()) {
					if err != nil {
						var gap *feed.GapError
						if errors.As(err, &gap) {
							t.Error(err)
						}
						break
					}
					if last++; m.ID != last {
						t.Fatalf("message %d after %d", m.ID, last-1)
					}
					if took := time.Since(time.UnixMicro(m.At)); last < 10 && took < delay {
						t.Errorf("message %d took %v, want %v at least", last, took, delay)
					}
					switch last {
					case 10:
						wires.Clear()
					case 20:
						set(netsim.Settings{RTT: ms, Jitter: ms, Kbps: 1000})
					}
					if last%8 == 7 {
						kinds := []netsim.Cut{netsim.FIN, netsim.RST, netsim.Silence}
						for _, conn := range wires.Conns() {
							kind, lasting := kinds[last/8%3], time.Duration(0)
							if kind == netsim.Silence {
								lasting = 50 * ms
							}
							if err := conn.Cut(kind, lasting); err != nil {
								t.Error(err)
							}
						}
					}
					if last == 40 {
						break
					}
					publish1(t, l.Feed, 1)
				}
			}
			wires.Clear()
		})
	}
}
