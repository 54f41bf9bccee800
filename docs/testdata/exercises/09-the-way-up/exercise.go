//go:build !solution

package origin

import (
	"net/http"
	"strings"
)

// mayOpen reports whether a request for a WebSocket was sent by a page of one of
// these origins, such as https://lab.example, or by no page at all.
func mayOpen(r *http.Request, origins []string) bool {
	for _, origin := range origins {
		if strings.HasPrefix(r.Header.Get("Origin"), origin) { // it looks right
			return true
		}
	}
	return false
}
