package comments

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/origin"
	"github.com/sockeye-io/sockeye/server/problem"
)

// codeOriginRefused is what pages are told that do not belong to a site.
const codeOriginRefused = "origin_refused"

// preflightAge is for how many seconds a browser may keep the answer to a preflight.
const preflightAge = "600"

// maxNamed is how much of what a client sent it is told again.
const maxNamed = 100

// crossOrigin writes the CORS headers for pages of a site, without credentials: nothing here
// is anybody's own. The problem says what to do where a page is of neither a site's origins
// nor this server's.
func crossOrigin(w http.ResponseWriter, r *http.Request, policy *origin.Policy, site string) *problem.Problem {
	h := w.Header()
	h.Add("Vary", "Origin")
	came := r.Header.Get("Origin")
	if came == "" {
		return nil
	}
	// Also where it is refused: a page cannot read what went wrong otherwise.
	h.Set("Access-Control-Allow-Origin", came)
	h.Set("Access-Control-Expose-Headers", "ETag, Retry-After")
	if policy.Allow(r) {
		return nil
	}
	return problem.New(http.StatusForbidden, codeOriginRefused, refusedOrigin(came, site))
}

// refusedOrigin says what the owner of a site can do for a page.
func refusedOrigin(came, site string) string {
	if len(came) > maxNamed {
		came = came[:maxNamed] + "..."
	}
	return fmt.Sprintf("pages of %s do not belong to the site %q: add the origin to the site, with sockeye comments site %s --add-origin %s", came, site, site, came)
}

// preflight answers a CORS preflight.
func preflight(w http.ResponseWriter, methods string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", methods+", OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Content-Type, Last-Event-ID, Cache-Control")
	h.Set("Access-Control-Max-Age", preflightAge)
	h.Set("Content-Length", "0")
	w.WriteHeader(http.StatusNoContent)
}

// ownPage reports whether a request comes from a page of this server, or from no page. It is
// for what goes by a cookie.
func ownPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") { // Fetch Metadata: browsers send it, and no page can
	case "", "same-origin", "none":
	default:
		return false
	}
	came := r.Header.Get("Origin")
	if came == "" {
		return true
	}
	u, err := url.Parse(came)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// addressOf is where a page is, or "" where that is not known. What a client said counts only
// if the page belongs to the site.
func addressOf(site *store.Site, page *store.Page) string {
	policy, err := origin.Parse(site.Origins)
	if err != nil {
		return ""
	}
	if page.URL != "" && belongs(policy, page.URL) {
		return page.URL
	}
	if len(site.Origins) == 1 && strings.HasPrefix(page.Key, "/") && !strings.Contains(site.Origins[0], "*") {
		if guess := site.Origins[0] + page.Key; belongs(policy, guess) {
			return guess
		}
	}
	return ""
}

// belongs reports whether an address is of one of the origins of a site.
func belongs(policy *origin.Policy, address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return false
	}
	return policy.Allow(&http.Request{Header: http.Header{"Origin": {u.Scheme + "://" + u.Host}}})
}
