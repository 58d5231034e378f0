// Package engineio is the transport layer of Socket.IO: Engine.IO sessions over
// WebSocket and HTTP long-polling, in protocol 4 and, on request, 3.
//
// Its place on the road: whoever accepted a request reads it (websocket.go,
// polling.go); bytes become packets in the wire package; pings, pongs, upgrade
// and close end in the session (session.go, heartbeat.go, upgrade.go); messages
// go up to a Receiver. On the way out Session.Send only enqueues (outbox.go):
// a shared Message by reference, never blocking. A flusher, or the GET that
// waits, takes all that is queued and writes it at once, outside any lock.
//
// Every exported method may be called from any goroutine. Calls of one session's
// Receiver never overlap: Receive in order, UpgradeReceiver.Upgraded between the
// last message by polling and the first by WebSocket, Closed once and last. Receive
// and Upgraded run on the goroutine that reads, so while they block nothing more of
// that session is read, and its ping timeout waits.
//
// Locks: Server.mu guards the table of sessions, cuts.mu and upgradeHolds.mu what
// was learned of addresses, lane.mu the table of connections, Session.mu everything that changes in a session, Message.mu the making of an
// encoding. None is held while another of them is taken, nor across I/O, a
// channel send or a call to a Handler, Receiver or Observer; Session.mu is held
// while timers are set.
//
// Polling has two ways in. On the ordinary one net/http reads requests, and a goroutine
// waits with each GET. With Options.TakeOver a connection leaves that way after its first
// answer, for the lane (lane.go), where a small goroutine waits for bytes and nobody waits
// with a GET; laneConn.mu guards whose turn it is there, and is held while what has come is
// read, which does not wait. A request that is not like one
// that was answered takes the connection back (wayback.go).
//
// A guest (guest.go) is a client that comes without Engine.IO: over a WebSocket whose
// text messages are nothing but messages, or as the reader of an event stream. Its
// session is one like any other, but for what is on the wire.
//
// The package refuses to know Socket.IO, rooms, nodes or routes: it serves any
// path it is given.
package engineio
