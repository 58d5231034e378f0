// Package httplane reads the requests of HTTP/1.1 that a client sends again and again on
// a kept-alive connection: GET and POST without anything unusual. It accepts only what
// net/http would read in the same way, and tells by a fingerprint whether a request is
// like one that net/http has read before: the same method, path and header, whatever
// query, Content-Length and body it has.
//
// Its functions may be called from any goroutine; they do no I/O and keep nothing.
//
// The package refuses to know Engine.IO, and to read what is unusual: that is net/http's
// business.
package httplane
