// Package socketio is a Socket.IO server: namespaces, sockets, events with
// acknowledgements, rooms, broadcasts, middleware and connection state recovery.
// It speaks protocol 5, what socket.io-client 3 and 4 speak, and protocol 4 for
// clients of version 2 (engineio.Options.AllowEIO3).
//
// # On the road
//
// The package stands between engineio, which hands it whole messages of a
// session, and the handlers of the application. A message becomes a packet (the
// wire package), is matched with the socket of its namespace, and an event joins
// that socket's queue. What the application emits is encoded once per variant
// (JSON or MessagePack; with or without offset), and the Adapter hands the one
// message to every outbox it is meant for.
//
// A client that comes without Socket.IO is a Guest (guest.go): its messages are turned
// into events by a handler, and what is emitted is encoded in two more variants. To
// everything else it is a Socket like any other.
//
// # Promises
//
//   - Events of one socket are handled one at a time and in order, on a goroutine
//     that exists only while there are events. Acknowledgements are read past the
//     queued events, so that a handler may wait for its own client. At most
//     Options.InboxEvents or InboxBytes are queued, and 4 times InboxBytes in all
//     namespaces of a connection; then reading is paused.
//   - What one goroutine emits reaches each client in that order.
//   - Emit and the other verbs only queue. They never wait for a client.
//   - Who heard the answer to CONNECT can be reached.
//   - A handler that panics ends its socket and nothing else.
//   - A handler's context ends with its socket: when the last event that came
//     before the end was handled, at the latest a second after the end.
//   - With recovery, a client that returns in time gets what it missed, in order
//     and once, or a new session that says so.
//
// # Life of a socket
//
// CONNECT, the namespace's middleware, the server's CONNECT, what a client that
// returns has missed, what middleware emitted, OnConnection, events;
// then the end: OnDisconnecting (still in its rooms), out of rooms and namespace,
// the context, OnDisconnect. All of it runs on the socket's own goroutine. A
// client that leaves, or whose connection ends, has what it sent before handled
// first; what the server disconnects is not heard any more.
//
// # Locks
//
// In this order, and never held while user code runs or a client is waited for:
// the adapter's delivery lock (with recovery only), Socket.mu, then one of
// shard.mu, Local.mu, pidTable.mu, and last the session's own lock inside
// engineio. registry.mu, of a namespace or a parent, guards registration alone and
// takes no other. Server.mu comes before registry.mu and the adapter's lock (it
// opens namespaces), and is never taken under any of the others. conn.mu takes no other
// lock. A broadcast takes a snapshot of a room under shard.mu, which costs the
// same for any size, and sends outside of it.
//
// # What it refuses
//
// Reserved event names in both directions; packets for namespaces that the client
// is not in, unless the server has just ended it there; malformed packets, deep
// JSON, more than 10 attachments, or ones that do not come within
// Options.ConnectTimeout; more than Options.MaxNamespaces at once, or more than
// 1 MiB of auth data in them. The connection ends, or in the last two cases
// CONNECT_ERROR is the answer. It knows nothing of
// origins, identities or rates.
package socketio
