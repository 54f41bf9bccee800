package sse_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/internal/netsim"
	"fourwires/internal/wire"
	"fourwires/sse"
)

// A stream resumes behind the last event id, which a block without data can set too; but not behind an id that no
// header can carry.
func TestStreamResumes(t *testing.T) {
	answers := []string{"id: 7\nretry: 5000\n\n", "data: x\n\nid: 8\ndata: cut off", "id: 9\x01\n\n", ""}
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, answers[len(asked)])
		asked = append(asked, r.Header.Get("Last-Event-ID")+" "+r.UserAgent())
	}))
	defer server.Close()
	stream := sse.Stream{URL: server.URL, Header: http.Header{"User-Agent": {"me"}}, LastID: "6"}
	events := ""
	for range answers {
		for event, err := range stream.Events(t.Context()) {
			if err == nil {
				events += event.ID + event.Data
			} else if !errors.Is(err, io.EOF) {
				t.Errorf("got %v, want the end of the stream", err)
			}
		}
	}
	if got, want := fmt.Sprintf("%q", asked), `["6 me" "7 me" "7 me" " me"]`; got != want {
		t.Errorf("resumed behind %s, want %s", got, want)
	}
	if events != "7x" || stream.LastID != "9\x01" || stream.Retry != 5*time.Second {
		t.Errorf("events %q, id %q, retry %v, want 7x, 9\\x01 and 5s", events, stream.LastID, stream.Retry)
	}
}

// A response that is no stream of events is an error with the server's words.
func TestEventsRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for answer, want := range map[string]string{
			"HTTP/1.1 404 Not Found\r\nContent-Type: text/event-stream\r\nContent-Length: 4\r\n\r\ngone": "sse: 404 Not Found: gone",
			"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p>x":                `sse: 200 OK, but of type "text/html": <p>x`,
			"HTTP/1.1 301 Moved Permanently\r\nLocation: /sse\r\nContent-Length: 4\r\n\r\n<p>x":          "sse: 301 Moved Permanently: /sse", // for ever
			"HTTP/1.1 204 No Content\r\n\r\n": "sse: 204 No Content",
		} {
			client := sse.Client{URL: "http://lab/sse", Dial: serveRaw(answer)}
			for _, err := range client.Messages(t.Context()) {
				var refused *sse.RefusedError
				if err == nil || err.Error() != want || !errors.As(err, &refused) || !strings.HasPrefix(refused.Text, fmt.Sprint(refused.Status)) {
					t.Errorf("got %v, want %s", err, want)
				}
			}
		}
	})
}

// The time that a client works on an event does not count as silence.
func TestBusyClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := sse.Stream{URL: "http://lab/sse", Dial: serveRaw("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: x\n\n")}
		start := time.Now()
		for _, err := range stream.Events(t.Context()) {
			if err == nil {
				time.Sleep(41 * time.Second)
			} else if took := time.Since(start); err != sse.ErrSilent || took != 81*time.Second {
				t.Errorf("got %v after %v, want ErrSilent after 1m21s", err, took)
			}
		}
	})
}

// serveRaw responds to the first request of each connection with fixed bytes, and then sends no more.
func serveRaw(answer string) wire.Dial {
	return func(_ context.Context, _, _ string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			server.Read(make([]byte, 4096))
			server.Write([]byte(answer))
			io.Copy(io.Discard, server) // until the client closes
			server.Close()
		}()
		return client, nil
	}
}

// events returns the data of a stream until it ends, and the error of its end.
func events(t *testing.T, stream *sse.Stream) (text string, end error) {
	for event, err := range stream.Events(t.Context()) {
		if end = err; err == nil {
			text += event.Data
		}
	}
	return text, end
}

// A stream opens where it opens in a browser; the table was compared with Chromium and Firefox.
func TestMediaTypes(t *testing.T) {
	for _, test := range []struct {
		fields string
		opens  bool
	}{
		{"Content-Type: text/event-stream", true},
		{"Content-Type: text/event-stream;charset=utf-8;charset=UTF-8", true},
		{"Content-Type: text/event-stream; charset=utf-8; charset=utf-8", true},
		{"Content-Type: text/event-stream;", true},
		{"Content-Type: text/event-stream; charset", true},
		{"Content-Type: text/event-stream; charset=\"utf-8", true},
		{"Content-Type: \t Text/Event-Stream ;charset=utf-8", true},
		{"Content-Type: text/html\r\nContent-Type: text/event-stream", true},
		{"Content-Type: text/event-stream, */*", true},
		{"Content-Type: text/event-stream\r\nContent-Type: text/html", false},
		{"Content-Type: text/html; charset=text/event-stream", false},
		{"Content-Type: text/event-stream2", false},
		{"Content-Type: text/event stream", false},
		{"Content-Type: event-stream", false},
		{"Content-Type:", false},
		{"X: y", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			answer := "HTTP/1.1 200 OK\r\n" + test.fields + "\r\nConnection: close\r\n\r\ndata: x\n\n"
			begin := time.Now()
			text, err := events(t, &sse.Stream{URL: "http://lab/sse", Dial: serveRaw(answer)})
			if got := text == "x" && err == sse.ErrSilent; got != test.opens {
				t.Errorf("%s: %q, %v, want it to open: %v", test.fields, text, err, test.opens)
			}
			if took := time.Since(begin); !test.opens && took > time.Second {
				t.Errorf("%s: refused after %v, want a second at most", test.fields, took)
			}
		})
	}
}

