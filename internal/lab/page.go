package lab

import (
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"fourwires/docs"
	"fourwires/sse"
	"fourwires/web"

	"github.com/gin-gonic/gin"
)

// index serves the page, which it tells where the page itself is to be had, with TLS and without, and where the
// control API, if this page can use that.
func index(on Listeners, origins []string) gin.HandlerFunc {
	return func(c *gin.Context) {
		data := web.Data{Lab: Version(), Plain: called(c.Request, "http", on.Lanes.Addr())}
		data.Control, data.Barred = controlOf(c.Request, on, origins)
		if on.TLS != nil {
			data.Secure = called(c.Request, "https", on.TLS.Addr())
		}
		c.Header("Content-Type", "text/html; charset=utf-8")
		if err := web.Index(c.Writer, data); err != nil {
			c.Error(err)
		}
	}
}

// types has the media types of all files that the lab serves. net/http would go by the machine's table, and where that
// calls a module text/plain no browser runs it (WHATWG HTML, section 8.1.4.2).
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".png": "image/png",
	".svg": "image/svg+xml",
}

// static serves files, and says what is not there as the rest of the lab does.
func static(files fs.FS) gin.HandlerFunc {
	return func(c *gin.Context) {
		name := strings.TrimPrefix(c.Param("file"), "/")
		if info, err := fs.Stat(files, name); err != nil || info.IsDir() {
			fail(c, http.StatusNotFound, "nothing is at "+c.Request.URL.Path)
			return
		}
		c.Header("Content-Type", types[path.Ext(name)])
		http.ServeFileFS(c.Writer, c.Request, files, name)
	}
}

// document serves the pages of docs/, and the pictures in them.
func document(c *gin.Context) {
	stem := strings.Trim(c.Param("file"), "/")
	page, err := docs.Page(stem)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if strings.HasSuffix(stem, ".svg") { // it has its own style in it, and no script
			c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		}
		static(docs.Files())(c)
	case err != nil:
		c.Error(err)
		fail(c, http.StatusInternalServerError, "the page cannot be rendered")
	default:
		c.Data(http.StatusOK, "text/html; charset=utf-8", page)
	}
}

// policy sets what a browser may do with the page: run our scripts, talk to our
// two addresses, and nothing else. Isolated from other origins (COOP and COEP)
// its clock ticks in 5 µs instead of 100.
func policy(on Listeners, origins []string) gin.HandlerFunc {
	return func(c *gin.Context) {
		sources := hostSources(c.Request.Host, "ws", "wss")
		if control, _ := controlOf(c.Request, on, origins); control != "" {
			sources = append(sources, hostSources(strings.TrimPrefix(control, "http://"), "http", "ws")...)
		}
		c.Header("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"connect-src 'self' "+strings.Join(sources, " ")+"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		c.Header("Cross-Origin-Opener-Policy", "same-origin")
		c.Header("Cross-Origin-Embedder-Policy", "require-corp")
		c.Header("X-Content-Type-Options", "nosniff")
		c.Header("Cache-Control", "no-cache")
	}
}

// negotiate has what compresses behind it keep to what the client says. That looks for the word gzip, which stands there
// too where the client refuses it (q=0; RFC 9110, section 12.4.2). And a range of what is compressed would be counted
// before that, where the client counts after (section 14.1); Range may be ignored (section 14.2), and the file goes whole.
func negotiate(c *gin.Context) {
	if sse.AcceptsGzip(c.Request.Header["Accept-Encoding"]) {
		c.Request.Header.Set("Accept-Encoding", "gzip") // it may have been *, or in another line
		c.Request.Header.Del("Range")
		return
	}
	c.Request.Header.Del("Accept-Encoding")
	c.Writer.Header().Add("Vary", "Accept-Encoding") // as of the answers that are compressed (section 12.5.5)
}

// hostSources returns what a policy has of these schemes at a host. An IPv6 address is no host of a policy (CSP 3,
// section 2.3.1, host-part): there it is any host, at this port.
func hostSources(host string, schemes ...string) (sources []string) {
	if _, port, found := strings.Cut(host, "]"); found {
		host = "*" + port
	}
	for _, scheme := range schemes {
		sources = append(sources, scheme+"://"+host)
	}
	return sources
}

// controlOf returns the origin of the control API, or "" and why the page of this request cannot use it: that page has
// another origin than the control API knows, behind a forwarded port or a proxy; or our loopback address would be the
// client's own machine. The control API has no TLS; browsers let a page that has TLS ask it all the same
// on the machine they run on (W3C Secure Contexts, section 3.1).
func controlOf(r *http.Request, on Listeners, origins []string) (origin, barred string) {
	known := func(scheme string) bool { return slices.Contains(origins, serialized(scheme+"://"+r.Host)) }
	tcp, ok := on.Control.Addr().(*net.TCPAddr)
	switch {
	case !known("http") && !known("https"):
		return "", "the controls are at the lab’s own address, " + called(r, "http", on.Lanes.Addr()) + "/, not behind another port or a proxy"
	case ok && tcp.IP.IsLoopback() && !fromHere(r):
		return "", "the controls are on the page that the lab’s own machine shows, since --control " + tcp.String() + " is for that machine alone"
	}
	return called(r, "http", on.Control.Addr()), ""
}

// fromHere reports whether a request comes from this machine, or from a proxy on it.
func fromHere(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return true // in memory there is no other machine
	}
	to := netip.MustParseAddrPort(r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
	return from.Addr().IsLoopback() || from.Addr() == to.Addr()
}

// called returns the origin by which the client of this request can reach one of our addresses: by the name by which it
// called, where that address is the one it asked, or listens everywhere.
func called(r *http.Request, scheme string, addr net.Addr) string {
	asked := url.URL{Host: r.Host}
	_, port, _ := net.SplitHostPort(addr.String())
	byName := serialized(scheme + "://" + net.JoinHostPort(asked.Hostname(), port))
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() || byName == serialized(scheme+"://"+r.Host) {
		return byName
	}
	return serialized(scheme + "://" + addr.String())
}
