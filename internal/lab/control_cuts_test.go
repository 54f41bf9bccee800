package lab_test

import (
	"io"
	"net/http"
	"testing"

	"fourwires/feed"
	"fourwires/internal/lab/labtest"
)

// A cut is of the connections of the lane that was named, and the answer names all their lanes: on HTTP/2 all lanes of
// a page.
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
