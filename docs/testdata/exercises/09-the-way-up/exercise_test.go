package origin

import (
	"net/http/httptest"
	"testing"
)

func TestMayOpen(t *testing.T) {
	origins := []string{"https://lab.example", "http://localhost:3000"}
	for _, test := range []struct {
		name    string
		origins []string // of the request
		want    bool
	}{
		{"its own page", []string{"https://lab.example"}, true},
		{"one that is allowed", []string{"http://localhost:3000"}, true},
		{"a program, which sends none", nil, true},
		{"another site", []string{"https://elsewhere.example"}, false},
		{"the same host without TLS, which anybody on the way can be", []string{"http://lab.example"}, false},
		{"another port of the same host", []string{"http://localhost:30001"}, false},
		{"a host that begins like ours", []string{"https://lab.example.elsewhere.example"}, false},
		{"a host that ends like ours", []string{"https://evil-lab.example"}, false},
		{"a host below ours, which may be somebody else's", []string{"https://guest.lab.example"}, false},
		{"a page in a sandbox, or a file", []string{"null"}, false},
		{"an empty one", []string{""}, false},
		{"two", []string{"https://lab.example", "https://elsewhere.example"}, false},
	} {
		r := httptest.NewRequest("GET", "/websocket", nil)
		for _, origin := range test.origins {
			r.Header.Add("Origin", origin)
		}
		if got := mayOpen(r, origins); got != test.want {
			t.Errorf("%s: Origin %q: %v, want %v", test.name, test.origins, got, test.want)
		}
	}
}
