// Package certs keeps the certificates that a server shows, from PEM files, and takes
// new ones over when the files change, so that no connection is dropped for that.
//
// It stands before the road: net/http asks it at each handshake, and so does whatever
// connects to other nodes, which are expected to have the same certificates. A pair that
// is broken or does not fit is refused with a line in the log, and the one before it
// stays.
//
// A Store may be used by any number of goroutines at once; a handshake takes no lock.
//
// The package refuses to get certificates from anywhere but files, and to make any.
package certs
