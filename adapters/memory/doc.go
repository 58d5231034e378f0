// Package memory is the adapter of a single node that can recover sessions: it
// keeps what was emitted, and the sessions of clients that were cut off, in
// memory, bounded by time and by bytes.
//
// On the road it stands between a namespace and the outboxes of its sockets, as
// every adapter. Without recovery it adds nothing to socketio.Local. With it,
// deliveries in one namespace take turns under one lock, because a client knows
// only the offset of the last event it saw: what reaches it must be in the order
// of the offsets. Nothing under that lock waits or runs code of the application.
//
// An offset is the epoch of the adapter, a dot, and the packet's number in base
// 36: "q3Zt9A.1f". The number of an older epoch counts as the start of the
// session, because the official client keeps its offset when it gets a new one.
//
// A kept packet is its arguments, encoded and compact; what it was delivered as
// goes with the delivery, and a replay encodes it again. So MaxBytes is what the
// heap holds, give or take a quarter. Not counted: what a returning client is
// still being sent, and the data of sessions, which are the application's.
// All namespaces of a server share one bound besides their own; when it is
// reached, the namespace that keeps most gives its oldest, so that clients can
// make up neither namespaces nor traffic that cost the others what they keep.
//
// What is said in rooms is kept as well, where Options.History says so: the same packets, by
// room, bounded each and all together.
//
// The package refuses to guess: where the kept packets do not reach back far
// enough, or it is not certain that a packet was meant for the client, the
// client gets a new session and is told so.
package memory
