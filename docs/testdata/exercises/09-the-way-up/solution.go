//go:build solution

package origin

import (
	"net/http"
	"slices"
)

func mayOpen(r *http.Request, origins []string) bool {
	given, fromPage := r.Header["Origin"]
	if !fromPage {
		return true
	}
	return len(given) == 1 && slices.Contains(origins, given[0])
}
