package comments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/problem"
)

// web is what the HTTP side keeps.
type web struct {
	shelf *shelf
	heads headClock
	demo  demoDoor
	hooks *hooks
}

func newWeb(o *Options) *web { return &web{shelf: newShelf(), hooks: newHooks(o.Store, o.Logger)} }

// Routes mounts the HTTP side.
func (c *Comments) Routes(r gin.IRouter) {
	g := r.Group(Prefix + "v1/:site")
	// For pages of a site, and for programs that show no origin.
	c.public(g, "/snapshot", c.snapshot, http.MethodGet, http.MethodHead)
	c.public(g, "/counts", c.counts, http.MethodGet, http.MethodHead, http.MethodPost)
	c.public(g, "/feed.atom", c.feedAtom, http.MethodGet, http.MethodHead)
	// What ServeGuest answers has its own CORS headers and methods.
	g.Any("/events", c.events)
	// For the moderator page of this server alone.
	c.private(g, "/setup", c.setUp, http.MethodPost)
	c.private(g, "/login", c.logIn, http.MethodPost)
	c.private(g, "/logout", c.logOut, http.MethodPost)
	c.private(g, "/session", c.whoIs, http.MethodGet, http.MethodHead)
	if c.opts.Open {
		try := g.Group("")
		if c.opts.TryDoor != nil {
			try.Use(c.opts.TryDoor)
		}
		c.private(try, "/try", c.tryDemo, http.MethodPost)
	}
	r.Match([]string{http.MethodGet, http.MethodHead}, Prefix+"frame/:site", c.frame)
}

// public mounts what pages of a site may ask for.
func (c *Comments) public(g gin.IRouter, path string, h func(http.ResponseWriter, *http.Request, *site) error, methods ...string) {
	g.Any(path, func(gc *gin.Context) {
		w, r := gc.Writer, gc.Request
		s, err := c.site(r.Context(), gc.Param("site"))
		if err != nil {
			w.Header().Set("Access-Control-Allow-Origin", "*") // any page may read that it has the wrong name
			c.fail(w, r, err)
			return
		}
		if p := crossOrigin(w, r, s.about.Load().origins, s.name); p != nil {
			problem.Write(w, p)
			return
		}
		switch {
		case r.Method == http.MethodOptions:
			preflight(w, strings.Join(methods, ", "))
		case !slices.Contains(methods, r.Method):
			wrongMethod(w, append(methods, http.MethodOptions))
		default:
			w.Header().Set("X-Content-Type-Options", "nosniff")
			if err := h(w, r, s); err != nil {
				c.fail(w, r, err)
			}
		}
	})
}

// private mounts what goes by a cookie, for pages of this server alone.
func (c *Comments) private(g gin.IRouter, path string, h func(http.ResponseWriter, *http.Request, *about) error, methods ...string) {
	g.Any(path, func(gc *gin.Context) {
		w, r := gc.Writer, gc.Request
		w.Header().Set("Cache-Control", "no-store")
		if !slices.Contains(methods, r.Method) {
			wrongMethod(w, methods)
			return
		}
		if !ownPage(r) {
			problem.Write(w, problem.New(http.StatusForbidden, codeOriginRefused, "only pages of this server may sign moderators in"))
			return
		}
		s, err := c.site(r.Context(), gc.Param("site"))
		if err == nil {
			err = h(w, r, s.about.Load())
		}
		if err != nil {
			c.fail(w, r, err)
		}
	})
}

func wrongMethod(w http.ResponseWriter, methods []string) {
	w.Header().Set("Allow", strings.Join(methods, ", "))
	problem.Write(w, problem.New(http.StatusMethodNotAllowed, "method_not_allowed", "the methods here are "+strings.Join(methods, ", ")))
}

// fail answers a request that failed.
func (c *Comments) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, store.ErrNotFound) {
		err = errUnknownSite
	}
	err = problemOf(err)
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // there is nobody to tell
	}
	p := problem.Of(err)
	if p.Status == http.StatusInternalServerError {
		c.opts.Logger.WarnContext(r.Context(), "a request about comments failed", slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	problem.Write(w, p)
}

// codeUnknownSite is what is said of a site that is not there.
const codeUnknownSite = "unknown_site"

var errUnknownSite = problem.New(http.StatusNotFound, codeUnknownSite, "there is no site of this name here: make one with sockeye comments init")

// problemOf makes a problem of what an event would be refused with.
func problemOf(err error) error {
	var refused *refusal
	if errors.As(err, &refused) {
		return problem.New(http.StatusBadRequest, refused.code, refused.message)
	}
	return err
}

func badQuery(format string, args ...any) error {
	return problem.New(http.StatusBadRequest, problem.CodeBadRequest, fmt.Sprintf(format, args...))
}

// pageAsked is the page that a request is about.
func pageAsked(values url.Values) (string, error) {
	key := values.Get("page")
	if key == "" {
		return "", badQuery("say which page: ?page=/post-1")
	}
	return key, checkPage(key, "page")
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err) // answers are structs of texts and numbers
	}
	writeBytes(w, status, text)
}

func writeBytes(w http.ResponseWriter, status int, text []byte) {
	h := w.Header()
	h.Set("Content-Type", jsonKind)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client may be gone
}
