package web_test

import (
	"bytes"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"fourwires/internal/needs"
)

// What the page says to type shows, in a shell, the headers and the messages of this very lab, on HTTP/1.1 and on
// HTTP/2.
func TestWire(t *testing.T) {
	chromium(t)
	needs.Program(t, "apt-get install curl", "curl")
	t.Parallel()
	s := serve(t, market(), nil)
	for origin, status := range map[string]string{
		"http://" + s.lanes.String(): "HTTP/1.1 200 OK",
		"https://" + s.tls.String():  "HTTP/2 200",
	} {
		tab := s.tab(t)
		tab.open(origin + "/#free")
		tab.untilAll("live")
		commands := eval[map[string]string](tab, `Object.fromEntries([...document.querySelectorAll("#wire dl div")].map((div) => [div.dataset.lane, div.querySelector("code").textContent]))`)
		for lane, message := range map[string]string{"polling": `"messages":[`, "longpoll": `"messages":[{`, "sse": "\ndata: {", "websocket": `{"id":`} {
			start := status
			if lane == "websocket" {
				start = "HTTP/1.1 101 Switching Protocols"
			}
			typed(t, commands[lane], "< "+start, message)
		}
	}
	out, err := exec.Command("go", "run", "../cmd/lab", "wire", "sse", "--http", "2", "--tls").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "unaccounted: 0 B") {
		t.Errorf("lab wire: %v\n%s", err, out)
	}
}

// typed runs a command in a shell until it has written all of wants, or has ended. A stream has no end of its own.
func typed(t *testing.T, command string, wants ...string) {
	t.Helper()
	var out written
	shell := exec.Command("sh", "-c", "exec "+command)
	shell.Stdout, shell.Stderr = &out, &out
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- shell.Wait() }()
	defer func() {
		shell.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("%s has written\n%s", command, &out)
		}
	}()
	eventually(t, command+" writes "+strings.Join(wants, " and "), func() bool {
		all := true
		for _, want := range wants {
			all = all && strings.Contains(out.String(), want)
		}
		return all
	})
}

// written is what a program has written so far.
type written struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.String()
}
