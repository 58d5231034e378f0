package public

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The texts of the widget, one file a language, and what its page for frames needs.
//
//go:embed comments/frame comments/texts
var widget embed.FS

const (
	// widgetScript is built of public/comments and the official client, with npm.
	widgetScript = "comments.js"
	// widgetPath is how the built script has the default engine path in it.
	widgetPath = `"/socket.io/"`
	// widgetAge is for how long, in seconds, a browser need not ask again: a new binary shows
	// on pages of others a little later.
	widgetAge = 300
)

const widgetAbsent = `This binary has no comment widget: it was built on a machine without npm.
Install Node.js and npm and build again with "make build".
`

// Widget serves what pages anywhere load to have comments: "/comments.js", the texts under
// "/comments/texts/", and what the page for frames needs. Each file is filled in, hashed and
// compressed when it is first asked for, and kept. Any number of goroutines may use it.
type Widget struct {
	files map[string]func() *file // by URL path; nil where the binary has no such file
}

var _ http.Handler = (*Widget)(nil)

// NewWidget serves the embedded files for a server at enginePath.
func NewWidget(enginePath string) *Widget {
	root, _ := Client()
	return newWidget(root, widget, enginePath)
}

func newWidget(built, source fs.FS, enginePath string) *Widget {
	w := &Widget{files: make(map[string]func() *file)}
	w.files["/"+widgetScript] = sync.OnceValue(func() *file {
		body, err := fs.ReadFile(built, widgetScript)
		if err != nil {
			return nil // built without npm
		}
		return newFile(widgetScript, bytes.ReplaceAll(body, []byte(widgetPath), []byte(strconv.Quote(enginePath))))
	})
	for pattern, folder := range map[string]string{"comments/texts/*.json": "/comments/texts/", "comments/frame/*": "/comments/"} {
		names, err := fs.Glob(source, pattern)
		if err != nil {
			panic("public: " + err.Error()) // a constant pattern cannot be malformed
		}
		for _, name := range names {
			w.files[folder+path.Base(name)] = sync.OnceValue(func() *file {
				body, err := fs.ReadFile(source, name)
				if err != nil {
					return nil
				}
				return newFile(name, body)
			})
		}
	}
	return w
}

// Routes lists the paths to mount the Widget at.
func (w *Widget) Routes() []string {
	var paths []string
	for p := range w.files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

// Languages lists the languages of the texts.
func (w *Widget) Languages() []string {
	var list []string
	for _, p := range w.Routes() {
		if language, is := strings.CutSuffix(p, ".json"); is {
			list = append(list, path.Base(language))
		}
	}
	return list
}

// ServeHTTP answers GET and HEAD. Every page may load what is here, and read it: nothing of it
// is anybody's own.
func (w *Widget) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	h := rw.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(rw, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	load, known := w.files[r.URL.Path]
	if !known {
		http.NotFound(rw, r)
		return
	}
	f := load()
	if f == nil {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		rw.WriteHeader(http.StatusNotFound)
		_, _ = rw.Write([]byte(widgetAbsent)) // the client may be gone
		return
	}
	f.serve(rw, r, "public, max-age="+strconv.Itoa(widgetAge))
}
