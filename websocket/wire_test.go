package websocket_test

import (
	"bytes"
	"context"
	"flag"
	"net"
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
	"fourwires/websocket"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite testdata/wire.txt")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestWire compares the bytes of one exchange with testdata/wire.txt: the
// upgrade, the first frame, a message, ping and pong, and the close.
func TestWire(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1) // fixes the epoch and the key
	synctest.Test(t, func(t *testing.T) {
		f := feed.New(feed.Keep)
		var transcript wiretest.Transcript
		client := websocket.Client{URL: "http://lab/websocket", Dial: fixMasks(transcript.Tap(serve(t, f)))}
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

// fixMasks gives every frame of a client the masking key 0. The key is drawn
// for each frame, from a source of gorilla that a test cannot fix.
func fixMasks(dial wire.Dial) wire.Dial {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return maskFixer{conn}, err
	}
}

type maskFixer struct{ net.Conn }

// Write takes one short frame, or the upgrade request.
func (c maskFixer) Write(b []byte) (int, error) {
	frame := bytes.Clone(b)
	if !bytes.HasPrefix(b, []byte("GET ")) {
		key, payload := b[2:6], frame[6:]
		for i := range payload {
			payload[i] ^= key[i%4]
		}
		clear(frame[2:6])
	}
	return c.Conn.Write(frame)
}

// serve serves the feed in memory until the test ends, and returns its dialer.
func serve(t *testing.T, f *feed.Feed) wire.Dial {
	network := netsim.Listen()
	server := &http.Server{Handler: &websocket.Handler{Feed: f}}
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
