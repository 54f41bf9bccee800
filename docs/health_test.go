package docs_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fourwires/internal/needs"
)

// TestHealth has HAProxy check the lab's health as how-to shows: it finds the lab healthy, and forwards requests to it.
func TestHealth(t *testing.T) {
	path := needs.Program(t, "apt-get install haproxy", "haproxy")
	lanes, _ := open(t)
	text, err := os.ReadFile(filepath.Join("testdata", "haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.ReplaceAll(string(text), "127.0.0.1:8080", strings.TrimPrefix(lanes, "http://"))
	conf = strings.ReplaceAll(conf, "inter 1s", "inter 50ms")
	haproxy := exec.CommandContext(t.Context(), path, "-db", "-f", filepath.Join(t.TempDir(), "haproxy.cfg"))
	urls := map[string]string{} // by those of the file; HAProxy is given the sockets themselves
	for _, named := range []string{"127.0.0.1:8089", "127.0.0.1:8090"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		socket, err := listener.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		haproxy.ExtraFiles = append(haproxy.ExtraFiles, socket)
		conf = strings.ReplaceAll(conf, "bind "+named, fmt.Sprintf("bind fd@%d", 2+len(haproxy.ExtraFiles)))
		urls[named] = "http://" + listener.Addr().String()
	}
	if err := os.WriteFile(haproxy.Args[3], []byte(conf), 0o666); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	haproxy.Stdout, haproxy.Stderr = &said, &said
	if err := haproxy.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		haproxy.Process.Kill()
		haproxy.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	}()

	get := func(url string) string {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	checked := "INI" // until the first check has ended
	for end := time.Now().Add(patience); checked == "INI"; {
		table := strings.TrimPrefix(get(urls["127.0.0.1:8090"]+"/;csv"), "# ")
		rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
		if err != nil || time.Now().After(end) {
			t.Fatalf("%v, no check in %v", err, patience)
		}
		for _, row := range rows {
			for i, column := range rows[0] {
				if row[1] == "lab" && column == "check_status" {
					checked = strings.TrimPrefix(row[i], "* ")
				}
			}
		}
	}
	if checked != "L7OK" {
		t.Errorf("HAProxy finds the lab %s, want L7OK", checked)
	}
	if body := get(urls["127.0.0.1:8089"] + "/healthz"); body != `{"status":"ok"}` {
		t.Errorf("through HAProxy: %s", body)
	}
}
