// Package origin decides which pages may use the server, by the Origin header
// that browsers send (RFC 6454). It is a leaf: it knows addresses and headers,
// nothing of sockets or rooms.
//
// A Policy is immutable after it was made and may be asked by any number of
// goroutines at once. It refuses to look at anything but the request: what a
// user may do is not decided here.
package origin
