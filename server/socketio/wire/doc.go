// Package wire turns Socket.IO packets into bytes and back: protocol 5 (current) and 4 (clients on
// Engine.IO 3), as JSON with binary attachments or as the MessagePack of npm's socket.io-msgpack-parser.
// On the road it stands between engineio, which hands it whole messages, and socketio, which gets a Packet.
//
// One packet of each kind, as JSON (the part before the first + is a text message, the rest binary ones):
//
//	0                                              CONNECT to "/"
//	0/admin,{"token":"123"}                        CONNECT to "/admin" with a payload
//	0/admin?token=123,                             the same in protocol 4, where it is a query
//	1/admin,                                       DISCONNECT
//	2["foo"]                                       EVENT
//	2/admin,12["foo",1]                            EVENT that asks for acknowledgement 12
//	3/admin,12["bar"]                              ACK
//	4{"message":"Not authorized"}                  CONNECT_ERROR (protocol 4: ERROR, 4"Not authorized")
//	51-["baz",{"_placeholder":true,"num":0}] + …   BINARY_EVENT with one attachment
//	61-15["baz",{"_placeholder":true,"num":0}] + … BINARY_ACK
//
// As MessagePack every packet is one binary message: a map with the keys type (0 to 4), nsp, and where
// present data and id. Dates, undefined and ArrayBuffers are extensions of notepack.io; see msgpack.go.
//
// What is received stays as received: arguments are Raw values over one copy of the message, validated in
// one pass (grammar, UTF-8, depth, placeholders) so that they can be relayed byte for byte without harm to
// the client that reads them.
//
// Packages above may share a Packet, Args and Raw between goroutines: they are immutable. A Decoder belongs
// to the one goroutine that reads its connection. Encode may be called from anywhere.
//
// The package does no I/O, starts nothing, keeps no state but a Decoder's, and refuses what it cannot relay
// safely; it does not know which namespaces, events or acknowledgements exist.
package wire
