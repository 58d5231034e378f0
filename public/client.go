package public

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"sync"
)

// The files are copied from npm packages by `make build`
// and are not in the repository; README.md keeps the directory there.
//
//go:embed client
var client embed.FS

// Client returns the browser client's files, and whether all of them were
// there when the binary was built.
func Client() (fs.FS, bool) {
	sub, err := fs.Sub(client, "client")
	if err != nil {
		panic("public: the embedded client has no root: " + err.Error()) // a constant path cannot be invalid
	}
	for _, name := range append(ClientNames(), libraryNames()...) {
		if _, err := fs.Stat(sub, name); err != nil {
			return sub, false
		}
	}
	return sub, true
}

// ClientNames lists the files that Node's server offers too: the four builds
// of the official client and their source maps.
func ClientNames() []string {
	return []string{
		"socket.io.js", "socket.io.js.map",
		"socket.io.min.js", "socket.io.min.js.map",
		"socket.io.esm.min.js", "socket.io.esm.min.js.map",
		"socket.io.msgpack.min.js", "socket.io.msgpack.min.js.map",
	}
}

// libraryNames lists the files of other packages, which Sockeye's own pages use. A Site
// serves them under /assets/lib/.
func libraryNames() []string { return []string{"uPlot.esm.js", "uPlot.min.css"} }

// ClientFiles serves the browser client. Each file is hashed and compressed
// when it is first asked for, and kept. Any number of goroutines may use it.
type ClientFiles struct {
	complete bool
	files    map[string]func() *file // nil where the binary has no such file
}

// NewClientFiles serves the embedded files.
func NewClientFiles() *ClientFiles {
	root, complete := Client()
	return newClientFiles(root, complete)
}

func newClientFiles(root fs.FS, complete bool) *ClientFiles {
	c := &ClientFiles{complete: complete, files: make(map[string]func() *file)}
	for _, name := range ClientNames() {
		c.files[name] = sync.OnceValue(func() *file { return loadClientFile(root, name) })
	}
	return c
}

// loadClientFile returns nil for a file that is not there.
func loadClientFile(root fs.FS, name string) *file {
	body, err := fs.ReadFile(root, name)
	if err != nil {
		return nil
	}
	f := newFile(name, body)
	f.kind = "application/javascript; charset=utf-8" // the types of Node's server
	if path.Ext(name) == ".map" {
		f.kind = "application/json; charset=utf-8"
	}
	return f
}

// Complete reports whether the binary has all files.
func (c *ClientFiles) Complete() bool { return c.complete }

const clientAbsent = `This binary has no browser client: it was built on a machine without npm.
Either install Node.js and npm and build again with "make build",
or bundle the npm package socket.io-client with your frontend.
`

// Serve answers GET and HEAD for one of ClientNames.
func (c *ClientFiles) Serve(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	load, known := c.files[name]
	if !known {
		http.NotFound(w, r)
		return
	}
	f := load()
	if f == nil {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(clientAbsent)) // the client has gone: nobody is left to tell
		return
	}
	f.serve(w, r, "public, max-age=0") // asked about each time, as with Node
}
