// Package cluster is what the adapters of several nodes have in common: what a
// node does when it hears a message of another, and how it waits for answers. A
// backend is a Driver, a few verbs that carry messages.
//
// On the road it stands between a namespace and its local half: its own sockets
// get a packet from socketio.Local, other nodes hear of it from the Driver.
// Messages of one node are handled one after the other, in the order they came;
// answers of applications and clients come from goroutines of their own.
//
// It refuses to know a wire format, a broker, or recovery.
package cluster
