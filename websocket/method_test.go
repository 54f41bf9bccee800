package websocket_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"fourwires/feed"
	"fourwires/websocket"
)

// Only GET opens a WebSocket (RFC 6455, section 4.1), whatever headers a request with another method has.
func TestOnlyGETOpens(t *testing.T) {
	for _, test := range []struct {
		method, allow string
		status        int
	}{
		{"HEAD", "", http.StatusBadRequest}, // as GET without an upgrade
		{"POST", "GET, HEAD", http.StatusMethodNotAllowed},
	} {
		for _, handler := range []http.Handler{
			&websocket.Handler{Feed: feed.New(1)}, &websocket.Handler{Feed: feed.New(1), Deflate: true}, &websocket.Echo{},
		} {
			r := httptest.NewRequest(test.method, "/", nil)
			for name, value := range map[string]string{
				"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
				"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
			} {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != test.status || w.Header().Get("Allow") != test.allow {
				t.Errorf("%s to %T: %d, Allow %q, want %d, %q",
					test.method, handler, w.Code, w.Header().Get("Allow"), test.status, test.allow)
			}
		}
	}
}
