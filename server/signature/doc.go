// Package signature is how a receiver of the requests that the server makes knows that they
// come from it: a header with the time and an HMAC-SHA256 of time and body. docs/webhooks.md
// says how to check one.
//
// It is a leaf beside the road: a function without state, for any goroutine. It refuses to
// know what is sent, and where to.
package signature
