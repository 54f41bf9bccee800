package websocket

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"
)

// SameOrigin reports whether a request comes from a page of the origin that it asks, or from no page. Host and port
// decide, and a port that is not written is the scheme's own (RFC 6454, sections 4 and 5); Host has no scheme, so the
// one of Origin holds for both.
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
