package web_test

import (
	"os/exec"
	"strings"
	"testing"
)

// What the page says to type shows, in a shell, the heads and the messages of this
// very lab, on HTTP/1.1 and on HTTP/2.
func TestWire(t *testing.T) {
	chromium(t)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Fatalf("this calls curl: install it and have it on the PATH (%v)", err)
	}
	t.Parallel()
	s := serve(t, market(), nil)
	for origin, status := range map[string]string{"http://" + s.lanes.String(): "HTTP/1.1 200 OK", "https://" + s.tls.String(): "HTTP/2 200"} {
		tab := s.tab(t)
		tab.open(origin + "/#free")
		tab.untilAll("live")
		commands := eval[map[string]string](tab, `Object.fromEntries([...document.querySelectorAll("#wire dl div")].map((div) => [div.dataset.lane, div.querySelector("code").textContent]))`)
		for lane, message := range map[string]string{"polling": `"messages":[`, "longpoll": `"messages":[{`, "sse": "\ndata: {", "websocket": `{"id":`} {
			head := status
			if lane == "websocket" {
				head = "HTTP/1.1 101 Switching Protocols"
			}
			// A stream has no end of its own: curl ends it, and says so by its exit status.
			out, err := exec.Command("sh", "-c", strings.Replace(commands[lane], "curl ", "curl --max-time 3 ", 1)).CombinedOutput()
			if text := string(out); !strings.Contains(text, "< "+head) || !strings.Contains(text, message) {
				t.Errorf("%s: %s (%v)\n%s", lane, commands[lane], err, text)
			}
		}
	}
	out, err := exec.Command("go", "run", "../cmd/lab", "wire", "sse", "--http", "2", "--tls").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "unaccounted: 0 B") {
		t.Errorf("lab wire: %v\n%s", err, out)
	}
}
