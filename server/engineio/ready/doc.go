// Package ready tells when connections have something to read, without a goroutine, a
// stack or a buffer for each of them. It is what the idle mode of package engineio waits
// with, on Linux; elsewhere there is no Poller.
//
// A Poller is an epoll instance (epoll(7)) beside the one of Go's runtime, in which it
// sits itself: its one goroutine waits like a reader of any connection does, and blocks no
// thread. Every watch is for one time (EPOLLONESHOT), so that a connection is looked after
// either by the Poller or by whoever it called.
//
// All methods may be called from any goroutine. The lock of a Poller is a leaf.
//
// It refuses to read, and to know what a connection is for.
package ready
