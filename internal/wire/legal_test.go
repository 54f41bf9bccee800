package wire_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"fourwires/internal/lab"
	"fourwires/internal/netsim"
	"fourwires/internal/source"
	"fourwires/internal/wire"
)

// Whatever the lab serves is accounted for: requests are made at random, of what is
// rare and legal and of what net/http takes besides, and where the lab has answered
// all of them, no byte may be unaccounted.
func TestServedIsAccounted(t *testing.T) { synctest.Test(t, servedIsAccounted) }

func servedIsAccounted(t *testing.T) {
	settings := lab.Settings{Keep: 10, Source: source.Default(), Limits: lab.DefaultLimits()}
	settings.Source.Source = source.None
	settings.Limits.Publishes = 0
	settings.Limits.Header = 1 << 20
	l, err := lab.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	l.Feed.Publish([]byte("1"))
	network, control := netsim.Listen(), netsim.Listen()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Serve(ctx, lab.Listeners{Lanes: network, Control: control}) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()

	random := rand.New(rand.NewPCG(1, 2))
	one := func(of ...string) string { return of[random.IntN(len(of))] }
	served, shapes := 0, map[string]int{}
	for range 300 {
		var text strings.Builder
		var methods []string
		used := map[string]bool{}
		n := 1 + random.IntN(4)
		for i := range n {
			eol := one("\r\n", "\r\n", "\r\n", "\n")
			method := one("GET", "GET", "HEAD", "POST", "POST")
			version := one("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0")
			methods = append(methods, method)
			path := one("/polling?after=0", "/healthz", "/polling?after=0&page=a", "http://lab/polling?page=b&after=0")
			if method == "POST" {
				path = one("/echo", "/publish", "/publish?page=a")
			}
			use := func(shape, text string) string {
				if random.IntN(4) > 0 {
					return ""
				}
				used[shape] = true
				return text
			}
			fields := []string{
				"Host: localhost", use("odd spaces", "X-A:\t b \t"), use("empty value", "X-B:"), use("folded", "X-C: a"+eol+" b"+eol+"\tc"),
				use("upgrade", "Connection: upgrade"+eol+"Upgrade: websocket"), use("folded upgrade", "Upgrade:"+eol+" websocket"), use("HTTP/2 upgrade", "Upgrade: h2c"),
			}
			if random.IntN(40) == 0 {
				fields = append(fields, "X-Long: "+strings.Repeat("x", 1+random.IntN(900_000)))
				used["long"] = true
			}
			body := ""
			if method == "POST" {
				data := one("1", `"x"`, `{"a": [1, 2, 3]}`)
				body = data
				switch kind := one("sized", "folded size", "two sizes", "chunked", "folded coding", "1.0 coding"); kind {
				case "sized":
					fields = append(fields, fmt.Sprintf("content-LENGTH: %03d", len(data)))
				case "folded size":
					used[kind] = true
					fields = append(fields, fmt.Sprintf("Content-Length:%s\t%d ", eol, len(data)))
				case "two sizes":
					used[kind] = true
					fields = append(fields, fmt.Sprintf("Content-Length: %d", len(data)), fmt.Sprintf("Content-Length: %d", len(data)))
				case "1.0 coding":
					used[kind], version = true, "HTTP/1.0"
					fields = append(fields, "Transfer-Encoding: chunked", fmt.Sprintf("Content-Length: %d", len(data)))
				default:
					used[kind], version = true, "HTTP/1.1"
					coding := "Transfer-Encoding: Chunked"
					if kind == "folded coding" {
						coding = "Transfer-Encoding:" + eol + " chunked"
					}
					fields = append(fields, coding)
					at := random.IntN(len(data))
					body = fmt.Sprintf("%s%X%s\r\n%s\r\n%x\r\n%s\r\n", one("", "000"), len(data)-at, one("", ";a=\"b;c\"", " ; x", "  "), data[:len(data)-at], at, data[len(data)-at:])
					if at == 0 {
						body = fmt.Sprintf("%x\r\n%s\r\n", len(data), data)
					}
					body += one("0", "000") + "\r\n" + one("", "", "X-T: 1\r\n", "X-T: 1\r\n 2\r\n") + "\r\n"
				}
				if version == "HTTP/1.1" {
					fields = append(fields, use("expect", "Expect: 100-continue"))
				}
			}
			if i == n-1 {
				fields = append(fields, "Connection: close")
			} else if version == "HTTP/1.0" {
				fields = append(fields, "Connection: keep-alive")
			}
			fmt.Fprintf(&text, "%s %s %s%s", method, path, version, eol)
			for _, field := range fields {
				if field != "" {
					text.WriteString(field + eol)
				}
			}
			text.WriteString(eol + body)
			if method == "POST" && i < n-1 {
				text.WriteString(use("empty lines", one("\r\n", "\n", "\r\n\r\n", "\r", "\n\r")))
			}
		}

		conn, err := network.Dial(t.Context(), "tcp", "localhost")
		if err != nil {
			t.Fatal(err)
		}
		before := unaccounted(settled(&l.Ledger).Rows)
		go func() { // in pieces
			rest := text.String()
			for size := 1 << 14; len(rest) > size; rest = rest[size:] {
				io.WriteString(conn, rest[:size])
			}
			io.WriteString(conn, rest)
		}()
		answers, last := 0, 0
		for r := bufio.NewReader(conn); answers < n; {
			resp, err := http.ReadResponse(r, &http.Request{Method: methods[answers]})
			if err != nil {
				break
			}
			io.Copy(io.Discard, resp.Body)
			if last = resp.StatusCode; last >= 200 {
				answers++
			}
		}
		conn.Close()
		got := unaccounted(settled(&l.Ledger).Rows) - before
		if answers < n || last >= 400 {
			continue // the lab, or net/http, has refused it
		}
		served++
		for shape := range used {
			shapes[shape]++
		}
		if got != 0 {
			t.Errorf("%d bytes are unaccounted of what was served: %.600q", got, text.String())
		}
	}
	if served < 150 {
		t.Errorf("%d connections were served to the end, want 150 and more", served)
	}
	for _, shape := range []string{"odd spaces", "empty value", "folded", "upgrade", "folded upgrade", "HTTP/2 upgrade", "long", "folded size", "two sizes", "chunked", "folded coding", "expect", "empty lines"} {
		if shapes[shape] == 0 {
			t.Errorf("nothing was served that has %s", shape)
		}
	}
}

func unaccounted(rows []wire.Row) (n int64) {
	for _, row := range rows {
		n += row.Up.Unaccounted + row.Down.Unaccounted
	}
	return n
}
