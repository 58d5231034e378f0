// Package rooms is what clients may do with rooms, whichever way they come in: how a
// room may be named, how many one client may be in, and who may enter and publish. The
// relay, event streams, plain WebSockets and the HTTP API ask the same Rules.
//
// It stands beside the road: handlers call it, and it calls nothing but sockets and
// auth.Access. Rules are immutable and may be used from any goroutine.
//
// It refuses to keep anything: where a socket is, the socket knows.
package rooms
