package lab_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fourwires/feed"
	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/wire/wiretest"
	"fourwires/websocket"
)

// serveInMemory serves in memory until the test ends, and returns the dialer.
func serveInMemory(t *testing.T, handler http.Handler) lab.Dial {
	network := netsim.Listen()
	server := &http.Server{Handler: handler}
	go server.Serve(network)
	t.Cleanup(func() { server.Close() })
	return network.Dial
}

// A hasty is a ResponseWriter that publishes a message whenever the handler calls it: between any two of the handler's
// steps.
type hasty struct {
	http.ResponseWriter
	publish func()
}

func (h hasty) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h hasty) Header() http.Header {
	h.publish()
	return h.ResponseWriter.Header()
}

func (h hasty) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.publish()
	return http.NewResponseController(h.ResponseWriter).Hijack()
}

// The head that a client without a cursor gets is the message before the first that it gets. Otherwise, if its
// connection were cut just then, it would skip the messages between.
func TestHeadIsWhereTheStreamBegins(t *testing.T) {
	for _, transport := range lab.Transports {
		t.Run(transport.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := feed.New(feed.Keep)
				publish(t, f, 1, 5)
				handler := transport.Handler(f, nil)
				var transcript wiretest.Transcript
				dial := transcript.Tap(serveInMemory(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					handler.ServeHTTP(hasty{w, func() { publish(t, f, 0, 0) }}, r)
				})))
				c := transport.Client(lab.Access{URL: "http://lab/" + transport.Name, Dial: dial})
				for m, err := range c.Messages(t.Context()) {
					head := uint64(5) // if the answer to the first request has messages
					if found := regexp.MustCompile(`\\"head\\":(\d+)`).FindStringSubmatch(transcript.String()); found != nil {
						head, _ = strconv.ParseUint(found[1], 10, 64)
					}
					if err != nil || m.ID != head+1 {
						t.Errorf("the first message is %d, %v; the head was %d", m.ID, err, head)
					}
					break
				}
			})
		})
	}
}

// A proxy that compresses may change the tag, so the clients read only the body.
func TestAnyTag(t *testing.T) {
	for _, transport := range lab.Transports[:2] {
		for name, change := range map[string]func(string) string{
			"weak":    func(tag string) string { return "W/" + tag },
			"suffix":  func(tag string) string { return strings.TrimSuffix(tag, `"`) + `-gzip"` },
			"foreign": func(string) string { return `"5d8c72a5edda8"` },
			"none":    func(string) string { return "" },
		} {
			t.Run(transport.Name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := feed.New(feed.Keep)
					publish(t, f, 1, 3)
					time.AfterFunc(time.Minute, func() { publish(t, f, 4, 6) })
					handler := transport.Handler(f, nil)
					dial := serveInMemory(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						answer := httptest.NewRecorder()
						handler.ServeHTTP(answer, r)
						for name, values := range answer.Header() {
							w.Header()[name] = values
						}
						if w.Header().Set("ETag", change(w.Header().Get("ETag"))); w.Header().Get("ETag") == "" {
							w.Header().Del("ETag")
						}
						w.WriteHeader(answer.Code)
						w.Write(answer.Body.Bytes())
					}))
					c := transport.Client(lab.Access{URL: "http://lab/" + transport.Name, Dial: dial})
					if got := read(t.Context(), c, 3); got != "4 5 6" {
						t.Errorf("got %s, want messages 4 to 6", got)
					}
				})
			})
		}
	}
}

// A client may send the tag of an answer back, as it was or made weak by a proxy. It is answered 304 only if it has
// everything: an answer that ends at 64 KiB has the tag of its last message, and names the head.
func TestTagOfACutAnswer(t *testing.T) {
	for _, transport := range lab.Transports[:2] {
		t.Run(transport.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := feed.New(feed.Keep)
				for range 5 {
					f.Publish([]byte(`"` + strings.Repeat("x", 30_000) + `"`))
				}
				dialer := &http.Transport{DialContext: serveInMemory(t, transport.Handler(f, nil))}
				defer dialer.CloseIdleConnections()
				var got []string
				after, tag := 0, ""
				for status := 0; status != http.StatusNotModified; {
					req, _ := http.NewRequest("GET", fmt.Sprintf("http://lab/%s?after=%d", transport.Name, after), nil)
					req.Header.Set("If-None-Match", `"another", W/`+tag)
					resp, err := dialer.RoundTrip(req)
					if err != nil {
						t.Fatal(err)
					}
					body, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					var answer struct {
						Head     int
						Messages []struct{ ID int }
					}
					json.Unmarshal(body, &answer) // there is none with 304
					for _, m := range answer.Messages {
						after = m.ID
					}
					status, tag = resp.StatusCode, resp.Header.Get("ETag")
					got = append(got, fmt.Sprint(status, " to ", after, " head ", answer.Head))
				}
				const want = "200 to 2 head 5, 200 to 4 head 5, 200 to 5 head 0, 304 to 5 head 0"
				if got := strings.Join(got, ", "); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		})
	}
}

// HEAD is answered as GET is, but without a body, and at once (RFC 9110, section
// 9.3.2).
func TestHeadOfTheLanes(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		alike := func(name, query string, handler func(*feed.Feed, lab.Sent) http.Handler) {
			t.Run(fmt.Sprintf("%s%s/http2=%v", name, query, http2), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := feed.New(feed.Keep)
					publish(t, f, 1, 3)
					protocols := new(http.Protocols)
					protocols.SetHTTP1(!http2)
					protocols.SetUnencryptedHTTP2(http2)
					sent := func([]feed.Message, int) { t.Error("HEAD is counted as if it carried something") }
					network := netsim.Listen()
					server := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if r.Method == http.MethodGet {
							handler(f, nil).ServeHTTP(w, r)
						} else {
							handler(f, sent).ServeHTTP(w, r)
						}
					})}
					go server.Serve(network)
					defer server.Close()
					transport := &http.Transport{DialContext: network.Dial, Protocols: protocols}
					defer transport.CloseIdleConnections()
					var answers []string
					for _, method := range []string{"HEAD", "GET"} {
						start := time.Now()
						req, _ := http.NewRequest(method, "http://lab/"+name+query, nil)
						resp, err := transport.RoundTrip(req)
						if err != nil {
							t.Fatal(err)
						}
						if method == "HEAD" {
							body, err := io.ReadAll(resp.Body)
							if took := time.Since(start); took != 0 || len(body) > 0 || err != nil {
								t.Errorf("HEAD took %v and had %q, %v, want nothing at once", took, body, err)
							}
						}
						resp.Body.Close()
						resp.Header.Del("Date")
						answers = append(answers, fmt.Sprint(resp.Status, resp.Header))
					}
					if answers[0] != answers[1] {
						t.Errorf("HEAD is answered %s, GET %s", answers[0], answers[1])
					}
				})
			})
		}
		for _, transport := range lab.Transports {
			alike(transport.Name, "?after=1", transport.Handler)
			alike(transport.Name, "?after=x", transport.Handler)
			alike(transport.Name, "", transport.Handler)
		}
		alike("websocket/echo", "", func(*feed.Feed, lab.Sent) http.Handler { return &websocket.Echo{} })
	}
}
