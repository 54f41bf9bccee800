package lab_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
)

// call makes a request of the control API and returns the answer's status and
// body.
func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	resp, text := ask(t, method, url, body)
	return resp.StatusCode, text
}

// The network is set as a whole, refused with a sentence, and one call brings a
// clean one back.
func TestNetworkAPI(t *testing.T) {
	_, _, control := onLoopback(t, labtest.Quiet(feed.Keep))
	for _, test := range []struct {
		method, body string
		status       int
		want         string
	}{
		{"GET", "", 200, `{"rtt":"0s","jitter":"0s","kbps":0,"set":false}`},
		{"PUT", `{"rtt":"100ms","jitter":"5ms","kbps":1000}`, 200, `{"rtt":"100ms","jitter":"5ms","kbps":1000,"set":true}`},
		{"PUT", `{"rtt":"20ms"}`, 200, `{"rtt":"20ms","jitter":"0s","kbps":0,"set":true}`},
		{"PUT", `{"rtt":"-1ms"}`, 400, `{"error":"rtt -1ms: must be from 0s to 1m0s"}`},
		{"PUT", `{"rtt":"61s"}`, 400, `{"error":"rtt 1m1s: must be from 0s to 1m0s"}`},
		{"PUT", `{"jitter":"soon"}`, 400, `{"error":"jitter \"soon\": must be a duration, such as 100ms"}`},
		{"PUT", `{"kbps":0.5}`, 400, `{"error":"kbps 0.5: must be from 1 to 10000000, or 0 for any"}`},
		{"PUT", `{"kbps":"fast"}`, 400, ""},
		{"PUT", `{"rt":"1s"}`, 400, ""},
		{"PUT", `{"RTT":"1s"}`, 400, ""},
		{"PUT", `{"rtt":"1s","kbps":1,"rtt":"2s"}`, 400, ""},
		{"PUT", `{"rtt":"1s"}{}`, 400, ""},
		{"PUT", `{"rtt":"1s"}} garbage`, 400, ""},
		{"PUT", `{"rtt":"1s"},`, 400, ""},
		{"PUT", `{"rtt":null}`, 400, ""},
		{"PUT", `null`, 400, ""},
		{"PUT", `NaN`, 400, ""},
		{"GET", "", 200, `{"rtt":"20ms","jitter":"0s","kbps":0,"set":true}`},
		{"DELETE", "", 200, `{"rtt":"0s","jitter":"0s","kbps":0,"set":true}`},
	} {
		status, got := call(t, test.method, control+"/control/network", test.body)
		if status != test.status || test.want != "" && got != test.want || test.want == "" && !strings.HasPrefix(got, `{"error":"the body is an object with any of rtt, jitter, kbps: `) {
			t.Errorf("%s %s: %d %s, want %d %s", test.method, test.body, status, got, test.status, test.want)
		}
	}
}

// A cut meets the connections that carry what was named, and the answer says what
// else they carry: on HTTP/2 all lanes of a page.
func TestCutsAPI(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		l, lanes, control := onLoopback(t, labtest.Quiet(feed.Keep))
		publish(t, l.Feed, 1, 1)
		transport := &http.Transport{Protocols: new(http.Protocols)} // as a browser has it
		transport.Protocols.SetHTTP1(!http2)
		transport.Protocols.SetUnencryptedHTTP2(http2)
		open := func(path string) io.ReadCloser {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), "GET", lanes+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			return resp.Body
		}
		stream := open("/sse?page=7f3a&after=0")
		first := make([]byte, 1)
		if _, err := stream.Read(first); err != nil {
			t.Fatal(err)
		}
		other := open("/sse?page=b")
		poll := open("/polling?page=7f3a&after=0")
		io.ReadAll(poll)
		poll.Close()

		shared := map[bool]string{false: `{"connections":1,"lanes":["polling"]}`, true: `{"connections":1,"lanes":["polling","sse"]}`}
		for _, test := range []struct {
			body   string
			status int
			want   string
		}{
			{`{"kind":"fin","lane":"pigeon"}`, 404, `{"error":"lane \"pigeon\": must be one of polling, longpoll, sse, websocket"}`},
			{`{"kind":"fin","lane":"websocket"}`, 404, `{"error":"no connection carries websocket now"}`},
			{`{"kind":"fin","page":"c"}`, 404, `{"error":"no connection carries c now"}`},
			{`{"kind":"snap","lane":"sse"}`, 400, `{"error":"cut \"snap\": must be fin, rst, silence or stall"}`},
			{`{"kind":"silence","lane":"sse"}`, 400, `{"error":"a silence of 0s: must last from above 0s to 1h0m0s"}`},
			{`{"kind":"fin"}} garbage`, 400, `{"error":"the body is an object with any of kind, for, lane, page: invalid character '}' after top-level value"}`},
			{`{"kind":"fin","Kind":"rst"}`, 400, `{"error":"the body is an object with any of kind, for, lane, page: it does not know \"Kind\""}`},
			{`{"kind":"fin","kind":"rst"}`, 400, `{"error":"the body is an object with any of kind, for, lane, page: kind is given twice"}`},
			{`{"kind":"fin","for":"1s"}`, 400, `{"error":"a fin lasts for good, not for 1s"}`},
			{`{"kind":"silence","for":"soon"}`, 400, `{"error":"for \"soon\": must be a duration, such as 20s"}`},
			{`{"kind":"silence","for":"1ms","lane":"polling","page":"7f3a"}`, 200, shared[http2]},
			{`{"kind":"rst","lane":"sse","page":"7f3a"}`, 200, ""},
		} {
			status, got := call(t, "POST", control+"/control/cuts", test.body)
			if status != test.status || test.want != "" && got != test.want {
				t.Errorf("http2=%t: %s: %d %s, want %d %s", http2, test.body, status, got, test.status, test.want)
			}
		}
		if _, err := io.ReadAll(stream); err == nil {
			t.Errorf("http2=%t: the stream that was cut goes on, or ends in order", http2)
		}
		if !http2 { // there the other page's stream is on the same connection
			publish(t, l.Feed, 2, 2)
			if _, err := other.Read(first); err != nil {
				t.Errorf("another page's stream ends with %v", err)
			}
		}
		transport.CloseIdleConnections()
	}
}

