package web_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// receive has a page read by each way, on three messages that are there, and keeps the
// stream open: whether the last chunk of one that was left still comes is chance. Both
// polls are of one second: with the next, Date is another, and HTTP/2 writes it out
// again.
const receive = `(async () => {
	await new Promise((go) => setTimeout(go, 1010 - Date.now() % 1000));
	const whole = async (url) => (await fetch(url, { cache: "no-store" })).text();
	await whole("/polling?after=0&page=poll");
	await whole("/polling?after=3&page=none");
	await new Promise((done) => {
		window.stream = new EventSource("/sse?after=0&page=sse");
		let left = 3;
		stream.onmessage = () => --left || done();
	});
	await new Promise((done) => {
		const socket = new WebSocket(location.origin.replace("http", "ws") + "/websocket?after=0&page=websocket");
		let left = 4; // the first frame, and three messages
		socket.onmessage = () => --left || socket.close();
		socket.onclose = done;
	});
	await new Promise((go) => setTimeout(go, 100)); // until the server has counted what it wrote
	return true;
})()`

// leave has the page leave the stream, and tell what the browser says of all four.
const leave = `(async () => {
	stream.close();
	for (;;) {
		const entries = performance.getEntriesByType("resource")
			.map(({ name, encodedBodySize, transferSize }) => ({ Page: new URL(name).searchParams.get("page"), Body: encodedBodySize, Transfer: transferSize }));
		if (entries.some(({ Page }) => Page === "sse")) {
			return entries;
		}
		await new Promise((go) => setTimeout(go, 10));
	}
})()`

// TestTransferSize sets what a browser says of bytes beside those of HTTP that came
// down on its socket; how many records of TLS they came in, and whether one was shared
// with a frame of the connection's, is chance. It prints what chapter 10 of the docs
// shows; on HTTP/2 the Huffman codes of epoch and Date may be a few bytes longer or
// shorter there.
func TestTransferSize(t *testing.T) {
	chromium(t)
	s := serve(t, quiet(100), nil, many(3)...)
	lines := []string{"what came down                                body   transferSize   on the socket"}
	for _, by := range []struct {
		name, origin string
		ways         int
	}{
		{"HTTP/1.1", "http://" + s.lanes.String(), 4},
		{"HTTP/2, TLS", "https://" + s.tls.String(), 2},
	} {
		tab := s.bare(t, by.origin)
		down := map[string]int64{}
		count := func(sign int64) {
			for _, row := range s.Ledger.Snapshot().Rows {
				if row.Transport != "connection" {
					down[row.Page] += sign * (row.Down.Total - row.Down.TLS)
				}
			}
		}
		count(-1)
		eval[bool](tab, receive)
		count(+1)
		entries := eval[[]struct {
			Page           string
			Body, Transfer int64
		}](tab, leave)
		for _, way := range []struct{ page, title string }{
			{"poll", "a poll, three messages"},
			{"none", "a poll, no news"},
			{"sse", "a stream, three events"},
			{"websocket", "a WebSocket, three messages"},
		}[:by.ways] {
			body, transfer := "no entry", "no entry"
			for _, e := range entries {
				if e.Page == way.page {
					body, transfer = fmt.Sprint(e.Body), fmt.Sprint(e.Transfer)
				}
			}
			lines = append(lines, fmt.Sprintf("%-12s %-28s %8s %14s %15d", by.name, way.title, body, transfer, down[way.page]))
		}
	}
	fmt.Fprintln(t.Output(), strings.Join(lines, "\n"))

	page, err := os.ReadFile(filepath.Join("..", "docs", "10-counting-bytes.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), lines[0]+"\n")
	for _, line := range lines[1:] {
		var shown string
		shown, rest, _ = strings.Cut(rest, "\n")
		shown = strings.TrimSpace(shown)
		at := strings.LastIndex(line, " ") + 1
		var got, want int
		fmt.Sscan(line[at:], &got)
		if len(shown) == len(line) {
			fmt.Sscan(shown[at:], &want)
		}
		if off := max(got-want, want-got); want == 0 || shown[:at] != line[:at] || off > 0 && (off > 3 || !strings.HasPrefix(line, "HTTP/2")) {
			t.Errorf("docs/10-counting-bytes.md shows\n%s\nand it is\n%s", shown, line)
		}
	}
}
