package websocket_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"fourwires/feed"
	"fourwires/websocket"
)

// A page may open a WebSocket to its own origin; a missing port means the scheme's default.
func TestSameOrigin(t *testing.T) {
	f := feed.New(1)
	defer f.Close()
	for _, handler := range []http.Handler{
		&websocket.Handler{Feed: f}, &websocket.Handler{Feed: f, Deflate: true}, &websocket.Echo{},
	} {
		server := httptest.NewServer(handler)
		defer server.Close()
		for _, test := range []struct {
			host, origin string
			status       int
		}{
			{"lab.example", "", 101},
			{"lab.example", "http://lab.example", 101},
			{"lab.example:80", "http://lab.example", 101},
			{"lab.example", "http://lab.example:80", 101},
			{"LAB.example:443", "https://lab.example", 101},
			{"[::1]:80", "http://[::1]", 101},
			{"lab.example:443", "http://lab.example", 403},
			{"lab.example:8080", "http://lab.example", 403},
			{"lab.example", "http://lab.example:8080", 403},
			{"lab.example", "http://elsewhere.example", 403},
			{"lab.example", "null", 403},
			{"", "null", 403},
			{"lab.example", "http://%", 403},
		} {
			req, err := http.NewRequest("GET", server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			if req.Host = test.host; test.origin != "" {
				req.Header.Set("Origin", test.origin)
			}
			req.Header.Set("Connection", "Upgrade")
			req.Header.Set("Upgrade", "websocket")
			req.Header.Set("Sec-WebSocket-Version", "13")
			req.Header.Set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")
			resp, err := server.Client().Transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Body.Close(); resp.StatusCode != test.status {
				t.Errorf("%T: a page of %q opens a WebSocket to %q: %d, want %d",
					handler, test.origin, test.host, resp.StatusCode, test.status)
			}
		}
	}
}
