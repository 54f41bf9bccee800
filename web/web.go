// Package web is the page: four lanes side by side, each fed by the platform's
// own means (fetch, fetch, EventSource, WebSocket).
//
// The files below static/ are served as they lie there, as ES modules, without
// a build step. transports/ has polling.js, longpoll.js, sse.js and websocket.js, the
// four transports, in one shape, to be read side by side:
//
//	open(url, after, on) → close
//
//	url    where to ask, with a query that more can be added to
//	after  the cursor "EPOCH-ID" to go on from; "": from now
//	on     state(text, why)  connecting, live, or down and why
//	       asked(now)        a request leaves (performance.now())
//	       answered(now)     its answer is there; of a stream, its head
//	       message(m, now)   a message, and when it arrived
//	       beat(now)         a heartbeat, where the url asks for them
//	       gap({from, to})   ids that can no longer be had
//	       epoch(epoch, id)  the epoch of what follows, when it is another, and behind which id
//	       interval()        how long polling is to wait, in milliseconds
//	       silence()         after how many a stream counts as cut; 0: never
//	       pipe(send)        the WebSocket is open, and send(text) goes up it
//
// After a cut they ask again from their own cursor, so nothing is lost. The other folders:
//
//	lane/     what a transport reports: its record, and all that is measured by it
//	stage/    what is drawn of a record: what is under way, and the age
//	charts/   the latencies and the bytes of the four lanes beside each other
//	panels/   the feed, the network, upstream, the scenarios, the wire, files to save
//	scenes/   the five scenes: what they do, and how what was measured is compared with
//	          what was expected
//	lab/      the control API, the clock, the ledger, and which tab of a browser measures
//	figures/  how figures are counted and written
//
// main.js builds the parts. The arithmetic is apart from what is shown, and tested
// alone, by testdata/.
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

var index = template.Must(template.New("index.html").Funcs(template.FuncMap{
	"modules": func() ([]string, error) { return fs.Glob(Static(), "*/*.js") }, // to be loaded at once, not import by import
}).ParseFS(files, "index.html"))

// Data is what the page is told.
type Data struct {
	Lab     string // which lab this is, for what is saved
	Control string // the origin of the control API, such as http://127.0.0.1:8081; "": this page cannot use it
	Barred  string // and why, as a sentence without its end
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
