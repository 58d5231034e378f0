package wire

// Type is the kind of a packet; the numbers are those of the protocol
// (Socket.IO protocol, "Exchange protocol").
type Type uint8

// The packet types. A decoded Packet is never BinaryEvent or BinaryAck: it is an Event or Ack with binary
// arguments, and an Outgoing of type Event or Ack becomes binary by itself.
const (
	Connect      Type = 0
	Disconnect   Type = 1
	Event        Type = 2
	Ack          Type = 3
	ConnectError Type = 4 // ERROR in protocol 4
	BinaryEvent  Type = 5
	BinaryAck    Type = 6
)

// String gives the name the protocol uses, such as "CONNECT".
func (t Type) String() string {
	switch t {
	case Connect:
		return "CONNECT"
	case Disconnect:
		return "DISCONNECT"
	case Event:
		return "EVENT"
	case Ack:
		return "ACK"
	case ConnectError:
		return "CONNECT_ERROR"
	case BinaryEvent:
		return "BINARY_EVENT"
	case BinaryAck:
		return "BINARY_ACK"
	}
	return "unknown"
}

// Format is how packets are written on one connection.
type Format uint8

// The formats.
const (
	// JSON is the default parser of Socket.IO: text, with binary values as attachments.
	JSON Format = iota
	// Msgpack is npm's socket.io-msgpack-parser: one binary message per packet.
	Msgpack
	// Auto is for a Decoder only: the first message decides, binary for Msgpack and text for JSON.
	Auto
)

// String gives "json", "msgpack" or "auto".
func (f Format) String() string {
	switch f {
	case JSON:
		return "json"
	case Msgpack:
		return "msgpack"
	case Auto:
		return "auto"
	}
	return "unknown"
}

// Packet is one decoded packet. It is immutable and keeps its own copy of the bytes.
type Packet struct {
	Type      Type
	Namespace string // "/" by default; begins with "/"
	Query     string // protocol 4: what followed "?" in the namespace, undecoded
	ID        uint64 // at most 2^53-1, what a JavaScript number holds
	HasID     bool
	Event     string // Event only: the first element; a number is written as JavaScript would
	Args      Args   // Event: what follows the name; Ack: all
	Payload   Raw    // Connect (an object or absent) and ConnectError
}

// Outgoing is a packet to encode. Args hold any Go value that encoding/json can encode, with the same rules
// and struct tags, except that a []byte (or a named slice of bytes) anywhere inside becomes binary. Types with
// their own MarshalJSON or MarshalText are left to them. A Raw goes out as it came in, an Args among the
// arguments stands for all of its elements.
type Outgoing struct {
	Type      Type
	Namespace string // "" is "/"
	ID        uint64
	HasID     bool
	Event     string
	Args      []any
	Payload   any    // Connect and ConnectError; binary inside becomes a base64 string; left out for a protocol 4 Connect
	Offset    string // recovery: sent as last argument of an Event unless empty

	// MaxAttachments is how many attachments a JSON packet may have, DefaultMaxAttachments if 0: the official
	// client drops its connection when it gets more. Negative: no limit.
	MaxAttachments int
}

// Part is one message to hand to Engine.IO, without its type prefix. Data must not be changed.
type Part struct {
	Data   []byte
	Binary bool
}

// Reserved says whether an event may be neither received nor emitted, since its name has a meaning of its own
// in the official client or server (socket.io-parser, RESERVED_EVENTS).
func Reserved(event string) bool {
	switch event {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}
