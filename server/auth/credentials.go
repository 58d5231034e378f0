package auth

import (
	"net/http"
	"strings"
)

// MaxToken is the most bytes of a token or key.
const MaxToken = 8 << 10

// Shown returns the token that a client shows: what it says itself, or the bearer of
// Authorization, or the cookie, or the parameter of the query, in this order. The
// last two have names, and are not looked at without; "" is nothing.
func (c *Credentials) Shown(cookie, query string) string {
	if t := bare(c.Token); t != "" {
		return t
	}
	if scheme, t, ok := strings.Cut(c.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		if t = strings.TrimSpace(t); t != "" {
			return t
		}
	}
	if cookie != "" && len(c.Header["Cookie"]) > 0 {
		r := http.Request{Header: c.Header}
		if found, err := r.Cookie(cookie); err == nil && found.Value != "" {
			return found.Value
		}
	}
	if query != "" {
		return c.Query.Get(query)
	}
	return ""
}

// bare takes away "Bearer ", which some clients put before what they say themselves.
func bare(token string) string {
	if scheme, t, ok := strings.Cut(token, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = t
	}
	return strings.TrimSpace(token)
}
