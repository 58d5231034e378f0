// Package webhook asks a backend in any language about the clients of a namespace: whether
// they may connect, and who they are; what follows from an event; and it tells it of those
// who have gone. docs/webhooks.md has every request and answer.
//
// It is a handler on the road: it hears an event of one socket, has somebody else decide,
// and emits; it knows nothing of transports or nodes. Hooks.Admit is asked before the
// middleware of the namespace, also of clients that are recovered: who somebody is is never
// recovered. The events are those that nothing takes by its name; the relay's rule "*" comes
// after (relay.Config.Elsewhere), and the relay's contract gives way to events that
// Hook.Events writes out (relay.Config.Without).
//
// A request is signed and sent once: nothing is repeated, so that nothing happens twice. The
// requests about one socket are sent one after the other, on the goroutine of its events, in
// the order of the events; its inbox is their queue, and a full one pauses reading. All of
// one node for one backend are bounded by Hook.Concurrency, each by Hook.Timeout with the
// time until its turn. Redirects are not followed, answers above 1 MiB not read. An answer
// is done completely or not at all.
//
// What clients see while a backend fails:
//
//	connect     the connection is closed, so that they come back by themselves; CONNECT_ERROR with data {code, message}
//	            where Hook.WhenDown is Refuse, or the client is in other namespaces
//	event       the acknowledgement {error: {code, message}}: backend_unavailable, backend_timeout or bad_answer
//	disconnect  nothing
//
// It may be used from any goroutine. There are none of its own. It refuses to keep anything
// about a client: whatever the backend wants to know again it gives the socket as data.
package webhook
