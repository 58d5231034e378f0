// Package redistest starts Debian's redis-server for Go tests, on free ports of the
// loopback address and in memory only: a single server, a Redis Cluster of three masters,
// or a master with a replica and a Sentinel. A test that finds none fails; it is never left out.
//
// Single and Cluster are shared by all tests of a binary, which keep apart by Prefix;
// the binary's TestMain ends them:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }
//
// A test that stops, pauses or empties a server starts its own with Start or
// StartCluster. Everything may be called from any goroutine. It refuses to be part of
// a program: tests alone import it.
package redistest
