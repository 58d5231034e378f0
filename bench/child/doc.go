// Package child starts a server as a child process on a port of its own choosing, learns
// its address from what it says, and ends it. Benches share it.
//
// A Child may be used from any goroutine. It refuses to leave anything behind: a child
// whose bench is killed is ended by the kernel on Linux, and Stop waits.
package child
