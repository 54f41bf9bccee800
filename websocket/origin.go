package websocket

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
)

// SameOrigin reports whether the request's Origin is that of the server, or missing: then no page has sent it. It
// compares host and port; a missing port is the scheme's default (RFC 6454, sections 4 and 5). The Host header has no
// scheme, so Origin's scheme decides for both.
func SameOrigin(r *http.Request) bool {
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || origin.Host == "" {
		return len(r.Header["Origin"]) == 0
	}
	asked := &url.URL{Host: r.Host}
	port := func(u *url.URL) string {
		return cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[origin.Scheme])
	}
	return strings.EqualFold(origin.Hostname(), asked.Hostname()) && port(origin) == port(asked)
}
