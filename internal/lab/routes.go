package lab

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/pprof"
	"net/url"
	"regexp"
	"runtime/debug"
	"slices"
	"time"

	"fourwires/sse"
	"fourwires/web"
	"fourwires/websocket"

	"github.com/gin-contrib/gzip"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// lanes returns what the lanes' address serves: the four transports, the way
// up, and the page, which at one of these origins can use the control API.
func (l *Lab) lanes(names, origins []string, on Listeners) http.Handler {
	engine := l.engine(names)
	engine.Use(sameOrigin(l.settings.Origins))

	clients := atMost(l.settings.Limits.Clients, "clients")
	for _, t := range Transports {
		handler := t.Handler(l.Feed, l.metrics.sent(l.Feed, t.Name))
		switch h := handler.(type) {
		case *sse.Handler:
			h.Gzip = l.settings.Gzip
		case *websocket.Handler:
			h.Deflate = l.settings.Deflate
			h.Publish = func(r *http.Request, data []byte) error { // the way up, as POST /publish is
				_, err := l.accept(r, data)
				if err != nil {
					l.metrics.refusals.WithLabelValues("frame").Inc()
				}
				return err
			}
		}
		get(engine, "/"+t.Name, l.logged(t.Stream), query(t.Query...), l.carried.carries(t.Name), clients, l.metrics.reading(t.Name), gin.WrapH(handler))
	}
	get(engine, "/websocket/echo", l.logged(true), query("stamps"), clients, gin.WrapH(&websocket.Echo{Done: l.ends}))

	l.health(engine)
	calls := engine.Group("/", l.logged(false), query(), newSeats(l.settings.Limits.Requests).take)
	calls.POST("/publish", l.publish)
	calls.POST("/echo", l.echo)

	page := calls.Group("/", policy(on, origins), negotiate, gzip.Gzip(gzip.DefaultCompression)) // a third of the bytes
	get(page, "/", index(on, origins))
	get(page, "/static/*file", static(web.Static()))
	get(page, "/docs", document)
	get(page, "/docs/*file", document)
	return engine
}

// control returns what the control address serves, to scripts and to the page
// that the lanes' address shows, with TLS or without: the page's origins.
func (l *Lab) control(names, origins []string) http.Handler {
	engine := l.engine(names)
	engine.Use(onlyOrigins(origins), noStore)

	l.health(engine)
	requests := newSeats(l.settings.Limits.Requests)
	calls := engine.Group("/", l.logged(false), query(), requests.take)
	clients := atMost(l.settings.Limits.Clients, "clients")
	get(engine, "/websocket/echo", l.logged(true), query("stamps"), clients, gin.WrapH(&websocket.Echo{Done: l.ends})) // for the page's clock: no network is in its way
	get(calls, "/metrics", gin.WrapH(promhttp.HandlerFor(l.metrics.registry, promhttp.HandlerOpts{})))
	get(calls, "/control/ledger", l.showLedger)
	get(calls, "/control/feed", l.showFeed)
	calls.PATCH("/control/feed", l.changeFeed)
	get(calls, "/control/network", l.showNetwork)
	calls.PUT("/control/network", l.setNetwork)
	calls.DELETE("/control/network", l.clearNetwork)
	calls.POST("/control/cuts", l.cut)
	calls.POST("/control/restart", l.again)
	if l.settings.Profiles {
		get(engine, "/debug/pprof/*name", query("debug", "gc", "seconds"), requests.take, gin.WrapF(profile))
	}
	return engine
}

// noStore has no cache keep an answer that may be another a moment later (RFC 9111, section 5.2.2.5). The lanes' handlers
// say so themselves; an answer to POST is kept by none that is not told to (RFC 9110, section 9.3.3).
func noStore(c *gin.Context) { c.Header("Cache-Control", "no-store") }

// get routes GET, and HEAD beside it: what may be read may be asked about (RFC 9110, section 9.1). net/http keeps the
// body of an answer to HEAD back (section 9.3.2). Neither has content.
func get(routes gin.IRoutes, path string, handlers ...gin.HandlerFunc) {
	handlers = slices.Insert(handlers, len(handlers)-1, noContent)
	routes.Match([]string{http.MethodGet, http.MethodHead}, path, handlers...)
}

// health routes /healthz, which is behind no limit: it answers at once, and does not wait for a body.
func (l *Lab) health(engine *gin.Engine) {
	engine.Match([]string{http.MethodGet, http.MethodHead}, "/healthz", l.logged(false), query(), noStore, healthz)
}

// profile serves what net/http/pprof has.
func profile(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/debug/pprof/profile":
		pprof.Profile(w, r)
	case "/debug/pprof/trace":
		pprof.Trace(w, r)
	default:
		pprof.Index(w, r)
	}
}

// engine returns a router that answers requests to these names only, and every
// fault with one JSON sentence.
func (l *Lab) engine(names []string) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.Use(l.metrics.refused, gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, fault any) {
		l.settings.Log.Error("panic", "path", c.Request.URL.Path, "fault", fault, "stack", string(debug.Stack()))
		fail(c, http.StatusInternalServerError, "the lab made a mistake; its log says which")
	}), onlyNames(names), gone, l.settings.Limits.bodies)
	engine.NoRoute(func(c *gin.Context) {
		fail(c, http.StatusNotFound, fmt.Sprintf("nothing is at %s", c.Request.URL.Path))
	})
	engine.NoMethod(func(c *gin.Context) {
		fail(c, http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s", c.Request.URL.Path, c.Writer.Header().Get("Allow")))
	})
	return engine
}

// fail ends a request with an error.
func fail(c *gin.Context, status int, sentence string) {
	c.AbortWithStatusJSON(status, gin.H{"error": sentence})
}

// logged logs requests. A stream is logged when it opens and when it ends: it
// is not a request that took long.
func (l *Lab) logged(stream bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !l.settings.Log.Enabled(c, slog.LevelDebug) {
			return
		}
		log := l.settings.Log.With("method", c.Request.Method, "url", c.Request.URL.String(), "peer", c.Request.RemoteAddr)
		start := time.Now()
		if stream {
			log.Debug("stream opens")
			c.Next()
			log.Debug("stream ends", "open", time.Since(start))
			return
		}
		c.Next()
		log.Debug("request", "status", c.Writer.Status(), "took", time.Since(start))
	}
}

var pageID = regexp.MustCompile(`^[0-9a-z]{1,16}$`)

// query refuses requests whose query has a name that the route does not read,
// or one name twice. A misspelt ?afer= must not pass for no cursor at all.
// Every route takes page, by which a page marks its requests.
func query(names ...string) gin.HandlerFunc {
	names = append(names, "page")
	return func(c *gin.Context) {
		values, err := url.ParseQuery(c.Request.URL.RawQuery)
		if err != nil {
			fail(c, http.StatusBadRequest, err.Error())
			return
		}
		for _, name := range slices.Sorted(maps.Keys(values)) { // so that one request has one answer
			given := values[name]
			switch {
			case !slices.Contains(names, name):
				fail(c, http.StatusBadRequest, fmt.Sprintf("%s does not know %q; it knows %q", c.FullPath(), name, names))
			case len(given) > 1:
				fail(c, http.StatusBadRequest, fmt.Sprintf("%s is given %d times", name, len(given)))
			case name == "page" && !pageID.MatchString(given[0]):
				fail(c, http.StatusBadRequest, "page is 1 to 16 of a-z and 0-9")
			default:
				continue
			}
			return
		}
	}
}
