package server

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

const blogOrigin = "https://blog.example.com"

// withComments makes a site whose pages are at blogOrigin.
func withComments(t *testing.T, c *Config) {
	t.Helper()
	c.CommentsDB = filepath.Join(t.TempDir(), "comments.db")
	s, err := store.Open(t.Context(), c.CommentsDB, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateSite(t.Context(), store.Site{Name: "blog", Origins: []string{blogOrigin}, Secret: strings.Repeat("s", 43)}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCommentsAreServed where their database is there: to pages of a site, for which nothing else
// is opened.
func TestCommentsAreServed(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { withComments(t, c) })
	for path, want := range map[string]int{
		"/comments/v1/blog/snapshot?page=/a": 200, "/comments/v1/blog/counts?page=/a": 200, "/comments/v1/blog/feed.atom": 200,
		"/comments/v1/none/snapshot?page=/a": 404, "/comments/texts/en.json": 200, "/comments/frame/blog?page=/a": 200, "/comments/frame.js": 200,
	} {
		res, body := r.do(t, http.MethodGet, path, "Origin", blogOrigin)
		if res.StatusCode != want || strings.HasPrefix(path, "/comments/v1/blog/") && res.Header.Get("Access-Control-Allow-Origin") != blogOrigin {
			t.Errorf("%s: %s, %v: %s", path, res.Status, res.Header, body)
		}
	}
	if res, body := r.do(t, http.MethodGet, "/comments/v1/blog/nothing"); res.StatusCode != http.StatusNotFound || !strings.Contains(body, `"not_found"`) {
		t.Errorf("%s: %s", res.Status, body)
	}
	s := sockettest.OpenStream(t, &http.Client{Transport: r.client.Transport}, r.url+"/comments/v1/blog/events", "Origin", blogOrigin)
	s.Expect("ready", `{"cursor":"0.0"}`)

	if res, body := r.do(t, http.MethodGet, "/socket.io/?EIO=4&transport=polling", "Origin", blogOrigin); res.StatusCode != http.StatusOK || res.Header.Get("Access-Control-Allow-Origin") != blogOrigin {
		t.Errorf("a page of the site may not connect: %s, %v: %s", res.Status, res.Header, body)
	}
	if res, _ := r.do(t, http.MethodGet, "/socket.io/?EIO=4&transport=polling", "Origin", "https://other.example.com"); res.StatusCode != http.StatusForbidden {
		t.Errorf("any page may connect: %s", res.Status)
	}
	if stream := r.stream(t, "room=a", "Origin", blogOrigin); stream.Resp.StatusCode != http.StatusForbidden {
		t.Errorf("a page of the site is in rooms of others: %s", stream.Resp.Status)
	}
}

// TestAModeratorsCookieIsKeptToTLS: also where a proxy that is trusted ends it.
func TestAModeratorsCookieIsKeptToTLS(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		c.Comments, c.Demos, c.TrustedProxies = SwitchOn, SwitchOn, []string{"loopback"}
		withComments(t, c)
	})
	for proto, secure := range map[string]bool{"https": true, "http": false} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/comments/v1/demo/try", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Forwarded-For", "192.0.2.1")
		req.Header.Set("X-Forwarded-Proto", proto)
		res, err := r.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if c := res.Cookies(); len(c) != 1 || c[0].Secure != secure {
			t.Errorf("%s: %s, %+v", proto, res.Status, c)
		}
	}
}

// TestTheDemoIsTriedOnThisMachine: on a loopback address demos are there without anybody having said so, and a proxy on
// the machine must not let the world moderate.
func TestTheDemoIsTriedOnThisMachine(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		c.Comments, c.Demos = SwitchOn, SwitchAuto
		withComments(t, c)
	})
	for forwarded, want := range map[string]int{"": http.StatusOK, "192.0.2.1": http.StatusNotFound} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/comments/v1/demo/try", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if forwarded != "" {
			req.Header.Set("X-Forwarded-For", forwarded)
		}
		res, err := r.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("through %q: %s", forwarded, res.Status)
		}
	}
}

func TestWithoutCommentsThereIsNothingOfThem(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		withComments(t, c)
		c.Comments = SwitchOff
	})
	for _, path := range []string{"/comments/v1/blog/snapshot?page=/a", "/comments.js", "/comments/texts/en.json", "/comments/frame/blog?page=/a", "/comments/moderate"} {
		if res, _ := r.do(t, http.MethodGet, path); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if res, _ := r.do(t, http.MethodGet, "/socket.io/?EIO=4&transport=polling", "Origin", blogOrigin); res.StatusCode != http.StatusForbidden {
		t.Errorf("its pages connect: %s", res.Status)
	}
}
