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

// hostsOf returns the names and addresses by which clients reach a listener at addr. A foreign page can make a name of
// its own resolve to this machine (DNS rebinding), so that a browser takes the lab for that page's server; but then the
// Host header has that name, which is not one of these.
func hostsOf(addr net.Addr) []string {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return hosts
	}
	if !tcp.IP.IsUnspecified() {
		return append(hosts, tcp.IP.String())
	}
	if name, err := os.Hostname(); err == nil {
		hosts = append(hosts, strings.ToLower(name), strings.ToLower(name)+".local")
	}
	addrs, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		if network, ok := addr.(*net.IPNet); ok {
			hosts = append(hosts, network.IP.String())
		}
	}
	return hosts
}

// checkHost returns middleware that refuses requests whose Host is none of hosts. Its port may be any, since a
// forwarded port differs from the lab's. HTTP/1.0 has no Host (RFC 9112, section 3.2, requires it from HTTP/1.1 on); no
// browser uses HTTP/1.0, but health checks do. The host of such a request is the address that it arrived at.
func checkHost(hosts []string) gin.HandlerFunc {
	return func(c *gin.Context) {
		if c.Request.Host == "" && !c.Request.ProtoAtLeast(1, 1) {
			c.Request.Host = c.Request.Context().Value(http.LocalAddrContextKey).(net.Addr).String()
			return
		}
		host := url.URL{Host: strings.ToLower(c.Request.Host)}
		if !slices.Contains(hosts, host.Hostname()) {
			fail(c, http.StatusForbidden, "this lab is not called "+host.Hostname())
			return
		}
		// A proxy may write the scheme's default port into Host, where a browser leaves it out of Origin. Both are the
		// same origin (RFC 6454, section 4), but net/http compares them as text.
		origin, err := url.Parse(c.Request.Header.Get("Origin"))
		if err == nil && origin.Host != "" && websocket.SameOrigin(c.Request) {
			c.Request.Host = origin.Host
		}
	}
}
