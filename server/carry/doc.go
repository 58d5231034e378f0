// Package carry hands a request that reached the wrong node to the node whose
// session it names, so that no load balancer needs affinity: polls, POSTs and the
// upgrade to WebSocket.
//
// It stands before the Socket.IO server. A session id begins with the id of its
// node (nodes.IDOf); a request for a session of this node, or without one, goes
// straight on. One for another node is sent there on a pooled connection, with
// everything that the client said, and with a header that says where the client is
// and proves that a node of this cluster says so. The owner decides about origin and
// session as if the client had come to it. A carried request is never carried again.
//
//	Sockeye-Carried: v=1.0; from=AbCdEfGh; at=1767225600; addr=192.0.2.7:5123; tls=0; mac=…
//
// v is the version of this header: nodes of another major version are refused, and
// fields that a newer minor version adds are ignored. from is the sending node, at its
// clock in Unix seconds, addr and tls what the client came by. A field ask turns the
// request into a question of the node itself: alive (are you there?), release (let the
// waiting poll of sid go, this way is closing) or end (so is the way of its WebSocket:
// end the session, so that its client comes by another). mac is the HMAC-SHA256, in
// base64url, of method, line feed, request target, line feed and what stands before
// "; mac=", with a key made of the cluster's secret. Every answer of the owner carries
// its node id in Sockeye-Node; a request that is not accepted is answered with the
// reason in Sockeye-Carry-Refused.
//
// An owner that refuses the connection is an error to the client at once; for one
// that is silent, see watch.go. A WebSocket is relayed without reading frames: bytes
// go both ways as they come, and no buffer is held while none do.
//
// A Carrier may serve any number of requests at once. Locks: Carrier.mu guards the
// tables of owners and relays, peer.mu the connections of one owner and the requests
// under way to it; neither is held while the other is taken, nor across I/O or a
// callback.
//
// The package refuses to know Redis, Gin, namespaces or packets, and to answer for a
// session that it does not own.
package carry
