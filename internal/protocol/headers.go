package protocol

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
)

// The header sets of [Headers].
const (
	Go     = "go"     // what this repository's clients send, encoded on HTTP/2 by Go's HPACK encoder
	Chrome = "chrome" // what Chromium sends for the same requests, encoded as Chromium does
)

// MaxCookie is the most bytes of a cookie: a lab takes headers of 64 KiB.
const MaxCookie = 32 << 10

// Headers are the headers of requests as they go over the wire. The clients do not know of them: a connection rewrites
// each request that a client writes to it. So what is sent is what a browser sends, to the letter and in its order.
//
// "go generate ./internal/protocol" records Chromium's headers anew, with the Chromium of this machine.
type Headers struct {
	Set    string // Go or Chrome
	Cookie int    // bytes of a Cookie header's value; 0: none
}

func (h Headers) check() error {
	switch {
	case h.Set != Go && h.Set != Chrome:
		return fmt.Errorf("headers %q: must be one of %s, %s", h.Set, Go, Chrome)
	case h.Cookie < 0 || h.Cookie > MaxCookie:
		return fmt.Errorf("cookie %d: must be from 0 to %d bytes", h.Cookie, MaxCookie)
	}
	if h.Set == Chrome {
		if _, err := recorded(); err != nil {
			return fmt.Errorf("headers %q: %w", h.Set, err)
		}
	}
	return nil
}

// rewrite returns what dials as dial does, for clients of URLs with this scheme, by HTTP/2 or HTTP/1.1. A request that
// its connections cannot rewrite fails the write.
func (h Headers) rewrite(scheme string, http2 bool, dial Dial) Dial {
	if h.Set != Chrome && h.Cookie == 0 {
		return dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		to := rewriting{scheme: scheme, cookie: cookie(h.Cookie)}
		if h.Set == Chrome {
			chrome, err := recorded()
			if err != nil {
				return nil, err
			}
			to.recording = &chrome
		}
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if http2 {
			return newHTTP2Conn(conn, to), nil
		}
		return &http1Conn{Conn: conn, rewriting: to}, nil
	}
}

// A rewriting is what the headers of requests are rewritten to.
type rewriting struct {
	recording *recording // nil: the client's own headers
	scheme    string
	cookie    string // empty: none
}

// placeholders returns what replaces the placeholders of a recording in a request.
func (to rewriting) placeholders(host, key, length string) *strings.Replacer {
	return strings.NewReplacer("{origin}", to.scheme+"://"+host, "{host}", host, "{key}", key, "{length}", length)
}

// cookie returns a cookie of n bytes, its name included, or none for 0. Its value is random, as a session's is, so that
// no encoding makes it much shorter; but it is the same each time.
func cookie(n int) string {
	random := rand.New(rand.NewPCG(1, 1))
	value := []byte("c=")
	for len(value) < n {
		value = append(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[random.IntN(64)])
	}
	return string(value[:n])
}
