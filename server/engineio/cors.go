package engineio

import (
	"net/http"
)

// preflightMaxAge is how long, in seconds, a browser may keep a preflight's
// answer.
const preflightMaxAge = "600"

// checkOrigin applies the origin policy and writes the CORS headers, which every
// answer carries, errors included: without them a page cannot read what went
// wrong. With no policy it does what Node does by default: it lets every request
// in and writes no CORS headers, so that browsers keep other origins from
// polling.
func (x *exchange) checkOrigin() *refusal {
	origin, h := x.r.Header.Get("Origin"), x.w.Header()
	switch p := x.srv.opts.Origins.(type) {
	case nil:
		return nil
	case SoleOriginPolicy:
		if origin == "" {
			soleOrigin(h, p.SoleOrigin())
			return nil
		}
	default:
		if origin == "" {
			return nil
		}
	}
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Allow-Origin", origin)
	if err := x.srv.opts.Origins.CheckOrigin(x.r); err != nil {
		return &refusal{code: codeForbidden, message: err.Error(), context: map[string]any{"name": "ORIGIN_REFUSED", "origin": origin}}
	}
	h.Set("Access-Control-Allow-Credentials", "true")
	return nil
}

// soleOrigin writes the CORS headers for the only origin there can be, if there is
// one. Credentials cannot go with "*".
func soleOrigin(h http.Header, origin string) {
	if origin == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if origin != "*" {
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// preflight answers a CORS preflight of an allowed origin.
func (x *exchange) preflight() {
	h := x.w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	if want := x.r.Header.Get("Access-Control-Request-Headers"); want != "" {
		h.Set("Access-Control-Allow-Headers", want)
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	if x.r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	h.Set("Access-Control-Max-Age", preflightMaxAge)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", "0")
	x.w.WriteHeader(http.StatusNoContent)
}
