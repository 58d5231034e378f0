package comments

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// publicPaths are what pages of a site may ask for.
var publicPaths = []string{"/snapshot?page=/a", "/counts?page=/a", "/feed.atom", "/events"}

func TestOnlyPagesOfASiteMayReadIt(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	for _, path := range publicPaths[:3] {
		path = "/comments/v1/blog" + path
		for from, want := range map[string]int{
			blogOrigin:                         200,
			n.url:                              200, // this server's own
			"https://shop.example.com":         403,
			"https://blog.example.com:444":     403,
			"http://blog.example.com":          403,
			"https://x.blog.example.com":       403,
			"https://blog.example.com.evil.io": 403,
			"null":                             403,
		} {
			a := n.get(t, path, "Origin", from)
			if a.StatusCode != want || a.Header.Get("Access-Control-Allow-Origin") != from || a.Header.Get("Access-Control-Allow-Credentials") != "" ||
				!strings.HasPrefix(strings.Join(a.Header.Values("Vary"), ", "), "Origin") {
				t.Errorf("%s from %s: %s, %v", path, from, a.Status, a.Header)
			}
			if want == 403 {
				a.wants(t, http.StatusForbidden, "origin_refused")
				if !strings.Contains(string(a.text), "sockeye comments") {
					t.Errorf("what to do is not said: %s", a.text)
				}
			}
		}
		if a := n.get(t, path); a.StatusCode != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != "" || a.Header.Get("Vary") == "" {
			t.Errorf("%s without an origin: %s, %v", path, a.Status, a.Header)
		}
	}
	n.get(t, "/comments/v1/blog/events", "Origin", "https://shop.example.com").wants(t, http.StatusForbidden, "origin_refused")
}

func TestPreflights(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	const path = "/comments/v1/blog/counts"
	a := n.do(t, http.MethodOptions, path, "", "Origin", blogOrigin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
	h := a.Header
	if a.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != blogOrigin || h.Get("Access-Control-Allow-Methods") != "GET, HEAD, POST, OPTIONS" ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Content-Type") || h.Get("Access-Control-Max-Age") == "" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%s, %v", a.Status, h)
	}
	n.do(t, http.MethodOptions, path, "", "Origin", "https://evil.example.com", "Access-Control-Request-Method", "POST").wants(t, http.StatusForbidden, "origin_refused")
}

// TestSitesAreApartOverHTTP: nothing of a site is seen by way of another, whatever is asked for.
func TestSitesAreApartOverHTTP(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	secret := add(t, n.store, store.Comment{Text: "only-the-blog", Title: "only-the-blog", URL: blogOrigin + "/only-the-blog"})
	for _, path := range []string{
		"/snapshot?page=/a", "/snapshot?page=/a&with=" + secret.ID, "/snapshot?page=/a&sort=top", "/counts?page=/a",
		"/feed.atom", "/feed.atom?page=/a",
	} {
		blog, shop := n.get(t, "/comments/v1/blog"+path), n.get(t, "/comments/v1/shop"+path)
		if blog.StatusCode != http.StatusOK || shop.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s and %s", path, blog.Status, shop.Status)
		}
		if strings.HasPrefix(path, "/counts") {
			if strings.Contains(string(shop.text), `"/a":1`) {
				t.Errorf("%s: %s", path, shop.text)
			}
			continue
		}
		if !strings.Contains(string(blog.text), "only-the-blog") || strings.Contains(string(shop.text), "only-the-blog") || strings.Contains(string(shop.text), secret.ID) && !strings.Contains(path, "with=") {
			t.Errorf("%s shows %s", path, shop.text)
		}
		if blog.Header.Get("ETag") == shop.Header.Get("ETag") {
			t.Errorf("%s has one tag on both", path)
		}
	}
}

func TestWhereAPageIs(t *testing.T) {
	t.Parallel()
	one, several := []string{"https://blog.example.com"}, []string{"https://blog.example.com", "https://*.example.org"}
	for _, c := range []struct {
		origins        []string
		key, url, want string
	}{
		{one, "/a", "https://blog.example.com/a?b#c", "https://blog.example.com/a?b#c"},
		{one, "/a", "https://evil.example.com/a", "https://blog.example.com/a"},
		{one, "/a", "javascript:alert(1)", "https://blog.example.com/a"},
		{one, "/a", "https://blog.example.com@evil.example.com/", "https://blog.example.com/a"},
		{one, "/a", "", "https://blog.example.com/a"},
		{one, "a", "", ""},
		{one, "//evil.example.com", "", "https://blog.example.com//evil.example.com"},
		{several, "/a", "", ""},
		{several, "/a", "https://deep.down.example.org/x", "https://deep.down.example.org/x"},
		{nil, "/a", "https://blog.example.com/a", ""},
	} {
		if got := addressOf(&store.Site{Origins: c.origins}, &store.Page{Key: c.key, URL: c.url}); got != c.want {
			t.Errorf("%v %q %q: %q, want %q", c.origins, c.key, c.url, got, c.want)
		}
	}
}
