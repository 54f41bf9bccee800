package lab_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
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

// HEAD is answered wherever GET is, as GET would be and without a body (RFC 9110, section 9.3.2).
func TestHead(t *testing.T) {
	_, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	for _, url := range []string{
		lanes + "/", lanes + "/static/main.js", lanes + "/docs", lanes + "/docs/reference", lanes + "/healthz", lanes + "/nothing",
		lanes + "/polling", lanes + "/polling?after=0", lanes + "/polling?afer=0", lanes + "/longpoll?after=7", lanes + "/sse?heartbeat=1h", lanes + "/websocket?after=7",
		control + "/healthz", control + "/control/feed", control + "/control/network", control + "/control/ledger", control + "/metrics",
	} {
		get, _ := ask(t, "GET", url, "")
		answer, body := ask(t, "HEAD", url, "")
		if answer.StatusCode != get.StatusCode || body != "" || answer.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("HEAD %s: %s %v %q, GET %s %v", url, answer.Status, answer.Header, body, get.Status, get.Header)
		}
	}
	for _, url := range []string{lanes + "/publish", lanes + "/echo", control + "/control/cuts"} {
		if resp, _ := ask(t, "HEAD", url, ""); resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
			t.Errorf("HEAD %s: %s, Allow %q, want 405 and POST", url, resp.Status, resp.Header.Get("Allow"))
		}
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

// One request has one answer, also where several things are wrong with it.
func TestOneAnswer(t *testing.T) {
	_, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
	for _, test := range []struct{ method, url, body, want string }{
		{"GET", lanes + "/polling?page=UPPER&sinse=1&afer=0&after=1&after=2&x=y", "", `{"error":"/polling does not know \"afer\"; it knows [\"after\" \"page\"]"}`},
		{"PUT", control + "/control/network", `{"jitter":"soon","rtt":"late"}`, `{"error":"rtt \"late\": must be a duration, such as 100ms"}`},
		{"PUT", control + "/control/network", `{"jitter":"-1s","rtt":"-1s","kbps":-1}`, `{"error":"rtt -1s: must be from 0s to 1m0s"}`},
	} {
		for range 20 { // which is enough for an order of chance to show
			if resp, body := ask(t, test.method, test.url, test.body); resp.StatusCode != 400 || body != test.want {
				t.Fatalf("%s %s %s: %d %s, want 400 %s", test.method, test.url, test.body, resp.StatusCode, body, test.want)
			}
		}
	}
}
