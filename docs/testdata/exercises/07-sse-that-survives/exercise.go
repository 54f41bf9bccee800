//go:build !solution

package stream

import (
	"fmt"
	"net/http"
	"time"
)

// patience is how long a client has to take a message.
const patience = 10 * time.Second

// serve sends messages as events until there are no more. Its server has a
// WriteTimeout, which is right for all the other handlers, and is not to be
// touched: let the stream outlive it. Where an event cannot be sent, end.
func serve(w http.ResponseWriter, messages <-chan string) {
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for m := range messages {
		fmt.Fprintf(w, "data: %s\n\n", m)
		control.Flush()
	}
}
