package wire_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"fourwires/internal/lab"
	"fourwires/internal/lab/labtest"
	"fourwires/internal/netsim"
	"fourwires/internal/wire"
)

// No byte of what the lab serves is unaccounted: requests are made at random, with what is rare and legal and what
// net/http accepts besides, and where the lab has responded to all requests of a connection, its bytes have parts.
func TestServedIsAccounted(t *testing.T) {
	settings := labtest.Quiet(10)
	settings.Limits.Publishes = 0
	settings.Limits.Header = 1 << 20
	labtest.Virtual(t, settings, netsim.Settings{}, func(t *testing.T, s *labtest.VirtualServer) {
		s.Feed.Publish([]byte("1"))
		random := &randomRequests{Rand: rand.New(rand.NewPCG(1, 2))}
		served, shapes := 0, map[string]int{}
		for range 300 {
			random.connection()
			before := unaccounted(settled(&s.Ledger).Rows)
			isServed := random.send(t, s.Dial)
			got := unaccounted(settled(&s.Ledger).Rows) - before
			if !isServed {
				continue
			}
			served++
			for shape := range random.shapes {
				shapes[shape]++
			}
			if got != 0 {
				t.Errorf("%d bytes are unaccounted of what was served: %.600q", got, random.text)
			}
		}
		if served < 150 {
			t.Errorf("%d connections were served to the end, want 150 and more", served)
		}
		for _, shape := range []string{
			"odd spaces", "empty value", "folded", "upgrade", "folded upgrade", "HTTP/2 upgrade", "long",
			"folded size", "two sizes", "chunked", "folded coding", "expect", "empty lines",
		} {
			if shapes[shape] == 0 {
				t.Errorf("nothing was served that has %s", shape)
			}
		}
	})
}

// randomRequests are the requests of one connection.
type randomRequests struct {
	*rand.Rand
	text    string
	methods []string
	shapes  map[string]bool // that they have
}

// one returns one of the texts.
func (r *randomRequests) one(of ...string) string { return of[r.IntN(len(of))] }

// sometimes returns the text in one of four cases, and then notes its shape.
func (r *randomRequests) sometimes(shape, text string) string {
	if r.IntN(4) > 0 {
		return ""
	}
	r.shapes[shape] = true
	return text
}

// connection makes the requests of another connection, one to four.
func (r *randomRequests) connection() {
	r.text, r.methods, r.shapes = "", nil, map[string]bool{}
	for n := 1 + r.IntN(4); len(r.methods) < n; {
		r.request(len(r.methods) == n-1)
	}
}

// request makes a request.
func (r *randomRequests) request(last bool) {
	eol := r.one("\r\n", "\r\n", "\r\n", "\n")
	method := r.one("GET", "GET", "HEAD", "POST", "POST")
	version := r.one("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0")
	r.methods = append(r.methods, method)
	path := r.one("/polling?after=0", "/healthz", "/polling?after=0&page=a", "http://lab/polling?page=b&after=0")
	if method == "POST" {
		path = r.one("/echo", "/publish", "/publish?page=a")
	}
	fields := []string{
		"Host: localhost", r.sometimes("odd spaces", "X-A:\t b \t"), r.sometimes("empty value", "X-B:"),
		r.sometimes("folded", "X-C: a"+eol+" b"+eol+"\tc"),
		r.sometimes("upgrade", "Connection: upgrade"+eol+"Upgrade: websocket"),
		r.sometimes("folded upgrade", "Upgrade:"+eol+" websocket"), r.sometimes("HTTP/2 upgrade", "Upgrade: h2c"),
	}
	if r.IntN(40) == 0 {
		fields = append(fields, "X-Long: "+strings.Repeat("x", 1+r.IntN(900_000)))
		r.shapes["long"] = true
	}
	body := ""
	if method == "POST" {
		var more []string
		more, body, version = r.body(eol, version)
		fields = append(fields, more...)
		if version == "HTTP/1.1" {
			fields = append(fields, r.sometimes("expect", "Expect: 100-continue"))
		}
	}
	if last {
		fields = append(fields, "Connection: close")
	} else if version == "HTTP/1.0" {
		fields = append(fields, "Connection: keep-alive")
	}
	r.text += method + " " + path + " " + version + eol
	for _, field := range fields {
		if field != "" {
			r.text += field + eol
		}
	}
	r.text += eol + body
	if method == "POST" && !last {
		r.text += r.sometimes("empty lines", r.one("\r\n", "\n", "\r\n\r\n", "\r", "\n\r"))
	}
}

// body returns a body, the fields that say where it ends, and the version that these need.
func (r *randomRequests) body(eol, version string) (fields []string, body, need string) {
	data := r.one("1", `"x"`, `{"a": [1, 2, 3]}`)
	kind := r.one("sized", "folded size", "two sizes", "chunked", "folded coding", "1.0 coding")
	length := fmt.Sprintf("Content-Length: %d", len(data))
	if kind == "sized" {
		return []string{fmt.Sprintf("content-LENGTH: %03d", len(data))}, data, version
	}
	r.shapes[kind] = true
	switch kind {
	case "folded size":
		return []string{fmt.Sprintf("Content-Length:%s\t%d ", eol, len(data))}, data, version
	case "two sizes":
		return []string{length, length}, data, version
	case "1.0 coding":
		return []string{"Transfer-Encoding: chunked", length}, data, "HTTP/1.0"
	}
	coding := "Transfer-Encoding: Chunked"
	if kind == "folded coding" {
		coding = "Transfer-Encoding:" + eol + " chunked"
	}
	at := r.IntN(len(data))
	body = fmt.Sprintf("%s%X%s\r\n%s\r\n%x\r\n%s\r\n", r.one("", "000"), len(data)-at,
		r.one("", ";a=\"b;c\"", " ; x", "  "), data[:len(data)-at], at, data[len(data)-at:])
	if at == 0 {
		body = fmt.Sprintf("%x\r\n%s\r\n", len(data), data)
	}
	body += r.one("0", "000") + "\r\n" + r.one("", "", "X-T: 1\r\n", "X-T: 1\r\n 2\r\n") + "\r\n"
	return []string{coding}, body, "HTTP/1.1"
}

// send sends the requests, and reports whether the lab has responded to all of them, without an error.
func (r *randomRequests) send(t *testing.T, dial lab.Dial) bool {
	t.Helper()
	conn, err := dial(t.Context(), "tcp", "localhost")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text := r.text
	go func() { // in pieces
		const size = 1 << 14
		for ; len(text) > size; text = text[size:] {
			io.WriteString(conn, text[:size])
		}
		io.WriteString(conn, text)
	}()
	responses, last := 0, 0
	for in := bufio.NewReader(conn); responses < len(r.methods); {
		resp, err := http.ReadResponse(in, &http.Request{Method: r.methods[responses]})
		if err != nil {
			break
		}
		io.Copy(io.Discard, resp.Body)
		if last = resp.StatusCode; last >= 200 {
			responses++
		}
	}
	return responses == len(r.methods) && last < 400
}

func unaccounted(rows []wire.Row) (n int64) {
	for _, row := range rows {
		n += row.Up.Unaccounted + row.Down.Unaccounted
	}
	return n
}
