//go:build solution

package stream

import (
	"fmt"
	"net/http"
	"time"
)

const patience = 10 * time.Second

func serve(w http.ResponseWriter, messages <-chan string) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for m := range messages {
		control.SetWriteDeadline(time.Now().Add(patience))
		fmt.Fprintf(w, "data: %s\n\n", m)
		if err := control.Flush(); err != nil {
			return
		}
	}
}
