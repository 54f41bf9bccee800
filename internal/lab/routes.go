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

// lanes returns the handler of the lanes' addresses: the four transports, publish and echo, and the page, which may use
// the control API if its origin is one of these.
func (l *Lab) lanes(hosts, origins []string, on Listeners) http.Handler {
	engine := l.engine(hosts)
	engine.Use(checkOrigin(l.settings.Origins, "GET, HEAD, POST"))

	clients := atMost(l.settings.Limits.Clients, "clients")
	for _, t := range Transports {
		get(engine, "/"+t.Name, l.logged(t.Stream), query(t.Query...), l.lastLanes.note(t.Name), clients,
			l.metrics.reading(t.Name), gin.WrapH(l.transport(t)))
	}
	get(engine, "/websocket/echo", l.logged(true), query("stamps"), clients, gin.WrapH(&websocket.Echo{Done: l.ends}))

	l.health(engine)
	calls := engine.Group("/", l.logged(false), query(), newSeats(l.settings.Limits.Requests).take)
	calls.POST("/publish", l.publish)
	calls.POST("/echo", l.echo)

	compress := gzip.Gzip(gzip.DefaultCompression) // to a third of the bytes
	page := calls.Group("/", policy(on, origins), negotiate, compress)
	get(page, "/", index(on, origins))
	get(page, "/static/*file", static(web.Static()))
	get(page, "/docs", document)
	get(page, "/docs/*file", document)
	return engine
}

// transport returns the handler of a transport.
func (l *Lab) transport(t Transport) http.Handler {
	handler := t.Handler(l.Feed, l.metrics.sent(l.Feed, t.Name))
	switch h := handler.(type) {
	case *sse.Handler:
		h.Gzip = l.settings.Gzip
	case *websocket.Handler:
		h.Deflate = l.settings.Deflate
		h.Publish = func(r *http.Request, data []byte) error { // upstream, as POST /publish
			_, err := l.accept(r, data)
			if err != nil {
				l.metrics.refusals.WithLabelValues("frame").Inc()
			}
			return err
		}
	}
	return handler
}

// control returns the handler of the control address, for scripts and for pages of these origins: the lab's own page,
// opened with TLS or without.
func (l *Lab) control(hosts, origins []string) http.Handler {
	engine := l.engine(hosts)
	engine.Use(checkOrigin(origins, "GET, HEAD, POST, PUT, PATCH, DELETE"), noStore)

	l.health(engine)
	requests := newSeats(l.settings.Limits.Requests)
	calls := engine.Group("/", l.logged(false), query(), requests.take)
	clients := atMost(l.settings.Limits.Clients, "clients")
	get(engine, "/websocket/echo", l.logged(true), query("stamps"), clients,
		gin.WrapH(&websocket.Echo{Done: l.ends})) // for the page's clock, which no network shall delay
	get(calls, "/metrics", gin.WrapH(promhttp.HandlerFor(l.metrics.registry, promhttp.HandlerOpts{})))
	get(calls, "/control/ledger", l.showLedger)
	get(calls, "/control/feed", l.showFeed)
	calls.PATCH("/control/feed", l.refuseDuringRun, l.changeFeed)
	get(calls, "/control/network", l.showNetwork)
	calls.PUT("/control/network", l.refuseDuringRun, l.setNetwork)
	calls.DELETE("/control/network", l.refuseDuringRun, l.clearNetwork)
	calls.POST("/control/cuts", l.cut)
	calls.POST("/control/restart", l.refuseDuringRun, l.restartLab)
	calls.PUT("/control/run", l.beginRun)
	calls.DELETE("/control/run", l.endRun)
	get(calls, "/control/scenarios", showScenarios)
	get(engine, "/control/exchanges", l.logged(true), query(), clients, l.showExchanges)
	get(engine, "/control/exchanges/:exchange", l.logged(false), query("seq"), requests.take, l.showExchange)
	if l.settings.Profiles {
		get(engine, "/debug/pprof/*name", query("debug", "gc", "seconds"), requests.take, gin.WrapF(profile))
	}
	return engine
}

// noStore is middleware that forbids caches to store an answer which a moment later may differ (RFC 9111, section
// 5.2.2.5). The lanes' handlers do so themselves, and an answer to POST is not stored by default (RFC 9110, section
// 9.3.3).
func noStore(c *gin.Context) { c.Header("Cache-Control", "no-store") }

// get routes GET and HEAD (RFC 9110, section 9.1): neither request has content, and net/http does not send the body of
// an answer to HEAD (section 9.3.2).
func get(routes gin.IRoutes, path string, handlers ...gin.HandlerFunc) {
	handlers = slices.Insert(handlers, len(handlers)-1, refuseBody)
	routes.Match([]string{http.MethodGet, http.MethodHead}, path, handlers...)
}

// health routes /healthz, which has no limit: it answers at once, without waiting for a body.
func (l *Lab) health(engine *gin.Engine) {
	engine.Match([]string{http.MethodGet, http.MethodHead}, "/healthz", l.logged(false), query(), noStore, healthz)
}

func healthz(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok"}) }

// profile serves the profiles of net/http/pprof.
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

// engine returns a router that answers only requests to these hosts, and every error with one JSON sentence.
func (l *Lab) engine(hosts []string) *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.Use(l.metrics.refused, gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, fault any) {
		l.settings.Log.Error("panic", "path", c.Request.URL.Path, "fault", fault, "stack", string(debug.Stack()))
		fail(c, http.StatusInternalServerError, "the lab made a mistake; its log says which")
	}), checkHost(hosts), dropReset, l.settings.Limits.boundBody)
	engine.NoRoute(func(c *gin.Context) {
		fail(c, http.StatusNotFound, fmt.Sprintf("nothing is at %s", c.Request.URL.Path))
	})
	engine.NoMethod(func(c *gin.Context) {
		allowed := c.Writer.Header().Get("Allow")
		fail(c, http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s", c.Request.URL.Path, allowed))
	})
	return engine
}

// fail answers with a status and one JSON sentence, and runs no further handler.
func fail(c *gin.Context, status int, sentence string) {
	c.AbortWithStatusJSON(status, gin.H{"error": sentence})
}

// logged returns middleware that logs requests. A stream is logged twice, when it opens and when it ends, since it is
// no slow request.
func (l *Lab) logged(stream bool) gin.HandlerFunc {
	return func(c *gin.Context) {
		if !l.settings.Log.Enabled(c, slog.LevelDebug) {
			return
		}
		log := l.settings.Log.With(
			"method", c.Request.Method, "url", c.Request.URL.String(), "peer", c.Request.RemoteAddr)
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

// query returns middleware that refuses requests whose query has a name that the route does not read, or a name twice:
// a misspelt ?afer= must not count as no cursor at all. Every route takes page, by which a page marks its requests.
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
				sentence := fmt.Sprintf("%s does not know %q; it knows %q", c.FullPath(), name, names)
				fail(c, http.StatusBadRequest, sentence)
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

// dropReset is middleware that ends a request of HTTP/2 whose client has reset the stream before a handler began. On
// HTTP/1.1 the context also ends when the client has closed only its own half of the connection.
func dropReset(c *gin.Context) {
	if c.Request.ProtoMajor == 2 && c.Request.Context().Err() != nil {
		c.Abort()
	}
}
