package comments

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/public"
)

// frameAttributes are the parameters that the widget is given as attributes data-NAME.
var frameAttributes = []string{"page", "theme", "lang", "sort", "title", "url"}

// maxFrameAttribute is the length of one, in bytes.
const maxFrameAttribute = 2048

// framePage loads the widget, and a script that tells the page around it how high it is. The
// addresses are relative, for servers that have a prefix in front.
const framePage = `<!doctype html>
<html lang="%s">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>%s</title>
<link rel="stylesheet" href="../frame.css">
<script src="../frame.js" defer></script>
</head>
<body>
<main id="comments"></main>
<script src="../../comments.js" data-site="%s" data-target="#comments"%s async></script>
</body>
</html>
`

// frame is the widget as a page of its own, which pages of the site may have in a frame.
func (c *Comments) frame(g *gin.Context) {
	w, r := g.Writer, g.Request
	s, err := c.site(r.Context(), g.Param("site"))
	if err == nil {
		_, err = pageAsked(r.URL.Query())
	}
	if err != nil {
		c.fail(w, r, err)
		return
	}
	a := s.about.Load()
	title := "Comments of " + a.Name
	body := fmt.Sprintf(framePage, languageOf(r.URL.Query()), html.EscapeString(title), html.EscapeString(a.Name), attributesOf(r.URL.Query()))
	h := w.Header()
	h.Set("Content-Security-Policy", framePolicy(a.Origins))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.WriteString(body) // the client may be gone
	}
}

// language fits what the widget may be asked to speak.
var language = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)

// languageOf is the language of the page, whose title is nobody's words.
func languageOf(values url.Values) string {
	if of := values.Get("lang"); language.MatchString(of) {
		return of
	}
	return "en"
}

// attributesOf writes the parameters as attributes.
func attributesOf(values url.Values) string {
	var b strings.Builder
	for _, name := range frameAttributes {
		value := values.Get(name)
		if value == "" || len(value) > maxFrameAttribute {
			continue
		}
		fmt.Fprintf(&b, ` data-%s="%s"`, name, html.EscapeString(value))
	}
	return b.String()
}

// framePolicy is that of other pages, but for who may have it in a frame: pages of the site.
// Pictures of users, and those in comments where the site shows them, are anywhere.
func framePolicy(origins []string) string {
	ancestors := "'self'"
	for _, one := range origins {
		if !strings.ContainsAny(one, " ;,'") {
			ancestors += " " + one
		}
	}
	policy := strings.Replace(public.ContentSecurityPolicy, "frame-ancestors 'none'", "frame-ancestors "+ancestors, 1)
	return strings.Replace(policy, "img-src 'self' data:", "img-src 'self' data: https:", 1)
}
