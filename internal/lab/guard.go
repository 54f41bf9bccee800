package lab

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"fourwires/websocket"

	"github.com/gin-gonic/gin"
)

// namesOf returns the names and addresses by which a listener at addr is
// called. A page elsewhere can have a name of its own lead to this machine (DNS
// rebinding), and a browser then takes the lab for that page's own server; but
// the name in the Host header is not one of these.
func namesOf(addr net.Addr) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return names
	}
	if !tcp.IP.IsUnspecified() {
		return append(names, tcp.IP.String())
	}
	if name, err := os.Hostname(); err == nil {
		names = append(names, strings.ToLower(name), strings.ToLower(name)+".local")
	}
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		if network, ok := addr.(*net.IPNet); ok {
			names = append(names, network.IP.String())
		}
	}
	return names
}

// onlyNames refuses requests whose Host is none of names. The port may be any:
// it is another one behind a forwarded port. HTTP/1.0 knows no Host (RFC 9112, section 3.2, asks for it from HTTP/1.1
// on), and no browser speaks that; health checks do. Such a request means the address that it came to.
func onlyNames(names []string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.Request.Host == "" && !c.Request.ProtoAtLeast(1, 1) {
			c.Request.Host = c.Request.Context().Value(http.LocalAddrContextKey).(net.Addr).String()
			return
		}
		host := url.URL{Host: strings.ToLower(c.Request.Host)}
		if !slices.Contains(names, host.Hostname()) {
			fail(c, http.StatusForbidden, "this lab is not called "+host.Hostname())
			return
		}
		// Where the port is the scheme's own, a proxy may write it into Host; a browser leaves it out of Origin. They
		// name one origin (RFC 6454, section 4), and net/http compares the letters.
		origin, err := url.Parse(c.Request.Header.Get("Origin"))
		if err == nil && origin.Host != "" && websocket.SameOrigin(c.Request) {
			c.Request.Host = origin.Host
		}
	}
}

// sameOrigin refuses what a page of another origin would change, and lets pages
// of the origins named, besides the lab's own, read and change (CORS, WHATWG
// Fetch section 3.3).
func sameOrigin(origins []string) gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c *gin.Context) {
		if len(origins) > 0 {
			c.Header("Vary", "Origin")
		}
		origin := c.Request.Header.Get("Origin")
		if slices.Contains(origins, serialized(origin)) {
			allow(c, origin, "GET, HEAD, POST")
			// A WebSocket's handler takes its own origin only, and one that is not
			// from a browser; this one is judged.
			c.Request.Header.Del("Origin")
			return
		}
		if protection.Check(c.Request) != nil {
			denyOrigin(c)
		}
	}
}

// originsOf returns the origins of a page that is served at addr under names.
func originsOf(scheme string, names []string, addr net.Addr) []string {
	_, port, _ := net.SplitHostPort(addr.String())
	var origins []string
	for _, name := range names {
		origins = append(origins, serialized(scheme+"://"+net.JoinHostPort(name, port)))
	}
	return origins
}

// serialized returns an origin as browsers write it: in small letters, and without the port where it is the scheme's
// own (RFC 6454, section 6.2).
func serialized(origin string) string {
	scheme, host, _ := strings.Cut(strings.ToLower(origin), "://")
	return scheme + "://" + strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[scheme])
}

// onlyOrigins lets pages of these origins read and change, and no other page.
func onlyOrigins(origins []string) gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c *gin.Context) {
		c.Header("Vary", "Origin")
		origin := c.Request.Header.Get("Origin")
		if slices.Contains(origins, serialized(origin)) {
			allow(c, origin, "GET, HEAD, POST, PUT, PATCH, DELETE")
			c.Request.Header.Del("Origin") // as above: it is judged
			return
		}
		if protection.Check(c.Request) != nil {
			denyOrigin(c)
		}
	}
}

// allow tells a browser that a page of origin may read the answer, and answers its question beforehand (a preflight).
// Such a page may send any header: none lets it do more, and what page code adds has no end (Cache-Control and
// X-Requested-With by replacements of EventSource, traceparent by what traces requests). They are repeated, since "*"
// leaves Authorization out (WHATWG Fetch, section 3.3), and browsers that need a replacement take it for a name.
func allow(c *gin.Context, origin, methods string) {
	c.Header("Access-Control-Allow-Origin", origin)
	c.Header("Access-Control-Expose-Headers", "ETag, Retry-After")
	if c.Request.Method == http.MethodOptions {
		c.Header("Access-Control-Allow-Methods", methods)
		c.Header("Access-Control-Allow-Headers", c.Request.Header.Get("Access-Control-Request-Headers"))
		c.Header("Access-Control-Max-Age", "600")
		c.AbortWithStatus(http.StatusNoContent)
	}
}

func denyOrigin(c *gin.Context) {
	fail(c, http.StatusForbidden, "a page of another origin ("+c.Request.Header.Get("Origin")+") may not do this")
}
