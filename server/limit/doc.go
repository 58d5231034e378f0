// Package limit says how much a client may do: how many connections and handshakes an
// address or a user may have, and how many events and bytes a connection may send.
//
// It stands beside the road and knows nothing of it. A Door is asked at the handshake
// and gives each connection a Pass, which is then asked about what its client sends. A
// Listener counts connections before there is any request. A Meter counts whatever else has a key and a rate. What is over a limit is an
// *Exceeded, which says when to come again; how that reaches the client is for who asks.
//
// Rates are token buckets (golang.org/x/time/rate): so many a second, and a burst above
// that. With Shared the handshakes of an address and of a user are counted by all nodes
// together; while it is away, or slow, the buckets of this node alone hold. Open
// connections are counted on each node for itself.
//
// Addresses of IPv6 are counted by their /64, which is what one customer has. What is
// kept of addresses and users without a connection is bounded: see table.
//
// Everything may be used from any goroutine, but for what Pass says. Locks: those of a
// table's shards are leaves, and nothing is called while one is held.
//
// It refuses to wait, but for Shared, and that a tenth of a second at most.
package limit
