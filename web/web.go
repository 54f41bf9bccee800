// Package web is the page: four lanes side by side, each fed by the platform's
// own means (fetch, fetch, EventSource, WebSocket).
//
// The files below static/ are served as they lie there, as ES modules, without
// a build step. polling.js, longpoll.js, sse.js and websocket.js are the four
// transports, in one shape, to be read side by side:
//
//	open(url, after, on) → close
//
//	url    where to ask, with a query that more can be added to
//	after  the cursor "EPOCH-ID" to go on from; "": from now
//	on     state(text, why)  connecting, live, or down and why
//	       message(m, now)   a message, and when it arrived (performance.now())
//	       gap({from, to})   ids that can no longer be had
//	       epoch(epoch)      the epoch of what follows, when it is another
//	       interval()        how long polling is to wait, in milliseconds
//
// After a cut they ask again from their own cursor, so nothing is lost.
// lane.js measures and shows what they report, and main.js joins it all. The
// arithmetic is kept apart (tally, clock, latency, age, quantile, backoff,
// format) and tested alone, in testdata/.
//
// Nothing is loaded from another host, and there is no inline script or style:
// a policy of "default-src 'none'; script-src 'self'; style-src 'self';
// img-src 'self'" and a connect-src with both addresses is enough.
package web

import (
	"embed"
	"html/template"
	"io"
	"io/fs"
)

//go:embed index.html static
var files embed.FS

var index = template.Must(template.ParseFS(files, "index.html"))

// Data is what the page is told.
type Data struct {
	Control string // the origin of the control API, such as http://127.0.0.1:8081
	Plain   string // the origin of the page without TLS, where a browser speaks HTTP/1.1
	Secure  string // the same with TLS and HTTP/2; "": the lab has none
}

// Index writes the page's HTML. The error is w's.
func Index(w io.Writer, data Data) error {
	return index.Execute(w, data)
}

// Static returns the files that the page asks for below /static/.
func Static() fs.FS {
	static, err := fs.Sub(files, "static")
	if err != nil {
		panic(err) // "static" is a valid path
	}
	return static
}
