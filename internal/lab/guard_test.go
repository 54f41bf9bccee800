package lab_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/wire"

	gorilla "github.com/gorilla/websocket"
)

// ask makes one request and returns its status and body. A header is given as
// "Name: value".
func ask(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// Bad input is answered with one JSON sentence and changes nothing.
func TestRefusals(t *testing.T) {
	l, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	publish(t, l.Feed, 1, 1)
	page := "Origin: " + lanes
	for _, test := range []struct {
		method, url, body string
		headers           []string
		status            int
		sentence          string // a part of it
	}{
		{"GET", lanes + "/polling?afer=0", "", nil, 400, `/polling does not know "afer"`},
		{"GET", lanes + "/polling?wait=1s", "", nil, 400, `/polling does not know "wait"`},
		{"GET", lanes + "/longpoll?heartbeat=5s", "", nil, 400, `/longpoll does not know "heartbeat"`},
		{"GET", lanes + "/polling?after=0&after=1", "", nil, 400, "after is given 2 times"},
		{"GET", lanes + "/polling?page=UPPER", "", nil, 400, "page is"},
		{"GET", lanes + "/polling?page=", "", nil, 400, "page is"},
		{"GET", lanes + "/polling?after=%zz", "", nil, 400, "invalid URL escape"},
		{"GET", lanes + "/polling?after=1;wait=2", "", nil, 400, "semicolon"},
		{"GET", lanes + "/polling?after=2", "", nil, 400, "lies ahead"},
		{"GET", lanes + "/longpoll?after=2", "", nil, 400, "lies ahead"},
		{"GET", lanes + "/sse?after=2", "", nil, 400, "lies ahead"},
		{"GET", lanes + "/websocket?after=2", "", nil, 400, "lies ahead"},
		{"GET", lanes + "/longpoll?wait=1h", "", nil, 400, "wait is a duration from 0s to 1m0s"},
		{"GET", lanes + "/sse?heartbeat=1ms", "", nil, 400, "heartbeat is a duration from 1s to 15s"},
		{"GET", lanes + "/websocket?heartbeat=1h", "", nil, 400, "heartbeat is a duration from 1s to 15s"},
		{"GET", lanes + "/websocket", "", nil, 400, "websocket"},
		{"POST", lanes + "/polling", "", nil, 405, "/polling takes GET, HEAD"},
		{"DELETE", lanes + "/sse", "", nil, 405, "/sse takes GET, HEAD"},
		{"GET", lanes + "/publish", "", nil, 405, "/publish takes POST"},
		{"GET", lanes + "/nothing", "", nil, 404, "nothing is at /nothing"},
		{"GET", lanes + "/static/nothing.js", "", nil, 404, "nothing is at /static/nothing.js"},
		{"GET", lanes + "/static/", "", nil, 404, "nothing is at /static/"},
		{"GET", lanes + "/?afer=0", "", nil, 400, `does not know "afer"`},
		{"GET", lanes + "/websocket/echo?stamps=x", "", nil, 400, "stamps is 1"},
		{"GET", lanes + "/polling/", "", nil, 404, "nothing is at /polling/"},
		{"GET", lanes + "/control/feed", "", nil, 404, "nothing is at /control/feed"},
		{"GET", control + "/polling", "", nil, 404, "nothing is at /polling"},
		{"POST", lanes + "/publish", "{", nil, 400, "not valid JSON"},
		{"POST", lanes + "/publish", "", nil, 400, "not valid JSON"},
		{"POST", lanes + "/publish", "\"\xff\"", nil, 400, "bad UTF-8"},
		{"POST", lanes + "/publish", `"` + strings.Repeat("x", feed.MaxData) + `"`, nil, 413, "at most 65536 bytes"},
		{"POST", lanes + "/publish", strings.Repeat("[", feed.MaxDepth+1) + strings.Repeat("]", feed.MaxDepth+1), nil, 413, "more than 60 levels"},
		{"POST", lanes + "/publish?after=1", "1", nil, 400, `does not know "after"`},
		{"POST", lanes + "/echo", strings.Repeat("x", feed.MaxData+1), nil, 413, "at most 65536 bytes"},
		{"POST", lanes + "/echo", "\xff", nil, 400, "UTF-8"},
		{"POST", lanes + "/publish", "1", []string{"Origin: http://evil.example"}, 403, "another origin (http://evil.example)"},
		{"POST", lanes + "/publish", "1", []string{"Origin: null"}, 403, "another origin (null)"},
		{"POST", lanes + "/publish", "1", []string{"Sec-Fetch-Site: cross-site"}, 403, "another origin"},
		{"GET", lanes + "/websocket", "", []string{"Origin: http://evil.example", "Connection: Upgrade", "Upgrade: websocket",
			"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}, 403, "another origin (http://evil.example)"},
		{"GET", lanes + "/", "", []string{"Host: evil.example"}, 403, "not called evil.example"},
		{"GET", lanes + "/sse", "", []string{"Host: evil.example:8080"}, 403, "not called evil.example"},
		{"GET", control + "/control/feed", "", []string{"Host: evil.example"}, 403, "not called evil.example"},
		{"PATCH", control + "/control/feed", `{"rate":5}`, []string{"Origin: http://evil.example"}, 403, "another origin"},
		{"PATCH", control + "/control/feed", `{"rate":5}`, []string{"Origin: " + control + "1"}, 403, "another origin"},
		{"PATCH", control + "/control/feed", "", nil, 400, "the body is an object"},
		{"PATCH", control + "/control/feed", `{"rate":5} 1`, nil, 400, "the body is an object"},
		{"PATCH", control + "/control/feed", "[]", nil, 400, "the body is an object"},
		{"PATCH", control + "/control/feed", `{"rates":5}`, nil, 400, `it does not know "rates"`},
		{"PATCH", control + "/control/feed", `{"seed":5}`, nil, 400, `it does not know "seed"`},
		{"PATCH", control + "/control/feed", `{"rate":4}} garbage`, nil, 400, "after top-level value"},
		{"PATCH", control + "/control/feed", `{"rate":4,"rate":5}`, nil, 400, "rate is given twice"},
		{"PATCH", control + "/control/feed", `{"ratE":4}`, nil, 400, `it does not know "ratE"`},
		{"PATCH", control + "/control/feed", `{"rate":null}`, nil, 400, "rate is null"},
		{"PATCH", control + "/control/feed", `null`, nil, 400, "it is another value"},
		{"PATCH", control + "/control/feed", `{"rate":"5"}`, nil, 400, "cannot unmarshal"},
		{"PATCH", control + "/control/feed", `{"rate":0}`, []string{page}, 400, "rate 0"},
		{"PATCH", control + "/control/feed", `{"source":"host","rate":11}`, nil, 400, "at most 10"},
		{"PATCH", control + "/control/feed", `{"source":"market","payload":-1}`, nil, 400, "payload -1"},
		{"PATCH", control + "/control/feed", `{"burst":1001}`, nil, 400, "burst 1001"},
		{"PATCH", control + "/control/feed", `{"source":"market","rate":200,"apart_ms":6}`, nil, 400, "0 to 5 ms"},
		{"PATCH", control + "/control/feed", `{"source":"market","phase":"full"}`, nil, 400, `phase "full"`},
		{"PUT", control + "/control/feed", "", nil, 405, "/control/feed takes GET, HEAD, PATCH"},
	} {
		resp, body := ask(t, test.method, test.url, test.body, test.headers...)
		var answer struct{ Error string }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != test.status || !strings.Contains(answer.Error, test.sentence) {
			t.Errorf("%s %s %.50s %s: %d %s, want %d and %q", test.method, test.url, test.body, test.headers, resp.StatusCode, body, test.status, test.sentence)
		}
	}
	if head := l.Feed.Head().ID; head != 1 {
		t.Errorf("head is %d, want 1: what is refused is not published", head)
	}
	if _, state := ask(t, "GET", control+"/control/feed", ""); !strings.Contains(state, `"source":"none","rate":2,"phase":"poisson"`) {
		t.Errorf("the settings are %s, want them unchanged", state)
	}
}

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

// The page comes with a policy that lets it talk to the lab and nobody else.
func TestPage(t *testing.T) {
	_, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	resp, body := ask(t, "GET", lanes+"/", "")
	host := strings.TrimPrefix(lanes, "http://")
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8",
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws://" + host + " wss://" + host + " " + control +
			" ws://" + strings.TrimPrefix(control, "http://") + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Embedder-Policy": "require-corp",
		"X-Content-Type-Options":       "nosniff",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if resp.StatusCode != 200 || !strings.Contains(body, control) {
		t.Errorf("the page: %d, and does it name %s? %s", resp.StatusCode, control, body)
	}
	for _, url := range []string{lanes + "/healthz", control + "/healthz"} {
		if resp, body := ask(t, "GET", url, ""); resp.StatusCode != 200 || body != `{"status":"ok"}` {
			t.Errorf("%s: %d %s", url, resp.StatusCode, body)
		}
	}
}

// The ledger has what a page's requests and their answers were, and not what it
// asked of the control API.
func TestLedger(t *testing.T) {
	l, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	ask(t, "POST", lanes+"/publish?page=7f3a", "12345")
	ask(t, "GET", lanes+"/polling?after=0&page=7f3a", "")
	ask(t, "GET", lanes+"/polling", "")
	var page struct {
		Epoch string
		wire.Snapshot
	}
	var all wire.Snapshot
	rows := map[string]wire.Row{}
	for rows["polling"].Delivered == 0 || len(all.Rows) < 3 { // what is counted is seen a moment later
		_, text := ask(t, "GET", control+"/control/ledger?page=7f3a", "")
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			t.Fatal(err, text)
		}
		for _, row := range page.Rows {
			rows[row.Transport] = row
		}
		_, text = ask(t, "GET", control+"/control/ledger", "")
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatal(err, text)
		}
	}
	polling, publish := rows["polling"], rows["publish"]
	if len(page.Rows) != 2 || polling.Requests != 1 || polling.Delivered != 1 || publish.Sent != 1 || publish.Up.Payload != 5 || polling.Up.Tag != int64(len("&page=7f3a")) {
		t.Errorf("the page's rows are %+v, want a publish of 5 bytes and a poll that found it", page.Rows)
	}
	if epoch := l.Feed.Head().Epoch; page.Epoch != epoch {
		t.Errorf("the page's ledger is of epoch %q, want %q", page.Epoch, epoch)
	}
	balance(t, all)
}

// HEAD is answered wherever GET is, as GET would be and without a body (RFC 9110, section 9.3.2).
func TestHead(t *testing.T) {
	_, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	for _, url := range []string{
		lanes + "/", lanes + "/static/main.js", lanes + "/docs", lanes + "/docs/reference", lanes + "/healthz", lanes + "/nothing",
		lanes + "/polling", lanes + "/polling?after=0", lanes + "/polling?afer=0", lanes + "/longpoll?after=7", lanes + "/sse?heartbeat=1h", lanes + "/websocket?after=7",
		control + "/healthz", control + "/control/feed", control + "/control/network", control + "/control/ledger", control + "/metrics",
	} {
		get, _ := ask(t, "GET", url, "")
		head, body := ask(t, "HEAD", url, "")
		if head.StatusCode != get.StatusCode || body != "" || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %s %v %q, GET %s %v", url, head.Status, head.Header, body, get.Status, get.Header)
		}
	}
	for _, url := range []string{lanes + "/publish", lanes + "/echo", control + "/control/cuts"} {
		if resp, _ := ask(t, "HEAD", url, ""); resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
			t.Errorf("HEAD %s: %s, Allow %q, want 405 and POST", url, resp.Status, resp.Header.Get("Allow"))
		}
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

// HTTP/1.0 has no Host, and a health check that speaks it is answered, as is any other request; from HTTP/1.1 on it is
// asked for (RFC 9112, section 3.2).
func TestWithoutHost(t *testing.T) {
	_, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	host := strings.TrimPrefix(lanes, "http://")
	for _, test := range []struct{ url, request, want string }{
		{lanes, "GET /healthz HTTP/1.0", `{"status":"ok"}`},
		{lanes, "HEAD /healthz HTTP/1.0", "HTTP/1.0 200 OK"},
		{control, "GET /healthz HTTP/1.0", `{"status":"ok"}`},
		{lanes, "GET /polling HTTP/1.0", `"messages":[]}`},
		{lanes, "GET / HTTP/1.0", "connect-src 'self' ws://" + host + " "},
		{lanes, "GET /healthz HTTP/1.0\r\nHost: evil.example", "HTTP/1.0 403 Forbidden"},
		{lanes, "GET /healthz HTTP/1.1", "HTTP/1.1 400 Bad Request"},
		{lanes, "GET /healthz HTTP/1.1\r\nHost:", "HTTP/1.1 403 Forbidden"},
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(test.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, test.request+"\r\nConnection: close\r\n\r\n")
		if answer, err := io.ReadAll(conn); err != nil || !strings.Contains(string(answer), test.want) {
			t.Errorf("%q: %v %.400s, want %s", test.request, err, answer, test.want)
		}
		conn.Close()
	}
}

// A port that is the scheme's own may be written or left out, in Host, in Origin and in --allow-origin: it is one origin
// (RFC 6454, section 4). nginx writes it ($host:$server_port); browsers leave it out.
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

// A HEAD of a lane waits for nothing and ends: the next request on its connection is answered at once.
func TestHeadOfLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, network := inMemory(t, labtest.Quiet(feed.Keep))
		begin := time.Now()
		conn, err := network.Dial(t.Context(), "tcp", "localhost")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			for _, transport := range lab.Transports {
				io.WriteString(conn, "HEAD /"+transport.Name+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
			}
			io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		}()
		answer, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		var statuses []string
		for _, found := range regexp.MustCompile(`(?m)^HTTP/1\.1 (\d+)`).FindAllSubmatch(answer, -1) {
			statuses = append(statuses, string(found[1]))
		}
		if got := strings.Join(statuses, " "); got != "200 200 200 400 200" || !bytes.HasSuffix(answer, []byte(`{"status":"ok"}`)) {
			t.Errorf("the statuses are %s: %s", got, answer)
		}

		two := &http.Transport{DialContext: network.Dial, Protocols: new(http.Protocols)}
		two.Protocols.SetUnencryptedHTTP2(true)
		defer two.CloseIdleConnections()
		for _, transport := range lab.Transports {
			resp, err := (&http.Client{Transport: two}).Head("http://localhost/" + transport.Name)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); err != nil || len(body) > 0 || resp.StatusCode != 200 && transport.Name != "websocket" {
				t.Errorf("HEAD /%s by HTTP/2: %s %q %v", transport.Name, resp.Status, body, err)
			}
			resp.Body.Close()
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("they took %v, want no time", took)
		}
	})
}
