//go:build !solution

package longpoll

import (
	"fmt"
	"net/http"
	"time"

	"fourwires/feed"
)

// patience is the longest that a request is held.
const patience = 25 * time.Second

// serve answers with the messages after a cursor, and 204 where there are none.
// Now it answers at once. Let it wait: until there is news, for as long as its
// patience, and not for a client that has left.
func serve(w http.ResponseWriter, r *http.Request, f *feed.Feed, after feed.Cursor) {
	msgs, _, _ := f.Since(after, nil)
	if len(msgs) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	for _, m := range msgs {
		fmt.Fprintf(w, "%s\n", m.JSON())
	}
}
