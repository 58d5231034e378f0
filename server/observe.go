package server

import (
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// noRoute is the label of requests for what there is not: paths are the client's words.
const noRoute = "none"

// countRequests counts each request under the route that took it.
func (a *App) countRequests(c *gin.Context) {
	start := time.Now()
	c.Next()
	route := c.FullPath()
	if route == "" {
		route = noRoute
	}
	a.metrics.Answered(route, statusOf(c), time.Since(start))
}

// answered returns what counts the answers that the middleware has no part in, and logs them
// as they do: see engineio.Options.TakeOver.
func (a *App) answered() func(engineio.Answered) {
	base := a.cfg.BasePath()
	slash, bare := a.metrics.Route(base), a.metrics.Route(strings.TrimSuffix(base, "/"))
	debug := a.cfg.LogLevel == "debug"
	return func(x engineio.Answered) {
		route := slash
		if !strings.HasSuffix(x.Path, "/") {
			route = bare
		}
		route.Answered(x.Status, x.Took)
		if debug {
			a.logAnswer(x.Method, x.Path, x.Status, x.Took, x.RemoteAddr)
		}
	}
}

// statusOf is the status of the answer. That of a WebSocket was written past Gin.
func statusOf(c *gin.Context) int {
	if c.Writer.Size() == 0 && c.Writer.Status() == http.StatusOK && c.GetHeader("Upgrade") != "" {
		return http.StatusSwitchingProtocols
	}
	return c.Writer.Status()
}

// routesOf lists the routes of a router, as countRequests names them.
func routesOf(r *gin.Engine) []string {
	all := []string{noRoute}
	for _, route := range r.Routes() {
		all = append(all, route.Path)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// profiles serves what go tool pprof reads. The command line is left out, because it may
// hold secrets.
func profiles(r *gin.Engine) {
	const path = "/debug/pprof/"
	r.GET(path, gin.WrapF(pprof.Index))
	r.GET(path+":profile", func(c *gin.Context) {
		switch c.Param("profile") {
		case "cmdline":
			c.Status(http.StatusNotFound)
		case "profile":
			pprof.Profile(c.Writer, c.Request)
		case "symbol":
			pprof.Symbol(c.Writer, c.Request)
		case "trace":
			pprof.Trace(c.Writer, c.Request)
		default:
			pprof.Index(c.Writer, c.Request)
		}
	})
	r.POST(path+"symbol", gin.WrapF(pprof.Symbol))
}
