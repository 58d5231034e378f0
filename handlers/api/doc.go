// Package api is the HTTP API: what backends in any language ask of the server, under
// /api/v1. openapi.yaml describes every operation and every answer; it is served at
// /api/openapi.yaml, and as a page at /api/.
//
// It stands beside the road, at the place of a handler: what is emitted here goes to
// clients through the same broadcasts, and everything works on all nodes. A request is
// answered on the goroutine that net/http gives it.
//
//	serve     the page's origin, the method
//	run       who calls, how often, the scope of the operation, the body
//	emit …    what is asked for, which rooms the caller may use, and doing it
//
// Callers show an API key or a token: nobody is anonymous here. Which rooms they may use
// is decided by the same auth.Access as for clients.
//
// Any number of goroutines may ask at once. It refuses to do a part of a batch that is
// wrong somewhere, and to tell anybody what a client proves itself with.
package api
