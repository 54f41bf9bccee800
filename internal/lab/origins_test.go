package lab_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"

	gorilla "github.com/gorilla/websocket"
)

// The control API can be read and used by the page that this lab serves, under
// any of its names, and by scripts; and by no other page.
func TestControl(t *testing.T) {
	_, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	for origin, want := range map[string]string{
		lanes: lanes,
		strings.Replace(lanes, "127.0.0.1", "localhost", 1): strings.Replace(lanes, "127.0.0.1", "localhost", 1),
		"http://evil.example":                               "",
		control:                                             "",
		"null":                                              "",
	} {
		for _, method := range []string{"GET", "OPTIONS"} {
			resp, _ := ask(t, method, control+"/control/feed", "", "Origin: "+origin, "Access-Control-Request-Method: PATCH")
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got != want || resp.Header.Get("Vary") != "Origin" {
				t.Errorf("%s from %s: allowed is %q, Vary %q, want %q", method, origin, got, resp.Header.Get("Vary"), want)
			}
		}
	}
	for _, url := range []string{control + "/control/feed", control + "/control/ledger", control + "/metrics", control + "/nothing", control + "/healthz", lanes + "/healthz"} {
		if resp, _ := ask(t, "GET", url, ""); resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: Cache-Control %q, want no-store", url, resp.Header.Get("Cache-Control"))
		}
	}
	resp, body := ask(t, "PATCH", control+"/control/feed", `{"source":"market","rate":100,"phase":"even","payload":99}`, "Origin: "+lanes)
	if want := `"source":"market","rate":100,"phase":"even","burst":1,"apart_ms":0,"payload":99,"seed":1,`; resp.StatusCode != 200 || !strings.Contains(body, want) {
		t.Errorf("change: %d %s, want %s", resp.StatusCode, body, want)
	}
	resp, body = ask(t, "GET", lanes+"/polling?after=0", "")
	for resp.StatusCode == 204 { // the first is due in 10 ms
		resp, body = ask(t, "GET", lanes+"/polling?after=0", "")
	}
	if !strings.Contains(body, `"data":{"symbol":`) || !strings.Contains(body, `"pad":"x`) {
		t.Errorf("after the change the feed has %s, want a padded market", body)
	}
}

