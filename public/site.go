package public

import (
	"bytes"
	"fmt"
	"html"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// ContentSecurityPolicy is sent with every page. ws: and wss: stand beside 'self'
// because Safari before 15.4 does not count a WebSocket to the same host as 'self'.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; " +
	"img-src 'self' data:; connect-src 'self' ws: wss:; base-uri 'none'; " +
	"form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// The pages carry the engine path in this meta element, as their one piece of
// configuration; NewSite replaces the content.
const (
	enginePathMeta = `<meta name="sockeye:path" content="/socket.io/">`
	versionMeta    = `<meta name="sockeye:version" content="">`
)

// The bell is one script for pages anywhere, and carries it in this line.
const (
	bellScript       = "notifications/bell.js"
	enginePathOfBell = `const PATH = "/socket.io/"`
)

// These folders hold pages that are served only where they are wanted; absentPage is what a
// 404 shows.
const (
	demoFolder     = "demos/"
	commentsFolder = "comments/"
	absentPage     = "404.html"
)

// The page of moderators has a second address, at which a one-time link is used.
const moderatorPage, setupPage = "/comments/moderate", "/comments/setup"

// gzipThreshold is the size in bytes under which compressing a file saves no packet.
const gzipThreshold = 1024

// SiteOptions configures a Site; the zero value is complete.
type SiteOptions struct {
	// EnginePath is where the Socket.IO server and its client files are, with a slash
	// at both ends; default "/socket.io/".
	EnginePath string
	// Version is shown in the footer; empty shows none.
	Version string
	// Demos is whether the pages under "/demos/" are served, and linked.
	Demos bool
	// Comments is whether the page of moderators is served, at "/comments/moderate" and "/comments/setup",
	// and what is about comments is linked.
	Comments bool
	// Open is whether the site "demo" has a way in for everybody who wants to see what moderators do.
	Open bool
}

// Site serves Sockeye's own pages from memory: "/", "/chat", "/dashboard/", "/playground",
// "/notifications/", the favicon, "/assets/..." and, if they are wanted, "/demos/..." and the
// page of moderators.
// Everything is read and filled in by NewSite, and compressed when it is first asked for.
type Site struct {
	files  map[string]*file // by URL path
	absent *file            // the page of a 404
	opts   SiteOptions
}

var _ http.Handler = (*Site)(nil)

// NewSite reads the embedded pages and fills in the options. It fails when EnginePath
// does not begin and end with a slash.
func NewSite(o SiteOptions) (*Site, error) {
	if o.EnginePath == "" {
		o.EnginePath = "/socket.io/"
	}
	if !strings.HasPrefix(o.EnginePath, "/") || !strings.HasSuffix(o.EnginePath, "/") {
		return nil, fmt.Errorf("public: engine path %q does not begin and end with a slash", o.EnginePath)
	}
	s := &Site{files: make(map[string]*file), opts: o}
	err := fs.WalkDir(Pages(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !served(name, o) {
			return err
		}
		return s.add(name, o)
	})
	if err != nil {
		return nil, fmt.Errorf("public: reading the embedded pages: %w", err)
	}
	s.addLibraries()
	s.absent = s.files["/404"]
	delete(s.files, "/404")
	if o.Comments {
		s.files[setupPage] = s.files[moderatorPage]
	}
	s.files["/favicon.ico"] = s.files["/favicon.svg"] // browsers that ask for it by habit take SVG too
	return s, nil
}

// addLibraries adds what pages use of the widget of comments, and of other packages, where they were built in.
func (s *Site) addLibraries() {
	s.files["/assets/lib/html.js"] = newFile("html.js", htmlScript)
	root, _ := Client()
	for _, name := range libraryNames() {
		body, err := fs.ReadFile(root, name)
		if err != nil {
			continue // built without npm: the page that needs it says so
		}
		s.files["/assets/lib/"+name] = newFile(name, body)
	}
}

func (s *Site) add(name string, o SiteOptions) error {
	body, err := fs.ReadFile(Pages(), name)
	if err != nil {
		return err
	}
	switch {
	case name == bellScript:
		body = bytes.Replace(body, []byte(enginePathOfBell), []byte("const PATH = "+strconv.Quote(o.EnginePath)), 1)
	case path.Ext(name) == ".html":
		body = fillPage(body, name, o)
	}
	s.files[urlOf(name)] = newFile(name, body)
	return nil
}

func metaOf(name, content string) []byte {
	return []byte(`<meta name="` + name + `" content="` + html.EscapeString(content) + `">`)
}

// urlOf maps a file's name to its address: pages lose their suffix, and an index is the
// folder that it is in.
func urlOf(name string) string {
	page, isPage := strings.CutSuffix(name, ".html")
	switch {
	case isPage && path.Base(page) == "index":
		return "/" + strings.TrimSuffix(page, "index")
	case isPage:
		return "/" + page
	default:
		return "/" + name
	}
}

// contentType does not ask the operating system, whose tables differ: a module script
// of the wrong type is refused by the browser.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".yaml":
		return "text/plain; charset=utf-8" // for people
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(path.Ext(name))
	}
}

// Routes lists the patterns to mount the Site at, in Gin's notation.
func (s *Site) Routes() []string {
	routes := []string{"/", "/chat", "/dashboard", "/dashboard/", "/playground", "/notifications", "/notifications/*file", "/favicon.svg", "/favicon.ico", "/assets/*file"}
	if s.opts.Demos {
		routes = append(routes, "/demos/*file")
	}
	if s.opts.Comments {
		routes = append(routes, moderatorPage, setupPage)
	}
	return routes
}

// ServeHTTP answers GET and HEAD; anything else is 405, an unknown path a 404 page.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", ContentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	f, found := s.files[r.URL.Path]
	if _, folder := s.files[r.URL.Path+"/"]; folder && !found {
		h.Set("Location", path.Base(r.URL.Path)+"/") // relative, for whoever has a prefix in front
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	if !found {
		s.write(w, r, s.absent, http.StatusNotFound)
		return
	}
	h.Set("Etag", f.etag)
	h.Set("Cache-Control", "no-cache") // kept, but asked about each time: a new binary shows at once
	if Matches(r.Header.Get("If-None-Match"), f.etag) {
		h.Set("Vary", "Accept-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.write(w, r, f, http.StatusOK)
}

// NotFound answers with the 404 page, for a router's own fallback.
func (s *Site) NotFound(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", ContentSecurityPolicy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s.write(w, r, s.absent, http.StatusNotFound)
}

func (s *Site) write(w http.ResponseWriter, r *http.Request, f *file, status int) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Vary", "Accept-Encoding")
	body := f.bodyFor(r, h)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the client has gone: nobody is left to tell
}

// Matches reports whether an If-None-Match header names the tag, weakly compared
// (RFC 9110 section 13.1.2).
func Matches(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		part = strings.TrimPrefix(strings.TrimSpace(part), "W/")
		if part == etag || part == "*" {
			return true
		}
	}
	return false
}

// AcceptsGzip reads Accept-Encoding for gzip with a weight other than zero.
func AcceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, weighted := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		if !weighted {
			return true
		}
		q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
		return err == nil && q > 0
	}
	return false
}
