package comments

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestTheFrameIsForPagesOfTheSite(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	a := n.get(t, `/comments/frame/blog?page=/a"><script>alert(1)</script>&theme=dark&onload=x&site=shop`)
	policy := a.Header.Get("Content-Security-Policy")
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.Header.Get("X-Frame-Options") != "" {
		t.Errorf("%s, %v", a.Status, a.Header)
	}
	for _, part := range []string{"frame-ancestors 'self' " + blogOrigin + ";", "default-src 'none'", "script-src 'self';", "style-src 'self';", "require-trusted-types-for 'script'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("no %s in %s", part, policy)
		}
	}
	page, err := html.Parse(strings.NewReader(string(a.text)))
	if err != nil {
		t.Fatal(err)
	}
	scripts := 0
	for node := range page.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		attributes := map[string]string{}
		for _, one := range node.Attr {
			attributes[one.Key] = one.Val
			if strings.HasPrefix(one.Key, "on") || one.Key == "style" {
				t.Errorf("<%s %s>", node.Data, one.Key)
			}
		}
		switch node.Data {
		case "style":
			t.Error("style in the page")
		case "script":
			scripts++
			if attributes["src"] == "" || node.FirstChild != nil {
				t.Errorf("a script in the page: %v", node.Attr)
			}
			if attributes["src"] == "../../comments.js" && (attributes["data-site"] != "blog" || attributes["data-page"] != `/a"><script>alert(1)</script>` || attributes["data-theme"] != "dark") {
				t.Errorf("%v", attributes)
			}
		}
	}
	if scripts != 2 {
		t.Errorf("%d scripts", scripts)
	}
	n.get(t, "/comments/frame/none?page=/a").wants(t, http.StatusNotFound, "unknown_site")
	n.get(t, "/comments/frame/blog").wants(t, http.StatusBadRequest, "bad_request")
}

func TestAFramePolicyTakesNoMoreThanOrigins(t *testing.T) {
	t.Parallel()
	got := framePolicy([]string{"https://*.example.com", "https://a.example.com; script-src *", "*"})
	if !strings.Contains(got, "frame-ancestors 'self' https://*.example.com *;") || strings.Contains(got, "script-src *") {
		t.Error(got)
	}
}
