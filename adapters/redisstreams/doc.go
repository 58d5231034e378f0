// Package redisstreams is the adapter of several nodes that loses nothing: what is
// emitted is appended to a stream in Redis, which every node reads, and which
// returning clients are given what they missed from, whichever node they come to.
// Its entries are those of the npm package @socket.io/redis-streams-adapter, so that
// Node.js servers take part.
//
// On the road it stands between a namespace and the outboxes of its sockets. In a
// namespace with recovery an event reaches the node's own sockets, too, only when the
// node reads it from the log, so that all clients see one order, and none an offset
// ahead of it. Emit returns when that has happened. Without recovery the node's own
// sockets get it at once.
//
// One goroutine of a Hub reads the log and delivers, in order, for all namespaces;
// one appends; one saves sessions. No code of the application runs on them. Locks:
// Adapter.mu, the delivery lock of a namespace, comes before Socket's locks in
// socketio and before everything here; Hub.mu, appender.mu, saver.mu and recent.mu
// are taken one at a time, and nothing is called while they are held.
//
// What is said in rooms whose history is kept is in Redis too, written by the script that
// appends to the log (keep.go). What programs other than Sockeye say is written by the
// reader, on every node; until it is, a node tells of it from memory.
//
// Where the log has a hole, because Redis lost it, it was trimmed too early or a node
// was away for too long, the package closes the connections of everybody who may have
// missed something. Their clients come back by themselves and are told that they were
// not recovered. It refuses to go on as if nothing had happened.
package redisstreams
