package public

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

func getWidget(t *testing.T, w *Widget, method, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec.Result()
}

func widgetOf(script string) *Widget {
	return newWidget(
		fstest.MapFS{"comments.js": {Data: []byte(script)}},
		fstest.MapFS{
			"comments/texts/en.json": {Data: []byte(`{"reply":"Reply"}`)}, "comments/texts/de.json": {Data: []byte(`{}`)},
			"comments/frame/frame.js": {Data: []byte("//")}, "comments/main.js": {Data: []byte("// a source")},
		}, "/live/")
}

func TestAnyPageMayLoadTheWidget(t *testing.T) {
	t.Parallel()
	w := widgetOf(`io({path:"/socket.io/"})`)
	for path, kind := range map[string]string{
		"/comments.js": "text/javascript; charset=utf-8", "/comments/texts/en.json": "application/json", "/comments/frame.js": "text/javascript; charset=utf-8",
	} {
		res := getWidget(t, w, http.MethodGet, path, "Origin", "https://blog.example.com")
		h := res.Header
		if res.StatusCode != http.StatusOK || h.Get("Content-Type") != kind || h.Get("Access-Control-Allow-Origin") != "*" ||
			h.Get("Cross-Origin-Resource-Policy") != "cross-origin" || h.Get("Cache-Control") != "public, max-age=300" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %s, %v", path, res.Status, h)
		}
		if again := getWidget(t, w, http.MethodGet, path, "If-None-Match", h.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: %s for who has it", path, again.Status)
		}
	}
	if got := bodyOf(t, getWidget(t, w, http.MethodGet, "/comments.js")); got != `io({path:"/live/"})` {
		t.Errorf("the script is %s", got)
	}
	if got := w.Languages(); !reflect.DeepEqual(got, []string{"de", "en"}) {
		t.Errorf("languages %q", got)
	}
	for _, path := range []string{"/comments/main.js", "/comments/texts/../main.js", "/comments/texts/", "/"} {
		if res := getWidget(t, w, http.MethodGet, path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if res := getWidget(t, w, http.MethodPost, "/comments.js"); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %s", res.Status)
	}
}

func TestAWidgetIsCompressedOnRequest(t *testing.T) {
	t.Parallel()
	w := widgetOf(strings.Repeat("abc ", 1000))
	res := getWidget(t, w, http.MethodGet, "/comments.js", "Accept-Encoding", "gzip")
	if res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Vary") != "Accept-Encoding" || res.ContentLength == 4000 {
		t.Errorf("%v", res.Header)
	}
}

func TestABinaryWithoutTheWidgetSaysSo(t *testing.T) {
	t.Parallel()
	w := newWidget(fstest.MapFS{}, fstest.MapFS{}, "/socket.io/")
	res := getWidget(t, w, http.MethodGet, "/comments.js")
	if body := bodyOf(t, res); res.StatusCode != http.StatusNotFound || !strings.Contains(body, "make build") {
		t.Errorf("%s: %s", res.Status, body)
	}
}

// TestTheEmbeddedWidgetIsComplete: what is there without npm, and where the script was built
// that it has a place for the engine path.
func TestTheEmbeddedWidgetIsComplete(t *testing.T) {
	t.Parallel()
	w := NewWidget("/live/")
	for _, path := range []string{"/comments/frame.js", "/comments/frame.css", "/comments/texts/en.json"} {
		if res := getWidget(t, w, http.MethodGet, path); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if root, _ := Client(); exists(root, "comments.js") {
		if script := bodyOf(t, getWidget(t, w, http.MethodGet, "/comments.js")); !strings.Contains(script, `"/live/"`) {
			t.Error("the script does not know where the server is")
		}
	}
}

func exists(root fs.FS, name string) bool {
	_, err := fs.Stat(root, name)
	return err == nil
}
