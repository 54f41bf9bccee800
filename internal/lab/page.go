package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"

	"fourwires/docs"
	"fourwires/web"

	"github.com/gin-gonic/gin"
)

// index serves the page, which it tells where the control API is, and where the
// page itself, with TLS and without.
func index(on Listeners) gin.HandlerFunc {
	return func(c *gin.Context) {
		data := web.Data{Control: controlOrigin(c.Request, on.Control.Addr()), Plain: "http://" + as(c.Request, on.Lanes.Addr())}
		if on.TLS != nil {
			data.Secure = "https://" + as(c.Request, on.TLS.Addr())
		}
		c.Header("Content-Type", "text/html; charset=utf-8")
		if err := web.Index(c.Writer, data); err != nil {
			c.Error(err)
		}
	}
}

// static serves files, and says what is not there as the rest of the lab does.
func static(files fs.FS) gin.HandlerFunc {
	return func(c *gin.Context) {
		name := strings.TrimPrefix(c.Param("file"), "/")
		if info, err := fs.Stat(files, name); err != nil || info.IsDir() {
			fail(c, http.StatusNotFound, "nothing is at "+c.Request.URL.Path)
			return
		}
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
func policy(control net.Addr) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Header("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"connect-src 'self' ws://%s wss://%[1]s %s ws://%s; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			c.Request.Host, controlOrigin(c.Request, control), as(c.Request, control)))
		c.Header("Cross-Origin-Opener-Policy", "same-origin")
		c.Header("Cross-Origin-Embedder-Policy", "require-corp")
		c.Header("X-Content-Type-Options", "nosniff")
		c.Header("Cache-Control", "no-cache")
	}
}

// controlOrigin returns the origin of the control API, as the client of this
// request can reach it. It has no TLS; browsers let a page that has TLS ask it
// all the same on the machine they run on (W3C Secure Contexts, section 3.1).
func controlOrigin(r *http.Request, control net.Addr) string {
	return "http://" + as(r, control)
}

// as returns the host and port by which the client of this request can reach
// another of our addresses: one that listens everywhere is called by the name by
// which this one was.
func as(r *http.Request, addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		called := url.URL{Host: r.Host}
		return net.JoinHostPort(called.Hostname(), fmt.Sprint(tcp.Port))
	}
	return addr.String()
}
