package public

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func site(t *testing.T, o SiteOptions) *Site {
	t.Helper()
	s, err := NewSite(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func get(t *testing.T, s *Site, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestEveryPageIsServedUnderThePolicy(t *testing.T) {
	s := site(t, SiteOptions{Demos: true})
	for target, kind := range map[string]string{
		"/":                       "text/html; charset=utf-8",
		"/chat":                   "text/html; charset=utf-8",
		"/playground":             "text/html; charset=utf-8",
		"/notifications/":         "text/html; charset=utf-8",
		"/notifications/bell.js":  "text/javascript; charset=utf-8",
		"/demos/canvas":           "text/html; charset=utf-8",
		"/demos/game":             "text/html; charset=utf-8",
		"/demos/relay.yaml":       "text/plain; charset=utf-8",
		"/dashboard/":             "text/html; charset=utf-8",
		"/favicon.svg":            "image/svg+xml",
		"/favicon.ico":            "image/svg+xml",
		"/assets/css/base.css":    "text/css; charset=utf-8",
		"/assets/js/chat/main.js": "text/javascript; charset=utf-8",
	} {
		w := get(t, s, http.MethodGet, target)
		h := w.Header()
		if w.Code != http.StatusOK || h.Get("Content-Type") != kind || w.Body.Len() == 0 {
			t.Errorf("%s: %d, %s, %d bytes", target, w.Code, h.Get("Content-Type"), w.Body.Len())
		}
		if h.Get("Content-Security-Policy") != ContentSecurityPolicy || h.Get("X-Content-Type-Options") != "nosniff" ||
			h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", target, h)
		}
		if got := h.Get("Content-Length"); got != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%s: Content-Length %s for %d bytes", target, got, w.Body.Len())
		}
		head := get(t, s, http.MethodHead, target)
		if head.Body.Len() != 0 || head.Header().Get("Content-Length") != h.Get("Content-Length") {
			t.Errorf("HEAD %s: %d bytes, headers %v", target, head.Body.Len(), head.Header())
		}
	}
}

func TestAPageInAFolderFindsTheServerAndIsFoundWithoutItsSlash(t *testing.T) {
	s := site(t, SiteOptions{EnginePath: "/live/"})
	if body := get(t, s, http.MethodGet, "/dashboard/").Body.String(); !strings.Contains(body, `content="/live/"`) {
		t.Error("the page does not know the path")
	}
	for _, folder := range []string{"dashboard", "notifications"} {
		w := get(t, s, http.MethodGet, "/"+folder)
		if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != folder+"/" {
			t.Errorf("%s: %d to %q", folder, w.Code, w.Header().Get("Location"))
		}
		if !slices.Contains(s.Routes(), "/"+folder) {
			t.Errorf("%s: not mounted without its slash", folder)
		}
	}
}

func TestWhatIsNotThereIsAPageToo(t *testing.T) {
	s := site(t, SiteOptions{})
	for _, target := range []string{"/no", "/404", "/index.html", "/assets/", "/assets/../site.go"} {
		w := get(t, s, http.MethodGet, target)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "<h1>") || w.Header().Get("Etag") != "" {
			t.Errorf("%s: %d, %v", target, w.Code, w.Header())
		}
	}
	w := get(t, s, http.MethodPost, "/")
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d, %v", w.Code, w.Header())
	}
}