// The page over TLS is of another origin: it may use the control API, too, read
// its own address and publish there; and no page of that port without TLS may.
func TestOriginTLS(t *testing.T) {
	on, err := lab.Loopback(true)
	if err != nil {
		t.Fatal(err)
	}
	labtest.StartOn(t, labtest.Quiet(feed.Keep), on)
	secured, control := "https://"+on.TLS.Addr().String(), "http://"+on.Control.Addr().String()
	for origin, allowed := range map[string]bool{
		secured: true,
		strings.Replace(secured, "127.0.0.1", "localhost", 1): true,
		strings.Replace(secured, "127.0.0.1", "[::1]", 1):     true,
		strings.Replace(secured, "https", "http", 1):          false,
		"https://" + on.Lanes.Addr().String():                 false,
		"https://evil.example":                                false,
	} {
		want, status := "", 403
		if allowed {
			want, status = origin, 200
		}
		if resp, _ := ask(t, "GET", control+"/control/feed", "", "Origin: "+origin); resp.Header.Get("Access-Control-Allow-Origin") != want {
			t.Errorf("from %s: allowed is %q, want %q", origin, resp.Header.Get("Access-Control-Allow-Origin"), want)
		}
		if resp, body := ask(t, "PATCH", control+"/control/feed", `{"rate":5}`, "Origin: "+origin); resp.StatusCode != status {
			t.Errorf("from %s: %d %s, want %d", origin, resp.StatusCode, body, status)
		}
	}
	for origin, status := range map[string]int{secured: 201, "https://evil.example": 403} {
		if resp, body := ask(t, "POST", secured+"/publish", "1", "Origin: "+origin); resp.StatusCode != status {
			t.Errorf("a page of %s publishes: %d %s, want %d", origin, resp.StatusCode, body, status)
		}
		header := http.Header{"Origin": {origin}}
		dialer := gorilla.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		conn, _, err := dialer.Dial("wss"+strings.TrimPrefix(secured, "https")+"/websocket", header)
		if (err == nil) != (status == 201) {
			t.Errorf("a page of %s opens a WebSocket: %v", origin, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
	if resp, body := ask(t, "GET", secured+"/polling", "", "Host: evil.example"); resp.StatusCode != 403 {
		t.Errorf("as evil.example: %d %s, want 403", resp.StatusCode, body)
	}
	if resp, body := ask(t, "GET", secured+"/", ""); !strings.Contains(resp.Header.Get("Content-Security-Policy"), " wss://"+on.TLS.Addr().String()+" "+control+" ws://") ||
		!strings.Contains(body, control) {
		t.Errorf("the page: %v, and does it name %s? %s", resp.Header, control, body)
	}
}

// A page that may ask at all may send any header that its code adds.
func TestPreflight(t *testing.T) {
	settings := labtest.Quiet(feed.Keep)
	settings.Origins = []string{"http://friend.example:3000"}
	_, lanes, control := onLoopback(t, settings)
	for _, test := range []struct{ url, origin, method string }{
		{lanes + "/sse", settings.Origins[0], "GET"},
		{lanes + "/publish", settings.Origins[0], "POST"},
		{control + "/control/feed", lanes, "PATCH"},
	} {
		const wants = "authorization,cache-control,last-event-id,pragma,traceparent,x-requested-with"
		resp, _ := ask(t, "OPTIONS", test.url, "", "Origin: "+test.origin, "Access-Control-Request-Method: "+test.method, "Access-Control-Request-Headers: "+wants)
		if got := resp.Header.Get("Access-Control-Allow-Headers"); resp.StatusCode != 204 || got != wants ||
			!strings.Contains(resp.Header.Get("Access-Control-Allow-Methods"), test.method) {
			t.Errorf("%s: %s %v, want %s", test.url, resp.Status, resp.Header, wants)
		}
		resp, _ = ask(t, "OPTIONS", test.url, "", "Origin: http://evil.example", "Access-Control-Request-Method: "+test.method, "Access-Control-Request-Headers: "+wants)
		if got := resp.Header.Get("Access-Control-Allow-Headers"); got != "" {
			t.Errorf("%s: a page of evil.example may send %s", test.url, got)
		}
	}
}

// A port that is the scheme's own may be written or left out, in Host, in Origin and in --allow-origin: it is one
// origin (RFC 6454, section 4). nginx writes it ($host:$server_port); browsers leave it out.
func TestDefaultPort(t *testing.T) {
	settings := labtest.Quiet(feed.Keep)
	settings.Origins = []string{"https://friend.example:443", "http://[fe80::80]"}
	_, lanes, control := onLoopback(t, settings)
	upgrade := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}
	for _, test := range []struct {
		host, origin string
		own          bool
	}{
		{"127.0.0.1:80", "http://127.0.0.1", true},
		{"127.0.0.1", "http://127.0.0.1:80", true},
		{"localhost:443", "https://localhost", true},
		{"LOCALHOST", "https://localhost", true},
		{"[::1]:80", "http://[::1]", true},
		{"[::1]", "http://[::1]", true},
		{"127.0.0.1:443", "http://127.0.0.1", false},
		{"127.0.0.1:80", "https://127.0.0.1", false},
		{"127.0.0.1:8080", "http://127.0.0.1", false},
		{"127.0.0.1", "http://127.0.0.1:8080", false},
		{"127.0.0.1:80", "http://localhost", false},
		{"127.0.0.1:80", "null", false},
		{"127.0.0.1:80", "http://", false},
		{"127.0.0.1", "https://friend.example", true},
		{"127.0.0.1", "https://friend.example:443", true},
		{"127.0.0.1", "http://friend.example", false},
		{"127.0.0.1", "http://[fe80::80]", true},
	} {
		from := []string{"Host: " + test.host, "Origin: " + test.origin}
		status := map[bool]int{true: 201, false: 403}[test.own]
		if resp, body := ask(t, "POST", lanes+"/publish", "1", from...); resp.StatusCode != status {
			t.Errorf("a page of %s publishes to %s: %d %s, want %d", test.origin, test.host, resp.StatusCode, body, status)
		}
		if resp, body := ask(t, "POST", lanes+"/publish", "1", append(from, "Sec-Fetch-Site: cross-site")...); resp.StatusCode != 403 && !strings.Contains(test.origin, "friend") && !strings.Contains(test.origin, "fe80") {
			t.Errorf("%s publishes to %s, and the browser says that it is another site: %d %s", test.origin, test.host, resp.StatusCode, body)
		}
		for _, path := range []string{"/websocket", "/websocket/echo"} {
			status := map[bool]int{true: 101, false: 403}[test.own]
			req, _ := http.NewRequest("GET", lanes+path, nil)
			for _, header := range append(from, upgrade...) {
				name, value, _ := strings.Cut(header, ": ")
				req.Header.Set(name, value)
			}
			req.Host = test.host
			resp, err := new(http.Transport).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			if resp.Body.Close(); resp.StatusCode != status {
				t.Errorf("a page of %s opens %s of %s: %d, want %d", test.origin, path, test.host, resp.StatusCode, status)
			}
		}
	}
	if resp, _ := ask(t, "GET", control+"/control/feed", "", "Origin: "+lanes); resp.Header.Get("Access-Control-Allow-Origin") != lanes {
		t.Errorf("the page may not read the control API: %v", resp.Header)
	}
}

// Pages of an origin that is allowed may read, publish and open a WebSocket.
func TestAllowOrigin(t *testing.T) {
	settings := labtest.Quiet(feed.Keep)
	settings.Origins = []string{"http://friend.example:3000"}
	_, lanes, _ := onLoopback(t, settings)
	for origin, allowed := range map[string]bool{"http://friend.example:3000": true, "http://friend.example": false, "http://evil.example": false} {
		resp, _ := ask(t, "GET", lanes+"/polling", "", "Origin: "+origin)
		want := ""
		if allowed {
			want = origin
		}
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("a page of %s: allowed is %q, want %q", origin, got, want)
		}
		if resp, _ := ask(t, "POST", lanes+"/publish", "1", "Origin: "+origin); (resp.StatusCode == 201) != allowed {
			t.Errorf("a page of %s publishes: %d", origin, resp.StatusCode)
		}
		if resp, _ := ask(t, "OPTIONS", lanes+"/publish", "", "Origin: "+origin); (resp.StatusCode == 204) != allowed {
			t.Errorf("a page of %s asks beforehand: %d", origin, resp.StatusCode)
		}
		conn, resp, err := gorilla.DefaultDialer.Dial("ws"+strings.TrimPrefix(lanes, "http")+"/websocket", http.Header{"Origin": {origin}})
		if (err == nil) != allowed {
			t.Errorf("a page of %s opens a WebSocket: %v %v", origin, resp, err)
		}
		if conn != nil {
			conn.Close()
		}
	}
	settings.Origins = []string{"friend.example"}
	if _, err := lab.New(settings); err == nil {
		t.Error("friend.example passes for an origin")
	}
}
