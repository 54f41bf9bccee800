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

// index serves the page. The page gets its own URLs with TLS and without, and that of the control API, if it can use
// that.
func index(on Listeners, origins []string) gin.HandlerFunc {
	return func(c *gin.Context) {
		data := web.Data{Lab: Version(), Plain: originFor(c.Request, "http", on.Lanes.Addr())}
		data.Control, data.Barred = controlOf(c.Request, on, origins)
		if on.TLS != nil {
			data.Secure = originFor(c.Request, "https", on.TLS.Addr())
		}
		c.Header("Content-Type", "text/html; charset=utf-8")
		if err := web.Index(c.Writer, data); err != nil {
			c.Error(err)
		}
	}
}

// types are the media types of all files that the lab serves. net/http would use the machine's table, and where that
// has text/plain for a module, no browser runs it (WHATWG HTML, section 8.1.4.2).
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".png": "image/png",
	".svg": "image/svg+xml",
}

// static serves files, and answers 404 with one JSON sentence.
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

// document serves the pages of docs/ and their pictures.
func document(c *gin.Context) {
	stem := strings.Trim(c.Param("file"), "/")
	page, err := docs.Page(stem)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if strings.HasSuffix(stem, ".svg") { // it has a style element and no script
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

// policy returns middleware that lets the page run scripts of the lab, connect to its two addresses, be shown within a
// chapter of the docs, and do nothing else (CSP). Isolated from other origins (COOP and COEP), the page's clock has a resolution of 5 µs instead of 100 µs.
func policy(on Listeners, origins []string) gin.HandlerFunc {
	return func(c *gin.Context) {
		sources := hostSources(c.Request.Host, "ws", "wss")
		if control, _ := controlOf(c.Request, on, origins); control != "" {
			sources = append(sources, hostSources(strings.TrimPrefix(control, "http://"), "http", "ws")...)
		}
		c.Header("Content-Security-Policy", "default-src 'none'; "+
			"script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' "+strings.Join(sources, " ")+"; "+
			"frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
		c.Header("Cross-Origin-Opener-Policy", "same-origin")
		c.Header("Cross-Origin-Embedder-Policy", "require-corp")
		c.Header("X-Content-Type-Options", "nosniff")
		c.Header("Cache-Control", "no-cache")
	}
}

// negotiate is middleware that prepares a request for gin-contrib/gzip. That looks for the word gzip in
// Accept-Encoding, which is there too when the client refuses gzip (q=0; RFC 9110, section 12.4.2). And it would
// compress a range of the file, where the client means a range of the compressed file (section 14.1); a server may
// ignore Range (section 14.2), so the file is sent whole.
func negotiate(c *gin.Context) {
	if sse.AcceptsGzip(c.Request.Header["Accept-Encoding"]) {
		c.Request.Header.Set("Accept-Encoding", "gzip") // it may have been *, or in another header line
		c.Request.Header.Del("Range")
		return
	}
	c.Request.Header.Del("Accept-Encoding")
	c.Writer.Header().Add("Vary", "Accept-Encoding") // as compressed answers have (section 12.5.5)
}

// hostSources returns the sources of these schemes at a host for a policy. A policy cannot name an IPv6 address (CSP 3,
// section 2.3.1, host-part); for that it names any host at this port.
func hostSources(host string, schemes ...string) (sources []string) {
	if _, port, found := strings.Cut(host, "]"); found {
		host = "*" + port
	}
	for _, scheme := range schemes {
		sources = append(sources, scheme+"://"+host)
	}
	return sources
}

// controlOf returns the origin of the control API, or "" and why the page of this request cannot use it: the page is
// behind a forwarded port or a proxy, so that its origin is none of origins; or the control API is on a loopback
// address and the client on another machine. The control API has no TLS; browsers let a page with TLS use it
// nevertheless on their own machine (W3C Secure Contexts, section 3.1).
func controlOf(r *http.Request, on Listeners, origins []string) (origin, barred string) {
	known := func(scheme string) bool {
		return slices.Contains(origins, serialized(scheme+"://"+r.Host))
	}
	tcp, ok := on.Control.Addr().(*net.TCPAddr)
	switch {
	case !known("http") && !known("https"):
		return "", "the controls are at the lab’s own address, " + originFor(r, "http", on.Lanes.Addr()) +
			"/, not behind another port or a proxy"
	case ok && tcp.IP.IsLoopback() && !isLocal(r):
		return "", "the controls are on the page that the lab’s own machine shows, since --control " + tcp.String() +
			" is for that machine alone"
	}
	return originFor(r, "http", on.Control.Addr()), ""
}

// isLocal reports whether a request was sent by this machine, or by a proxy on it.
func isLocal(r *http.Request) bool {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return true // a connection in memory is of this machine
	}
	to := netip.MustParseAddrPort(r.Context().Value(http.LocalAddrContextKey).(net.Addr).String())
	return from.Addr().IsLoopback() || from.Addr() == to.Addr()
}

// originFor returns the origin under which the client of this request can reach one of our addresses: under the host
// that the request names, if it arrived at this address or this address is on all interfaces; otherwise under the
// address.
func originFor(r *http.Request, scheme string, addr net.Addr) string {
	requested := url.URL{Host: r.Host}
	_, port, _ := net.SplitHostPort(addr.String())
	byName := serialized(scheme + "://" + net.JoinHostPort(requested.Hostname(), port))
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() || byName == serialized(scheme+"://"+r.Host) {
		return byName
	}
	return serialized(scheme + "://" + addr.String())
}
