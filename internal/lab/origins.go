package lab

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

// checkOrigin returns middleware that lets pages of these origins, and of the lab's own, read and change by any of
// methods (CORS, WHATWG Fetch, section 3.3), and refuses what any other page would change.
func checkOrigin(origins []string, methods string) gin.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(c *gin.Context) {
		if len(origins) > 0 {
			c.Header("Vary", "Origin")
		}
		origin := c.Request.Header.Get("Origin")
		if slices.Contains(origins, serialized(origin)) {
			allow(c, origin, methods)
			// The handler of a WebSocket takes only requests of its own origin or without Origin; this one is checked.
			c.Request.Header.Del("Origin")
			return
		}
		if protection.Check(c.Request) != nil {
			fail(c, http.StatusForbidden, "a page of another origin ("+origin+") may not do this")
		}
	}
}

// originsOf returns the origins of a page that is served at addr and opened under any of hosts.
func originsOf(scheme string, hosts []string, addr net.Addr) []string {
	_, port, _ := net.SplitHostPort(addr.String())
	var origins []string
	for _, host := range hosts {
		origins = append(origins, serialized(scheme+"://"+net.JoinHostPort(host, port)))
	}
	return origins
}

// serialized returns an origin as browsers write it: in small letters, and without the scheme's default port (RFC 6454,
// section 6.2).
func serialized(origin string) string {
	scheme, host, _ := strings.Cut(strings.ToLower(origin), "://")
	return scheme + "://" + strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[scheme])
}

// allow sets the headers by which a browser lets a page of origin read the answer, and answers a preflight request. The
// page may send any header, since none gives it further rights and libraries add many (Cache-Control and
// X-Requested-With by replacements of EventSource, traceparent by tracing). The preflight's list is repeated, because
// "*" leaves out Authorization (WHATWG Fetch, section 3.3) and browsers without EventSource take "*" for a name.
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
