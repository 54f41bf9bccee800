package web_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fourwires/internal/needs"
)

// nginx starts a real one, which passes everything on to the lab as the directives say,
// and returns its address.
func nginx(t *testing.T, to, directives string) string {
	t.Helper()
	program := needs.Program(t, "apt-get install nginx", "nginx")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at, dir := free.Addr().String(), t.TempDir()
	free.Close()
	temporary := ""
	for _, what := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += what + "_temp_path temporary; "
	}
	conf := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, `
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {}
http {
	access_log off; %s
	map $http_upgrade $how { default upgrade; "" ""; }
	server {
		listen %s;
		location / {
			proxy_pass http://%s;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $how;
			%s
		}
	}
}
`, temporary, at, to, directives), 0o600); err != nil {
		t.Fatal(err)
	}
	var says bytes.Buffer
	proxy := exec.Command(program, "-e", "stderr", "-p", dir, "-c", conf)
	proxy.Stderr = &says
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		proxy.Process.Signal(os.Interrupt) // at once: its clients go with it
		proxy.Wait()
		if t.Failed() {
			t.Logf("nginx: %s", &says)
		}
	})
	eventually(t, "nginx listens at "+at, func() bool {
		conn, err := net.Dial("tcp", at)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return at
}

// A real nginx that compresses makes every ETag a weak one (RFC 9110, section 8.8.1), and
// each answer of another length: all four lanes have all messages.
func TestCompressingProxy(t *testing.T) {
	inBoth(t, func(t *testing.T, newTab opener) {
		s := newTab.serve(t, quiet(100), nil, many(50)...)
		at := nginx(t, s.lanes.String(), "proxy_buffering off; gzip on; gzip_min_length 1; gzip_types application/json text/event-stream;")

		asked, err := http.NewRequest("GET", "http://"+at+"/polling?after=49", nil)
		if err != nil {
			t.Fatal(err)
		}
		asked.Header.Set("Accept-Encoding", "gzip")
		answer, err := http.DefaultTransport.RoundTrip(asked)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		http.DefaultClient.CloseIdleConnections()
		if tag := answer.Header.Get("ETag"); !strings.HasPrefix(tag, "W/") || answer.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("nginx has not compressed: %v", answer.Header)
		}

		tab := newTab(t, "http://"+at, "http://"+s.control.String())
		tab.expects(append(outage, foreign...)...) // the controls are for the lanes' own port
		tab.open("http://" + at + "/#free")
		tab.untilAll("live")
		tab.pollOften()
		for n := 1; n <= 3; n++ {
			s.publish(t, many(3)...)
			tab.untilIDs(s.ids(51, 50+3*n), 3*n)
		}
		if got := eval[string](tab, `document.querySelector("#costs").innerText`); !strings.Contains(got, "no bytes: ") {
			t.Errorf("of the bytes it says %q", got)
		}
	})
}
