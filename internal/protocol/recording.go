package protocol

import (
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/net/http2/hpack"
)

//go:generate go test -run TestRecord -record

// chromium1 is what Chromium sends by HTTP/1.1: for each kind of request, after a line with the kind in brackets, the
// header lines in their order. {host} stands for the host and port, {key} for the WebSocket's random key, {length} for
// the length of the body.
//
//go:embed testdata/chrome-headers.txt
var chromium1 string

// chromium2 is what Chromium sends by HTTP/2, on one connection: a line for each header block (RFC 7541), in
// hexadecimal digits.
//
//go:embed testdata/chrome-http2.txt
var chromium2 string

// A recording is what Chromium sends after the request line or the pseudo-header fields, by kind of request. {origin}
// stands for the scheme, host and port; the other placeholders are those of chromium1.
type recording struct {
	lines  map[string][]string            // of HTTP/1.1
	fields map[string][]hpack.HeaderField // of HTTP/2
}

// kinds are the kinds of requests that are recorded.
var kinds = []string{"fetch", "post", "eventsource", "websocket"}

var recorded = sync.OnceValues(func() (recording, error) { return readRecording(chromium1, chromium2) })

// readRecording reads both texts, whichever line ends they have: git may have changed them. A kind that is missing is
// an error.
func readRecording(http1, http2 string) (recording, error) {
	r := recording{map[string][]string{}, map[string][]hpack.HeaderField{}}
	for set := range strings.SplitSeq(strings.TrimSpace(strings.ReplaceAll(http1, "\r\n", "\n")), "\n\n") {
		lines := strings.Split(strings.ReplaceAll(set, "http://{host}", "{origin}"), "\n")
		r.lines[strings.Trim(lines[0], "[]")] = lines[1:]
	}
	decoder := hpack.NewDecoder(tableSize, nil)
	for line := range strings.Lines(http2) {
		block, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			return r, fmt.Errorf("testdata/chrome-http2.txt: %w", err)
		}
		fields, err := decoder.DecodeFull(block)
		if err == nil && len(fields) < 4 {
			err = fmt.Errorf("a block of %d fields", len(fields))
		}
		if err != nil {
			return r, fmt.Errorf("testdata/chrome-http2.txt: %w", err)
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(fields[3].Value, "/"), "?")
		if r.fields[kind] != nil {
			continue // the first block of a kind is enough
		}
		host := fields[1].Value
		for _, f := range fields[4:] {
			f.Value = strings.ReplaceAll(f.Value, "https://"+host, "{origin}")
			if f.Name == "content-length" {
				f.Value = "{length}"
			}
			r.fields[kind] = append(r.fields[kind], f)
		}
	}
	for _, kind := range kinds {
		if len(r.lines[kind]) == 0 {
			return r, fmt.Errorf("testdata/chrome-headers.txt has no [%s]", kind)
		}
		if len(r.fields[kind]) == 0 && kind != "websocket" { // it opens its connection by HTTP/1.1
			return r, fmt.Errorf("testdata/chrome-http2.txt has no /%s", kind)
		}
	}
	return r, nil
}

// kindOf returns the kind of a request; value returns the value of one of its headers.
func kindOf(method string, value func(name string) string) (string, error) {
	switch {
	case method == "GET" && strings.EqualFold(value("upgrade"), "websocket"):
		return "websocket", nil
	case method == "GET" && value("accept") == "text/event-stream":
		return "eventsource", nil
	case method == "GET":
		return "fetch", nil
	case method == "POST":
		return "post", nil
	}
	return "", fmt.Errorf("no %s of Chromium's is recorded, only GET and POST", method)
}