// A refusal does not wait for the end of a body: it has the bytes that arrive within a second, at most 256.
func TestRefusalDoesNotWait(t *testing.T) {
	const head = "HTTP/1.1 404 Not Found\r\n"
	for answer, want := range map[string]string{
		head + "Content-Length: 9\r\n\r\n":                             "sse: 404 Not Found",
		head + "Content-Length: 9\r\n\r\ngone":                         "sse: 404 Not Found: gone",
		head + "\r\ngone":                                              "sse: 404 Not Found: gone",
		head + "Transfer-Encoding: chunked\r\n\r\n4\r\ngone":           "sse: 404 Not Found: gone",
		head + "\r\n" + strings.Repeat("x", 5000):                      "sse: 404 Not Found: " + strings.Repeat("x", 256),
		head + "Location: /" + strings.Repeat("y", 9000) + "\r\n\r\n":  "sse: 404 Not Found: /" + strings.Repeat("y", 512-len("404 Not Found: /")),
		"HTTP/1.1 204 No Content\r\n\r\n":                              "sse: 204 No Content",
		"HTTP/1.1 301 Moved Permanently\r\n\r\n":                       "sse: 301 Moved Permanently",
		"HTTP/1.1 302 Found\r\nLocation: ftp://lab/\r\n\r\nover there": "sse: 302 Found: ftp://lab/",
		"HTTP/1.1 300 Multiple Choices\r\nLocation: /a\r\n\r\n":        "sse: 300 Multiple Choices: /a",
	} {
		for _, gzip := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				_, err := events(t, &sse.Stream{URL: "http://lab/sse", Dial: serveRaw(answer), Gzip: gzip})
				if took := time.Since(begin); err == nil || err.Error() != want || took > time.Second {
					t.Errorf("%.60q: %.300v after %v, want %s within a second", answer, err, took, want)
				}
			})
		}
	}
}

// Redirects are followed. Permanent ones, 301 and 308, change the URL for later requests too. Another origin is not
// sent headers that may be secret.
func TestRedirects(t *testing.T) {
	for _, test := range []struct {
		path, first, next, moved string // first and next: the requests of two ranges
	}{
		{"/301/stream", "lab/301/stream lab/stream", "lab/stream", "http://lab/stream"},
		{"/308/stream", "lab/308/stream lab/stream", "lab/stream", "http://lab/stream"},
		{"/302/stream", "lab/302/stream lab/stream", "lab/302/stream lab/stream", "http://lab/302/stream"},
		{"/303/stream", "lab/303/stream lab/stream", "lab/303/stream lab/stream", "http://lab/303/stream"},
		{"/307/stream", "lab/307/stream lab/stream", "lab/307/stream lab/stream", "http://lab/307/stream"},
		{"/301/308/stream", "lab/301/308/stream lab/308/stream lab/stream", "lab/stream", "http://lab/stream"},
		{"/301/302/stream", "lab/301/302/stream lab/302/stream lab/stream", "lab/302/stream lab/stream", "http://lab/302/stream"},
		{"/302/301/stream", "lab/302/301/stream lab/301/stream lab/stream", "lab/302/301/stream lab/301/stream lab/stream",
			"http://lab/302/301/stream"},
		{"/301/gone", "lab/301/gone lab/gone", "lab/301/gone lab/gone", "http://lab/301/gone"},
		{"/301//there/stream", "lab/301//there/stream there/stream", "there/stream", "http://there/stream"},
		{"/301//there/302//lab/stream", "lab/301//there/302//lab/stream there/302//lab/stream lab/stream",
			"there/302//lab/stream lab/stream", "http://there/302//lab/stream"},
		{"/307//lab:81/stream", "lab/307//lab:81/stream lab:81/stream", "lab/307//lab:81/stream lab:81/stream", "http://lab/307//lab:81/stream"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked []string
			elsewhere := false
			network := netsim.Listen()
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.Host+r.RequestURI)
				elsewhere = elsewhere || r.Host != "lab" // also for the redirect that leads back
				secret := r.Header.Get("Authorization") + r.Header.Get("Cookie") + r.Header.Get("X-Key") + r.Referer()
				if want := map[bool]string{true: "", false: "abc"}[elsewhere]; secret != want || r.UserAgent() != "me" ||
					r.Header.Get("Last-Event-ID") != "7" || r.Header.Get("Accept") != "text/event-stream" {
					t.Errorf("%s%s got %v, want the secrets %q", r.Host, r.RequestURI, r.Header, want)
				}
				switch status, rest, _ := strings.Cut(strings.TrimPrefix(r.RequestURI, "/"), "/"); status {
				case "stream":
					w.Header().Set("Content-Type", "text/event-stream")
					io.WriteString(w, "data: x\n\n")
				case "gone":
					w.WriteHeader(404)
				default: // to a path, or behind a second slash to a host
					w.Header().Set("Location", "/"+rest)
					code, _ := strconv.Atoi(status)
					w.WriteHeader(code)
				}
			})}
			go server.Serve(network)
			defer server.Close()
			header := http.Header{"User-Agent": {"me"}, "Authorization": {"a"}, "Cookie": {"b"}, "X-Key": {"c"}}
			stream := sse.Stream{URL: "http://lab" + test.path, Header: header, Dial: network.Dial, LastID: "7"}
			for _, want := range []string{test.first, test.next} {
				asked, elsewhere = nil, false
				if text, err := events(t, &stream); text != "x" && !strings.HasSuffix(test.path, "gone") {
					t.Errorf("%s: %q, %v", test.path, text, err)
				}
				if got := strings.Join(asked, " "); got != want {
					t.Errorf("%s: asked %s, want %s", test.path, got, want)
				}
			}
			if stream.URL != test.moved {
				t.Errorf("%s: moved to %s, want %s", test.path, stream.URL, test.moved)
			}
		})
	}
}
