//go:build solution

package longpoll

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"fourwires/feed"
)

const patience = 25 * time.Second

func serve(w http.ResponseWriter, r *http.Request, f *feed.Feed, after feed.Cursor) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	msgs, _, _ := f.Wait(ctx, after, nil)
	if len(msgs) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	for _, m := range msgs {
		fmt.Fprintf(w, "%s\n", m.JSON())
	}
}
