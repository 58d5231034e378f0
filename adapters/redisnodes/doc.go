// Package redisnodes finds the nodes of a cluster by Redis: a nodes.Registry, and the
// secret that its nodes share (nodes.Secrets).
//
// It stands beside the road: server/carry asks it for the owner of a session, adapters
// and presence who is there. Each node keeps a record of itself, with a lease, and
// reads those of the others every few seconds; what it read last is kept in memory, so
// that a look-up of a known node never waits. All keys are in one slot of a Redis
// Cluster:
//
//	{<prefix>}:nodes        set of the ids of nodes that may be there
//	{<prefix>}:node:<id>    {"v":"1.1","id":"AbCdEfGh","url":"http://10.0.0.5:3000",
//	                        "version":"v1.2.0","started":1767225600000,
//	                        "adapter":"redis-streams","path":"/socket.io/"}, expires with the
//	                        lease; "left":true while it expires after the node has stopped
//	{<prefix>}:secret       text, unless the nodes are given one
//
// v is the version of the record: one of another major version is left out, and fields
// that a newer minor version adds are ignored. started is in milliseconds, by the
// node's clock.
//
// While Redis cannot be read, nobody is gone: leases run on when it is back, and all
// have the time of one to say that they are there. A record that is missing although
// its lease runs, since Redis started empty, or forgot it, means nothing either.
//
// All methods may be called from any goroutine. One goroutine, from Start to Close,
// reads, writes and calls the listeners. Registry.mu guards the waiting and the
// listeners, and is not held across either.
//
// The package refuses to elect, to lock, and to talk to the nodes themselves.
package redisnodes
