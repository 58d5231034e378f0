// Package auth says who a client is and what it may do.
//
// It stands beside the road and knows nothing of it: an Authenticator makes a
// Principal of the Credentials that a client shows, and an Access decides whether a
// principal may do something. The server asks the first when a client connects to a
// namespace; handlers ask the second before they act.
//
// Everything here may be used from any goroutine. A Principal does not change.
//
// It refuses to keep passwords, and to log what a client shows.
package auth
