// Package clustertest joins nodes of one process into a cluster, for tests of what
// handlers and applications do on several nodes. Adapters are tested with adaptertest
// and real backends.
//
// It stands beside the road: a Bus is a backend of package cluster whose messages are
// values in memory. All methods may be called from any goroutine. It refuses to lose,
// delay or reorder anything, but for what a node that was killed says and would hear.
package clustertest
