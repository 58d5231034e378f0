package public

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var hrefs = regexp.MustCompile(`href="([^"]+)"`)

func TestNavigationLeadsToWhatIsServed(t *testing.T) {
	for _, o := range []SiteOptions{{}, {Demos: true}, {Comments: true}, {Demos: true, Comments: true}} {
		s := site(t, o)
		for _, m := range hrefs.FindAllStringSubmatch(Navigation(o, "/chat", "/"), -1) {
			if m[1] == "/api/" { // the server's own
				continue
			}
			if w := get(t, s, http.MethodGet, m[1]); w.Code != http.StatusOK {
				t.Errorf("%+v: %s: %d", o, m[1], w.Code)
			}
		}
	}
}

func TestNavigationSaysWhereOneIs(t *testing.T) {
	s := site(t, SiteOptions{Demos: true, Comments: true})
	for target, link := range map[string]string{
		"/chat":           `href="chat" aria-current="page"`,
		"/dashboard/":     `href="../dashboard/" aria-current="page"`,
		"/demos/comments": `href="../demos/comments" aria-current="page"`,
	} {
		body := get(t, s, http.MethodGet, target).Body.String()
		if !strings.Contains(body, link) || strings.Count(body, "aria-current") != 1 {
			t.Errorf("%s has no %s, or more like it", target, link)
		}
	}
	if body := get(t, s, http.MethodGet, "/a/b/c").Body.String(); !strings.Contains(body, `href="/chat"`) {
		t.Error("the page of a 404 leads nowhere from deep down")
	}
}

func TestThePageOfModeratorsIsThereWithComments(t *testing.T) {
	with, without := site(t, SiteOptions{Comments: true}), site(t, SiteOptions{Demos: true})
	for _, target := range []string{"/comments/moderate", "/comments/setup"} {
		w := get(t, with, http.MethodGet, target)
		if w.Code != http.StatusOK || w.Header().Get("Content-Security-Policy") != ContentSecurityPolicy {
			t.Errorf("%s: %d, %v", target, w.Code, w.Header())
		}
		if strings.Contains(w.Body.String(), "Try it as a moderator") {
			t.Errorf("%s offers a way in that is not open", target)
		}
		if w := get(t, without, http.MethodGet, target); w.Code != http.StatusNotFound {
			t.Errorf("%s without comments: %d", target, w.Code)
		}
		if !slices.Contains(with.Routes(), target) || slices.Contains(without.Routes(), target) {
			t.Errorf("%s: the routes are others than the pages", target)
		}
	}
	if body := get(t, site(t, SiteOptions{Comments: true, Open: true}), http.MethodGet, "/comments/moderate").Body.String(); !strings.Contains(body, "Try it as a moderator") {
		t.Error("the way in that is open is not offered")
	}
	for _, s := range []*Site{with, without} {
		body := get(t, s, http.MethodGet, "/").Body.String()
		if strings.Contains(body, "<!--") || strings.Contains(body, "comments/moderate") != (s == with) || strings.Contains(body, "demos/comments") {
			t.Error("the index leads to other pages than there are")
		}
	}
}
