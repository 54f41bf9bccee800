package lab_test

import (
	"fmt"
	"strings"
	"testing"

	"fourwires/feed"
	"fourwires/internal/lab/labtest"
)

func TestPublishAndEcho(t *testing.T) {
	l, lanes, _ := onLoopback(t, labtest.Quiet(feed.Keep))
	resp, body := ask(t, "POST", lanes+"/publish?page=7f3a", ` {"text": "<b>"} `, "Origin: "+lanes)
	msgs, _, _ := l.Feed.Since(feed.Cursor{}, nil)
	if len(msgs) != 1 || string(msgs[0].Data) != `{"text":"<b>"}` {
		t.Fatalf("the feed has %v", msgs)
	}
	if want := fmt.Sprintf(`{"at":%d,"id":1}`, msgs[0].At); resp.StatusCode != 201 || body != want {
		t.Errorf("publish: %d %s, want 201 %s", resp.StatusCode, body, want)
	}
	resp, body = ask(t, "POST", lanes+"/echo", "<script>")
	if resp.StatusCode != 200 || body != "Server received: <script>" ||
		!strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("echo: %d %s %v", resp.StatusCode, body, resp.Header)
	}
}
