package measure

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
)

//go:generate go test -run TestRecord -record

// chromium is what Chromium sends by HTTP/1.1: for each kind of request, behind a
// line with its name in brackets, the header lines in their order. {host} stands
// for the host and port, {key} for the WebSocket's random key.
//
//go:embed testdata/chrome-headers.txt
var chromium string

// Dial opens a connection, like net.Dialer's DialContext.
type Dial = func(ctx context.Context, network, addr string) (net.Conn, error)

// The header sets of [Heads].
const (
	Go     = "go"     // what this repository's clients send, encoded on HTTP/2 by Go's HPACK
	Chrome = "chrome" // what Chromium sends for the same requests, encoded as it does
)

// Heads are the heads of requests as they go over the wire. They are changed on
// the connection, below the clients: these need no settings for it, and what is
// sent is, to the letter and in its order, what a browser sends.
type Heads struct {
	Set    string // Go or Chrome
	Cookie int    // bytes of a Cookie header's value; 0: none
}

// Dial returns a dialer for a client that asks for URLs of a transport with this
// scheme.
func (h Heads) Dial(transport, scheme string, http2 bool, dial Dial) Dial {
	kind := map[string]string{"sse": "eventsource", "websocket": "websocket"}[transport]
	if kind == "" {
		kind = "fetch"
	}
	if h.Set != Chrome && h.Cookie == 0 {
		return dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if http2 {
			return h.headed2(conn, kind), nil
		}
		lines := ""
		if h.Set == Chrome {
			_, lines, _ = strings.Cut(chromium, "["+kind+"]\n")
			lines, _, _ = strings.Cut(lines, "\n\n")
			lines = strings.ReplaceAll(lines, "http://", scheme+"://")
		}
		return &headed{Conn: conn, lines: lines, cookie: cookie(h.Cookie), upgrades: transport == "websocket"}, nil
	}
}

// headed changes the heads of the requests that are written to it. They are
// those of GETs, which have no body.
type headed struct {
	net.Conn
	lines    string // header lines to send; empty: the client's own
	cookie   string // empty: none
	head     []byte // of a head that is not yet complete
	upgrades bool   // frames follow the first head
	upgraded bool
}

func (c *headed) Write(b []byte) (int, error) {
	if c.upgraded {
		return c.Conn.Write(b)
	}
	c.head = append(c.head, b...)
	if !bytes.HasSuffix(c.head, []byte("\r\n\r\n")) {
		return len(b), nil
	}
	head := c.change(string(c.head))
	c.head = c.head[:0]
	c.upgraded = c.upgrades
	if _, err := c.Conn.Write([]byte(head)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// change returns a head as it is to be sent.
func (c *headed) change(head string) string {
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	if c.lines != "" {
		was := lines
		value := func(name string) string {
			i := slices.IndexFunc(was, func(line string) bool { return len(line) > len(name) && strings.EqualFold(line[:len(name)], name) })
			if i < 0 {
				return ""
			}
			return was[i][len(name):]
		}
		named := strings.NewReplacer("{host}", value("Host: "), "{key}", value("Sec-WebSocket-Key: "))
		lines = append(lines[:1:1], strings.Split(named.Replace(c.lines), "\n")...)
		if id := value("Last-Event-ID: "); id != "" {
			lines = append(lines, "Last-Event-ID: "+id)
		}
	}
	if c.cookie != "" {
		lines = append(lines, "Cookie: "+c.cookie)
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// cookie returns a cookie of n bytes, or none for 0, its name included. Its value is as a
// session's: at random, which no code makes much shorter, but the same each time.
func cookie(n int) string {
	random := rand.New(rand.NewPCG(1, 1))
	value := []byte("c=")
	for len(value) < n {
		value = append(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[random.IntN(64)])
	}
	return string(value[:n])
}

// MaxCookie is the most bytes of a cookie: a lab takes heads of 64 KiB.
const MaxCookie = 32 << 10

func (h Heads) check() error {
	switch {
	case h.Set != Go && h.Set != Chrome:
		return fmt.Errorf("headers %q: must be one of %s, %s", h.Set, Go, Chrome)
	case h.Cookie < 0 || h.Cookie > MaxCookie:
		return fmt.Errorf("cookie %d: must be from 0 to %d bytes", h.Cookie, MaxCookie)
	}
	return nil
}
