package lab

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"fourwires/feed"
	"fourwires/internal/source"
)

// For a request whose client has reset the stream (RST_STREAM) nothing is read from the feed and nothing encoded. On
// HTTP/1.1 the client may have closed only its half of the connection, and is answered.
func TestDropReset(t *testing.T) {
	on, err := Loopback(false)
	if err != nil {
		t.Fatal(err)
	}
	defer on.Lanes.Close()
	defer on.Control.Close()
	settings := Settings{Keep: feed.Keep, Source: source.Default()}
	settings.Source.Source = source.None
	l, err := New(settings)
	if err != nil {
		t.Fatal(err)
	}
	l.Feed.Publish([]byte("1"))
	handler := l.lanes([]string{"localhost"}, nil, on)
	for _, path := range []string{"/polling?after=0", "/longpoll?after=0", "/sse?after=0", "/docs"} {
		for _, version := range []int{1, 2} {
			ctx, cancel := context.WithCancel(l.settings.Limits.withPeer(t.Context(), nil))
			cancel()
			r := httptest.NewRequestWithContext(ctx, "GET", "http://localhost"+path, nil)
			r.ProtoMajor = version
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, r)
			answered := version == 1 && !strings.HasPrefix(path, "/longpoll")
			if (answer.Body.Len() > 0) != answered {
				t.Errorf("HTTP/%d %s: %d bytes", version, path, answer.Body.Len())
			}
		}
	}
}
