// Package session asks the site's backend who a client is: it hands on what a browser
// shows of its session there, and makes a principal of the answer.
//
// It stands beside the road: a Verifier is one way of an auth.Chain. It may be used
// from any goroutine. How much is asked at once, how long for, and how much is read and
// remembered are bounded.
//
// It refuses redirects: a page to log in on is no answer. It keeps no cookie, only
// hashes.
package session
