// Package web is the page: four lanes side by side, each fed by the platform's own means (fetch, fetch, EventSource,
// WebSocket).
//
// The files below static/ are served as they are, as ES modules, without a build step. main.js builds the parts; the
// folders are the layers:
//
//	figures/     how figures are counted and written
//	transports/  polling.js, longpoll.js, sse.js, websocket.js; transports.js lists them
//	lab/         the control API, the clock, the ledger and its arithmetic (bytes.js), the state that the parts
//	             share (page.js), and which tab of a browser measures (leader.js)
//	lane/        what a transport reports: its record (record.js) and all that is measured by it: latency.js,
//	             age.js, tally.js; lanes.js is the four together
//	stage/       the diagram: its model (model.js), where all of it is drawn (layout.js, canvas.js), of which instant
//	             (scrub.js), and the story of a line (story.js); frames.js says when
//	charts/      the latencies and the bytes of the four lanes beside each other
//	inspector/   the bytes of one exchange: their fields, hex, sums by part; connections; the command for curl
//	panels/      the feed, the network, upstream, the scenarios, the wire, files to save; the keys (keys.js)
//	scenes/      the five scenes (scenes.js), how they are played (player.js), what they do (actions.js), and
//	             how they compare what was measured with what was expected (checks.js)
//
// The four transports have one shape, open(url, after, on) → close, to be read side by side: the types Open and On in
// transports.js describe each argument. After a cut they ask from their own cursor, so nothing is lost.
//
// The arithmetic is apart from what is shown, and tested alone, by testdata/. The types in the comments are checked by
// tsc, with jsconfig.json.
//
// Nothing is loaded from another host, and there is no inline script or style: a policy of "default-src 'none';
// script-src 'self'; style-src 'self'; img-src 'self'" and a connect-src with both addresses is enough.
package web

import (
	"embed"
	"html/template"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
)

//go:embed index.html static
var files embed.FS

var index = template.Must(template.New("index.html").Funcs(template.FuncMap{
	"modules": modules,
}).ParseFS(files, "index.html"))

// imports are the imports of a module that are loaded with it, unlike those that it loads when it needs them.
var imports = regexp.MustCompile(`(?m)^import .*from "(\.[^"]+)";$`)

// modules returns those that main.js needs, to be loaded at once, not import by import.
func modules() ([]string, error) {
	found := []string{"main.js"}
	for i := 0; i < len(found); i++ {
		text, err := fs.ReadFile(Static(), found[i])
		if err != nil {
			return nil, err
		}
		for _, match := range imports.FindAllSubmatch(text, -1) {
			name := path.Join(path.Dir(found[i]), string(match[1]))
			if !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	return found[1:], nil
}

// Data is what the lab writes into the page.
type Data struct {
	Lab     string // which lab this is, for files that are saved
	Control string // the origin of the control API, such as http://127.0.0.1:8081; "": this page cannot use it
	Barred  string // why it cannot, as a sentence without a full stop
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