func TestWithoutTheDemosNothingLeadsThere(t *testing.T) {
	with, without := site(t, SiteOptions{Demos: true}), site(t, SiteOptions{})
	for _, target := range []string{"/demos/canvas", "/demos/game", "/demos/relay.yaml"} {
		if w := get(t, without, http.MethodGet, target); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
	if body := get(t, without, http.MethodGet, "/").Body.String(); strings.Contains(body, "demos") {
		t.Error("the index leads to the demos")
	}
	if body := get(t, with, http.MethodGet, "/").Body.String(); !strings.Contains(body, `href="demos/canvas"`) {
		t.Error("the index leads to no demos")
	}
	if slices.Contains(without.Routes(), "/demos/*file") || !slices.Contains(with.Routes(), "/demos/*file") {
		t.Error("the routes are others than the pages")
	}
}

func TestAKeptPageIsNotSentAgain(t *testing.T) {
	s := site(t, SiteOptions{})
	tag := get(t, s, http.MethodGet, "/chat").Header().Get("Etag")
	for header, want := range map[string]int{
		tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, "": 200,
	} {
		w := get(t, s, http.MethodGet, "/chat", "If-None-Match", header)
		if w.Code != want || want == 304 && w.Body.Len() != 0 {
			t.Errorf("If-None-Match %s: %d with %d bytes, want %d", header, w.Code, w.Body.Len(), want)
		}
	}
	if other := get(t, site(t, SiteOptions{EnginePath: "/live/"}), http.MethodGet, "/chat").Header().Get("Etag"); other == tag {
		t.Error("a page with another path has the same tag")
	}
}

func TestPagesAreCompressedForWhoTakesIt(t *testing.T) {
	s := site(t, SiteOptions{})
	plain := get(t, s, http.MethodGet, "/chat")
	for header, want := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "GZIP": true, "gzip;q=0": false, "br": false, "": false} {
		w := get(t, s, http.MethodGet, "/chat", "Accept-Encoding", header)
		if w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q: Vary %q", header, w.Header().Get("Vary"))
		}
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("Accept-Encoding %q: compressed %v, want %v", header, got, want)
			continue
		}
		if !want {
			continue
		}
		r, err := gzip.NewReader(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil || string(body) != plain.Body.String() {
			t.Errorf("Accept-Encoding %q: another page, %v", header, err)
		}
	}
}

func TestTheConfiguredPathIsInThePages(t *testing.T) {
	s := site(t, SiteOptions{EnginePath: `/a"b/`, Version: "v1"})
	if body := get(t, s, http.MethodGet, "/notifications/bell.js").Body.String(); !strings.Contains(body, `const PATH = "/a\"b/"`) {
		t.Error("the bell has another path")
	}
	for _, target := range []string{"/", "/chat", "/playground"} {
		if body := get(t, s, http.MethodGet, target).Body.String(); !strings.Contains(body, `content="/a&#34;b/"`) {
			t.Errorf("%s has another path", target)
		}
	}
	if body := get(t, s, http.MethodGet, "/").Body.String(); !strings.Contains(body, `content="v1"`) {
		t.Error("the index has no version")
	}
	for _, bad := range []string{"socket.io/", "/socket.io"} {
		if _, err := NewSite(SiteOptions{EnginePath: bad}); err == nil {
			t.Errorf("the path %s was taken", bad)
		}
	}
}

// The policy refuses what is inline, and loading fails silently for a file that is not
// there: both are found here rather than by a visitor.
func TestPagesNameOnlyWhatIsThereAndNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<style|<script(>| [^>]*>[^<])|\sstyle=|\son[a-z]+=|javascript:`)
	names := regexp.MustCompile(`(?:src|href)="([^":#<]+)"|from "(\.[^"]+)"`)
	s := site(t, SiteOptions{Demos: true, Comments: true})
	err := fs.WalkDir(Pages(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".css" || path.Ext(name) == ".svg" {
			return err
		}
		body, err := fs.ReadFile(Pages(), name)
		if err != nil {
			return err
		}
		if found := inline.Find(body); path.Ext(name) == ".html" && found != nil {
			t.Errorf("%s has something inline: %s", name, found)
		}
		for _, m := range names.FindAllStringSubmatch(string(body), -1) {
			target := m[1] + m[2]
			folder := strings.HasSuffix(target, "/")
			target = path.Join("/", path.Dir(name), target)
			if folder && target != "/" {
				target += "/"
			}
			if strings.HasPrefix(target, "/assets/lib/") && slices.Contains(libraryNames(), path.Base(target)) {
				continue // built in where npm is
			}
			if path.Base(target) == "comments.js" { // of the Widget
				continue
			}
			if target == "/healthz" || target == "/readyz" || target == "/api/" || strings.Contains(target, "socket.io") {
				continue // the server's own
			}
			if s.files[target] == nil {
				t.Errorf("%s names %s, which is not there", name, target)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
