package experiments_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/sse"
)

// follow reads a feed until ctx ends, and reconnects whenever the connection fails. Before that it waits for a random
// time, up to a limit that doubles with each failure, from half a second to sixteen.
func follow(ctx context.Context, client *sse.Client, take func(feed.Message)) {
	failures := 0
	for ctx.Err() == nil {
		for m, err := range client.Messages(ctx) { // from its cursor on
			var gap *feed.GapError
			if err == nil || errors.As(err, &gap) {
				failures = 0 // the server is there
			}
			if err == nil {
				take(m)
			}
		}
		limit := 500 * time.Millisecond << min(failures, 5)
		failures++
		select {
		case <-time.After(rand.N(limit)):
		case <-ctx.Done():
		}
	}
}

// TestFollow cuts its connections, and lets the server be gone for a minute: every message arrives once.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network netsim.Network
		if err := network.Set(netsim.Settings{RTT: 100 * ms}); err != nil {
			t.Fatal(err)
		}
		memory := network.Memory()
		f := feed.New(feed.Keep)
		server := &http.Server{Handler: &sse.Handler{Feed: f}}
		go server.Serve(memory)
		var mu sync.Mutex
		gone, dials := false, 0
		client := &sse.Client{URL: "http://lab/?after=0"}
		client.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			mu.Lock()
			away := gone
			if away {
				dials++
			}
			mu.Unlock()
			if away {
				return nil, errors.New("nobody is there")
			}
			return memory.Dial(ctx, network, addr)
		}
		ctx, leave := context.WithCancel(t.Context())
		var ids []uint64
		var all sync.WaitGroup
		all.Go(func() { follow(ctx, client, func(m feed.Message) { ids = append(ids, m.ID) }) })
		set := func(is bool) {
			mu.Lock()
			defer mu.Unlock()
			gone = is
		}
		for second := range 120 {
			f.Publish([]byte(`"news"`))
			switch second {
			case 10, 11, 12, 30:
				for _, c := range network.Conns() {
					c.Cut(netsim.RST, 0)
				}
			}
			set(second >= 30 && second < 90)
			time.Sleep(time.Second) // virtual
		}
		leave()
		all.Wait()
		want := make([]uint64, 120)
		for i := range want {
			want[i] = uint64(i) + 1
		}
		if !slices.Equal(ids, want) {
			t.Errorf("it had %v", ids)
		}
		if dials < 4 || dials > 40 {
			t.Errorf("it tried %d times in a minute", dials)
		}
		f.Close()
		server.Close()
		time.Sleep(time.Minute)
	})
}