// A lab that is asked to start again ends and says so; its successor has another
// epoch, and the settings that were in force.
func TestStartAgain(t *testing.T) {
	listeners := func() lab.Listeners {
		on, err := lab.Loopback(false)
		if err != nil {
			t.Fatal(err)
		}
		return on
	}
	l, err := lab.New(labtest.Quiet(7))
	if err != nil {
		t.Fatal(err)
	}
	on := listeners()
	served := make(chan error, 1)
	go func() { served <- l.Serve(t.Context(), on) }()
	control := "http://" + on.Control.Addr().String() + "/control/"
	call(t, "PUT", control+"network", `{"rtt":"20ms"}`)
	call(t, "PATCH", control+"feed", `{"rate":7}`)
	if status, body := call(t, "POST", control+"restart", ""); status != 202 || body != `{"epoch":"`+l.Feed.Head().Epoch+`"}` {
		t.Errorf("%d %s", status, body)
	}
	if err := <-served; !errors.Is(err, lab.ErrRestart) {
		t.Fatalf("Serve: %v", err)
	}
	next, err := l.Successor()
	if err != nil {
		t.Fatal(err)
	}
	if next.Feed.Head().Epoch == l.Feed.Head().Epoch || next.Network.Settings().RTT != 20*time.Millisecond {
		t.Errorf("the next has epoch %s and %+v", next.Feed.Head().Epoch, next.Network.Settings())
	}
	on = listeners()
	labtest.Serve(t, next, on)
	var state struct{ Rate float64 }
	if _, body := call(t, "GET", "http://"+on.Control.Addr().String()+"/control/feed", ""); json.Unmarshal([]byte(body), &state) != nil || state.Rate != 7 {
		t.Errorf("the next has a feed of %+v", state)
	}
	if _, body := call(t, "GET", "http://"+on.Control.Addr().String()+"/control/network", ""); body != `{"rtt":"20ms","jitter":"0s","kbps":0,"set":true}` {
		t.Errorf("the next has a network of %s", body)
	}
}

// Whether somebody has set the network is told: no delay may be just what was wanted.
func TestNetworkWasSet(t *testing.T) {
	asked := labtest.Quiet(7)
	asked.Network.RTT = time.Millisecond
	_, _, control := onLoopback(t, asked)
	if _, body := call(t, "GET", control+"/control/network", ""); body != `{"rtt":"1ms","jitter":"0s","kbps":0,"set":true}` {
		t.Errorf("a lab that was started with a network says %s", body)
	}
	for _, test := range []struct{ method, body string }{{"PUT", `{"rtt":"0s"}`}, {"DELETE", ""}} {
		_, _, control := onLoopback(t, labtest.Quiet(7))
		call(t, "PUT", control+"/control/network", `{"rtt":"-1s"}`) // which is refused
		if _, body := call(t, "GET", control+"/control/network", ""); body != `{"rtt":"0s","jitter":"0s","kbps":0,"set":false}` {
			t.Errorf("nobody has set a network, and it is %s", body)
		}
		call(t, test.method, control+"/control/network", test.body)
		if _, body := call(t, "GET", control+"/control/network", ""); body != `{"rtt":"0s","jitter":"0s","kbps":0,"set":true}` {
			t.Errorf("after %s the network is %s", test.method, body)
		}
	}
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
