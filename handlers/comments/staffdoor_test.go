package comments

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

const password = "four words nobody knows"

// invited is a one-time link of a site.
func (n *node) invited(t *testing.T, site string) string {
	t.Helper()
	link, err := n.staff.Invite(t.Context(), site, "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// cookieOf is the cookie that an answer sets.
func cookieOf(t *testing.T, a *answer, name string) *http.Cookie {
	t.Helper()
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no cookie %s: %s %v %s", name, a.Status, a.Header, a.text)
	return nil
}

func TestAModeratorSetsAPasswordAndSignsIn(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	body := `{"link":"` + n.invited(t, "blog") + `","name":"Mo","password":"` + password + `"}`
	a := n.do(t, http.MethodPost, "/comments/v1/blog/setup", body, "Origin", n.url, "Sec-Fetch-Site", "same-origin")
	told := a.json(t, http.StatusOK)
	if user := told["user"].(object); user["name"] != "Mo" || user["moderator"] != true || told["site"] != "blog" || told["expires"].(float64) < float64(time.Now().UnixMilli()) {
		t.Errorf("%v", told)
	}
	n.do(t, http.MethodPost, "/comments/v1/blog/setup", body).wants(t, http.StatusForbidden, codeLinkRefused)
	n.do(t, http.MethodPost, "/comments/v1/blog/login", `{"name":"Mo","password":"wrong"}`).wants(t, http.StatusForbidden, codeWrongPassword)
	n.do(t, http.MethodPost, "/comments/v1/shop/login", `{"name":"Mo","password":"`+password+`"}`).wants(t, http.StatusForbidden, codeWrongPassword)

	in := n.do(t, http.MethodPost, "/comments/v1/blog/login", `{"name":"Mo","password":"`+password+`"}`)
	in.json(t, http.StatusOK)
	c := cookieOf(t, in, "sockeye-comments-blog")
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure || c.Value == "" || time.Until(c.Expires) < time.Hour || c.Domain != "" {
		t.Errorf("%+v", c)
	}
	if in.Header.Get("Cache-Control") != "no-store" || strings.Contains(string(in.text), c.Value) {
		t.Errorf("the secret is told: %s", in.text)
	}
	mine := "sockeye-comments-blog=" + c.Value
	if who := n.get(t, "/comments/v1/blog/session", "Cookie", mine).json(t, http.StatusOK); who["user"].(object)["name"] != "Mo" {
		t.Errorf("%v", who)
	}
	for name, cookie := range map[string]string{
		"none": "a=b", "wrong": "sockeye-comments-blog=x", "of another site": "sockeye-comments-shop=" + c.Value,
	} {
		t.Log(name)
		n.get(t, "/comments/v1/blog/session", "Cookie", cookie).wants(t, http.StatusUnauthorized, "unauthorized")
	}
	n.get(t, "/comments/v1/shop/session", "Cookie", "sockeye-comments-shop="+c.Value).wants(t, http.StatusUnauthorized, "unauthorized")
	log, err := n.store.Decisions(t.Context(), "blog", 0, 10)
	if err != nil || len(log) != 2 || log[0].Action != store.SignIn || log[0].ByName != "Mo" {
		t.Errorf("the log is %+v, %v", log, err)
	}

	out := n.do(t, http.MethodPost, "/comments/v1/blog/logout", "", "Cookie", mine)
	if c := cookieOf(t, out, "sockeye-comments-blog"); out.StatusCode != http.StatusNoContent || c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("%s, %+v", out.Status, c)
	}
	n.get(t, "/comments/v1/blog/session", "Cookie", mine).wants(t, http.StatusUnauthorized, "unauthorized")
	if again := n.do(t, http.MethodPost, "/comments/v1/blog/logout", "", "Cookie", mine); again.StatusCode != http.StatusNoContent {
		t.Errorf("again: %s", again.Status)
	}
}

// TestASessionIsKeptToTLS: where the client came by it.
func TestASessionIsKeptToTLS(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	router := gin.New()
	n.Routes(router)
	body := `{"link":"` + n.invited(t, "blog") + `","name":"Mo","password":"` + password + `"}`
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/comments/v1/blog/setup", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.TLS = &tls.ConnectionState{}
	w := httptest.NewRecorder()
	router.ServeHTTP(w, r)
	if c := w.Result().Cookies(); len(c) != 1 || !c[0].Secure {
		t.Errorf("%d, %+v: %s", w.Code, c, w.Body)
	}
}

func TestOnlyPagesOfTheServerSignIn(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	for _, header := range [][]string{
		{"Origin", blogOrigin},
		{"Origin", "null"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", n.url, "Sec-Fetch-Site", "cross-site"},
		{"Origin", n.url + "0"},
	} {
		for _, path := range []string{"/login", "/setup", "/logout"} {
			a := n.do(t, http.MethodPost, "/comments/v1/blog"+path, `{"name":"Mo","password":"x"}`, header...)
			a.wants(t, http.StatusForbidden, "origin_refused")
			if a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%q: %v", header, a.Header)
			}
		}
		n.get(t, "/comments/v1/blog/session", header...).wants(t, http.StatusForbidden, "origin_refused")
	}
}

func TestWhatIsWrongWithASignInIsSaid(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	const path = "/comments/v1/blog/login"
	n.do(t, http.MethodPost, path, "name=Mo", "Content-Type", "application/x-www-form-urlencoded").wants(t, http.StatusUnsupportedMediaType, "unsupported")
	n.do(t, http.MethodPost, path, `{"name":1}`).wants(t, http.StatusBadRequest, "bad_request")
	n.do(t, http.MethodPost, path, `{"name":"`+strings.Repeat("x", maxStaffBody)+`"}`).wants(t, http.StatusRequestEntityTooLarge, "too_large")
	n.do(t, http.MethodPost, "/comments/v1/none/login", `{}`).wants(t, http.StatusNotFound, "unknown_site")
	a := n.get(t, path)
	a.wants(t, http.StatusMethodNotAllowed, "method_not_allowed")
	if a.Header.Get("Allow") != "POST" {
		t.Errorf("Allow: %s", a.Header.Get("Allow"))
	}
	short := n.do(t, http.MethodPost, "/comments/v1/blog/setup", `{"link":"`+n.invited(t, "blog")+`","name":"Mo","password":"short"}`)
	short.wants(t, http.StatusBadRequest, "bad_request")
	if !strings.Contains(string(short.text), `"field":"/password"`) {
		t.Errorf("%s", short.text)
	}
	// A link of another site makes no account here.
	n.do(t, http.MethodPost, "/comments/v1/blog/setup", `{"link":"`+n.invited(t, "shop")+`","name":"Mo","password":"`+password+`"}`).wants(t, http.StatusForbidden, codeLinkRefused)
}

func TestSigningInIsCounted(t *testing.T) {
	t.Parallel()
	n := webAlone(t)
	s, err := n.site(t.Context(), "blog")
	if err != nil {
		t.Fatal(err)
	}
	a := s.about.Load()
	eventually(t, "it is too much", func() bool { return a.guard.Take(t.Context(), &a.Site, actionLogin, "", "127.0.0.1") > 0 })
	for _, path := range []string{"/login", "/setup"} {
		refused := n.do(t, http.MethodPost, "/comments/v1/blog"+path, `{"name":"Mo","password":"wrong and long"}`)
		refused.wants(t, http.StatusTooManyRequests, "rate_limited")
		if refused.Header.Get("Retry-After") == "" {
			t.Errorf("%v", refused.Header)
		}
	}
}

// TestADemoOpensNothingElse: nobody moderates a site of somebody's own that is called demo, and who tries the demo has no
// requests sent.
func TestADemoOpensNothingElse(t *testing.T) {
	t.Parallel()
	n := serveWeb(t, Options{Store: opened(t), Open: true})
	tried := n.do(t, http.MethodPost, "/comments/v1/demo/try", `{}`)
	cookie := "sockeye-comments-demo=" + cookieOf(t, tried, "sockeye-comments-demo").Value
	mod := n.dial(t, object{"site": "demo", "moderate": true}, "Cookie", cookie)
	mod.must("settings", object{"settings": object{"maxLinks": 3}})
	for _, name := range []string{"hookURL", "HookUrl"} {
		if got := mod.code("settings", object{"settings": object{name: "http://127.0.0.1:1/"}}); got != "forbidden" {
			t.Errorf("%s: %q", name, got)
		}
	}
	s := opened(t)
	if err := s.CreateSite(t.Context(), store.Site{Name: "demo", Origins: []string{blogOrigin}, Secret: blogSecret}); err != nil {
		t.Fatal(err)
	}
	own := serveWeb(t, Options{Store: s, Open: true})
	own.do(t, http.MethodPost, "/comments/v1/demo/try", `{}`).wants(t, http.StatusNotFound, "not_found")
}

func TestAnybodyTriesTheDemo(t *testing.T) {
	t.Parallel()
	n := serveWeb(t, Options{Store: opened(t), Open: true})
	var last string
	for range 2 {
		a := n.do(t, http.MethodPost, "/comments/v1/demo/try", `{}`)
		if told := a.json(t, http.StatusOK); told["site"] != "demo" || told["user"].(object)["name"] != demoName {
			t.Errorf("%v", told)
		}
		if last != "" { // who came before is still there
			n.get(t, "/comments/v1/demo/session", "Cookie", last).json(t, http.StatusOK)
		}
		last = "sockeye-comments-demo=" + cookieOf(t, a, "sockeye-comments-demo").Value
	}
	n.do(t, http.MethodPost, "/comments/v1/blog/try", `{}`).wants(t, http.StatusNotFound, "not_found")
	if a := webAlone(t).do(t, http.MethodPost, "/comments/v1/demo/try", `{}`); a.StatusCode != http.StatusNotFound {
		t.Errorf("without Open: %s", a.Status)
	}
}
