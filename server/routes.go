package server

import (
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/handlers/api"
	"github.com/sockeye-io/sockeye/handlers/comments"
	"github.com/sockeye-io/sockeye/handlers/ws"
	"github.com/sockeye-io/sockeye/public"
	"github.com/sockeye-io/sockeye/server/problem"
)

// routes is every path of the main address.
func (a *App) routes() http.Handler {
	r := a.router()
	base := a.cfg.BasePath()
	if a.cfg.HSTS.Duration > 0 {
		r.Use(strictTransport(int64(a.cfg.HSTS.Duration.Seconds())))
	}

	// Socket.IO, with and without the trailing slash: a redirect would break
	// clients, for which Gin's own are off.
	r.Any(base, unbounded, gin.WrapH(a.front()))
	r.Any(strings.TrimSuffix(base, "/"), unbounded, gin.WrapH(a.front()))

	// The same rooms for those who come without Socket.IO.
	if a.cfg.PlainWebSocket {
		ws.Mount(a.io, r.Group("", unbounded), ws.Config{Logger: a.log})
	}
	if a.cfg.Events {
		a.mountEvents(r.Group("", unbounded))
	}

	// Everything else is answered from memory, and a client that dribbles its
	// request or does not take the answer is cut.
	r.Use(bounded(bodyTimeout, answerTimeout))

	// The browser client beside it, as Node does. Pages of other origins load
	// it as a module, which is a cross-origin request.
	for _, name := range public.ClientNames() {
		r.Match(readOnly, base+name, a.clientFile(name))
	}

	// Sockeye's own pages.
	for _, path := range a.site.Routes() {
		r.Any(path, gin.WrapH(a.site))
	}
	if a.comments.Comments != nil {
		a.comments.Routes(r)
		for _, path := range a.widget.Routes() {
			r.Any(path, gin.WrapH(a.widget))
		}
	}
	r.NoRoute(a.notFound)

	// What backends ask for, and readings of devices. Who may is decided there.
	if a.api != nil {
		a.api.Mount(r)
	}

	// For those who watch the program. /metrics tells too much about the users
	// for an open address: elsewhere than on loopback it needs --metrics-listen.
	r.Match(readOnly, "/healthz", a.healthz)
	r.Match(readOnly, "/readyz", a.readyz)
	if a.metricsListener == nil && a.loopback {
		r.Match(readOnly, "/metrics", a.notThroughProxies, gin.WrapH(a.metrics.Handler()))
	}
	a.metrics.Routes(routesOf(r)...)
	return r
}

// metricsRoutes is every path of the address of --metrics-listen.
func (a *App) metricsRoutes() http.Handler {
	r := a.router()
	if a.cfg.PProf { // unbounded: a profile takes as long as it is asked for
		profiles(r)
	}
	r.Use(bounded(bodyTimeout, answerTimeout))
	r.Match(readOnly, "/metrics", gin.WrapH(a.metrics.Handler()))
	r.Match(readOnly, "/healthz", a.healthz)
	r.Match(readOnly, "/readyz", a.readyz)
	a.metrics.Routes(routesOf(r)...)
	return r
}

var readOnly = []string{http.MethodGet, http.MethodHead}

// quietGin is called once: the mode is a variable of the whole process.
var quietGin = sync.OnceFunc(func() { gin.SetMode(gin.ReleaseMode) })

func (a *App) router() *gin.Engine {
	quietGin()
	r := gin.New()
	r.RedirectTrailingSlash = false
	r.RedirectFixedPath = false
	r.Use(a.countRequests, a.recoverPanics)
	if a.cfg.LogLevel == "debug" {
		r.Use(a.logRequests)
	}
	return r
}

// Bounds of a request that is answered from memory.
const (
	bodyTimeout   = 10 * time.Second
	answerTimeout = time.Minute
)

// bounded limits how long the client may take to send a body that nobody wants,
// and to take the answer.
func bounded(body, answer time.Duration) gin.HandlerFunc {
	return func(c *gin.Context) {
		rc := http.NewResponseController(c.Writer)
		// Writers without deadlines are those of tests.
		_ = rc.SetReadDeadline(time.Now().Add(body))
		_ = rc.SetWriteDeadline(time.Now().Add(answer))
	}
}

// unbounded lifts what bounded has left on a connection that is used again:
// engineio has bounds of its own.
func unbounded(c *gin.Context) {
	_ = http.NewResponseController(c.Writer).SetWriteDeadline(time.Time{}) // see bounded
}

// proxied are headers that proxies write.
var proxied = []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via"}

// notThroughProxies hides a path from those who come through a proxy on this machine: the
// loopback address is the proxy's then, and not theirs.
func (a *App) notThroughProxies(c *gin.Context) {
	peer, err := netip.ParseAddrPort(c.Request.RemoteAddr)
	through := slices.ContainsFunc(proxied, func(name string) bool { return c.Request.Header.Get(name) != "" })
	if through || err != nil || !peer.Addr().Unmap().IsLoopback() {
		c.Abort()
		a.site.NotFound(c.Writer, c.Request)
	}
}

// healthz says that the process is alive, also while it is stopping.
func (a *App) healthz(c *gin.Context) { c.String(http.StatusOK, "ok\n") }

// readyz says whether new clients may be sent here.
func (a *App) readyz(c *gin.Context) {
	if a.draining.Load() {
		c.String(http.StatusServiceUnavailable, "shutting down\n")
		return
	}
	if a.redisAway() {
		c.String(http.StatusServiceUnavailable, "redis is away\n")
		return
	}
	c.String(http.StatusOK, "ready\n")
}

// notFound answers programs as a program, and people with a page.
func (a *App) notFound(c *gin.Context) {
	if a.api != nil && strings.HasPrefix(c.Request.URL.Path, api.Prefix) {
		api.NotFound(c.Writer)
		return
	}
	if a.comments.Comments != nil && strings.HasPrefix(c.Request.URL.Path, comments.Prefix+"v1/") {
		problem.Write(c.Writer, problem.New(http.StatusNotFound, problem.CodeNotFound, "the comments have nothing at this address"))
		return
	}
	a.site.NotFound(c.Writer, c.Request)
}

func (a *App) clientFile(name string) gin.HandlerFunc {
	return func(c *gin.Context) {
		a.origins.SetHeaders(c.Writer.Header(), c.Request)
		a.client.Serve(c.Writer, c.Request, name)
	}
}

// recoverPanics ends one request, not the program.
func (a *App) recoverPanics(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v == any(http.ErrAbortHandler) { // net/http's own way to cut a connection
			panic(v)
		}
		a.log.Error("panic in a request", "path", c.Request.URL.Path, "panic", v, "stack", string(debug.Stack()))
		if !c.Writer.Written() {
			c.AbortWithStatus(http.StatusInternalServerError)
		}
	}()
	c.Next()
}

// logRequests logs each request at level debug; the query is left out because
// it carries the session's secret id.
func (a *App) logRequests(c *gin.Context) {
	start := time.Now()
	c.Next()
	a.logAnswer(c.Request.Method, c.Request.URL.Path, c.Writer.Status(), time.Since(start), c.Request.RemoteAddr)
}

func (a *App) logAnswer(method, path string, status int, took time.Duration, remote string) {
	a.log.Debug("request", "method", method, "path", path, "status", status, "took", took, "remote", remote)
}
