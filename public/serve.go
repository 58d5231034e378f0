package public

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"sync"
)

// file is what is served at one address.
type file struct {
	body    []byte
	gzipped func() []byte // made when it is first asked for; nil when it would not help
	kind    string        // Content-Type
	etag    string
}

func newFile(name string, body []byte) *file {
	sum := sha256.Sum256(body)
	f := &file{
		body: body,
		kind: contentType(name),
		etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`,
	}
	if len(body) >= gzipThreshold {
		f.gzipped = sync.OnceValue(func() []byte { return compressed(body) })
	}
	return f
}

func compressed(body []byte) []byte {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("public: " + err.Error()) // it is a level that there is, and memory takes everything
	}
	return buf.Bytes()
}

// bodyFor returns the body in the form that a request takes, and sets the header that says so.
func (f *file) bodyFor(r *http.Request, h http.Header) []byte {
	if f.gzipped == nil || !AcceptsGzip(r.Header.Get("Accept-Encoding")) {
		return f.body
	}
	h.Set("Content-Encoding", "gzip")
	return f.gzipped()
}

// serve answers GET and HEAD with a file, or with 304 for who has it.
func (f *file) serve(w http.ResponseWriter, r *http.Request, cache string) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	h.Set("Etag", f.etag)
	h.Set("Cache-Control", cache)
	if Matches(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.bodyFor(r, h)
	h.Set("Content-Type", f.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may be gone
	}
}
