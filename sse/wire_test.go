package sse_test

import (
	"context"
	"flag"
	"net/http"
	"os"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/netsim"
	"fourwires/internal/wire"
	"fourwires/internal/wire/wiretest"
	"fourwires/sse"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite testdata/wire.txt")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestWire compares the bytes of one exchange with testdata/wire.txt: a stream
// with its first block, an event, and a comment.
func TestWire(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1) // fixes the epoch
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		var transcript wiretest.Transcript
		client := sse.Client{URL: "http://lab/sse", Dial: transcript.Tap(serve(t, f))}
		ctx, cancel := context.WithTimeout(t.Context(), 16*time.Second)
		defer cancel()
		time.AfterFunc(time.Second, func() { f.Publish([]byte(`{"cpu":12.5}`)) })
		for m, err := range client.Messages(ctx) {
			if err == nil && m.ID != 1 {
				t.Errorf("message %d, want 1", m.ID)
			}
		}
		compare(t, transcript.String())
	})
}

// serve serves the feed in memory until the test ends, and returns its dialer.
func serve(t *testing.T, f *feed.Feed) wire.Dial {
	network := netsim.Listen()
	server := &http.Server{Handler: &sse.Handler{Feed: f}}
	go server.Serve(network)
	t.Cleanup(func() { server.Close() })
	return network.Dial
}

// compare compares with the golden file, or makes it.
func compare(t *testing.T, got string) {
	t.Helper()
	const golden = "testdata/wire.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the wire has changed (-update rewrites %s):\n%s\nwant:\n%s", golden, got, want)
	}
}
