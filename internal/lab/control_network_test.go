package lab_test

import (
	"strings"
	"testing"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab/labtest"
)

// call makes a request of the control API and returns the answer's status and
// body.
func call(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	resp, text := ask(t, method, url, body)
	return resp.StatusCode, text
}

// The network is set as a whole; a bad one is refused with a sentence; DELETE clears it.
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

// The answer says whether somebody has set the network, since somebody may have set one without delay.
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
