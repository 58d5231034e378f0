// Package ticket makes and verifies tickets: short-lived tokens that say all by
// themselves who somebody is, for places where no other token should stand, such as the
// address of an event stream.
//
//	skt_<what it says: JSON in base64url>.<HMAC-SHA256 of all before the dot, in base64url>
//
//	{"id":"alice","name":"Alice","join":["news:*"],"method":"token","until":1767225600000}
//
// until is in milliseconds since 1970. The key is derived from the secret that the nodes
// of a cluster share, so that a ticket of one holds on all; a node alone makes a secret up
// when it starts. A ticket has no scopes: it opens rooms, and no operation that is for
// backends.
//
// It stands beside the road: an Office is one way of an auth.Chain. Everything may be used
// from any goroutine. It refuses to remember tickets: one is good for as many times as it
// is shown until its end, or until somebody blocks whose it is.
package ticket
