package cluster

import (
	"context"
	"encoding/json"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// Kind says what a Message is about.
type Kind uint8

// The kinds. The first six are for every other node, the rest answer one.
const (
	KindBroadcast  Kind = iota + 1 // deliver Packet to Target; with Request, each client answers
	KindJoin                       // the sockets of Target enter Rooms
	KindLeave                      // the sockets of Target leave Rooms
	KindDisconnect                 // the sockets of Target are disconnected; Close: their connections, too
	KindFetch                      // tell Request which sockets Target names
	KindServerSide                 // call the listeners of Event with Args; with Request, answer

	KindClientCount   // to a broadcast with Request: Count clients were asked
	KindClientAck     // to a broadcast with Request: one client answered Args
	KindSockets       // to a fetch
	KindServerSideAck // to a server side event with Request: Args
	KindClientLost    // to a broadcast with Request: Count clients left without an answer; see Ours
)

// Message is one thing that a node says to the others about a namespace. It is
// immutable once published or received.
type Message struct {
	Kind    Kind
	From    string // the node that says it; "emitter" for a program that is none, "" for an unknown node's answer
	Request string // what it asks, or answers; "" where no answer is wanted

	Packet  *socketio.Packet // its own for each node that receives it
	Target  socketio.Target
	Rooms   []string
	Close   bool
	Event   string
	Args    []any // Go values, Raw or Args to publish; one Args when received
	Count   int
	Sockets []SocketState
}

// SocketState is a socket as another node sees it, with the fields of Node's
// details of a socket.
type SocketState struct {
	ID        string
	Handshake json.RawMessage
	Rooms     []string
	Data      json.RawMessage
}

// Driver carries the messages of one namespace. Its methods may be called from any
// goroutine. It calls Adapter.Receive with what others say, never two calls at once
// for messages of one node, and never with the node's own.
type Driver interface {
	// Publish sends m to every other node. What one goroutine publishes arrives
	// everywhere in that order. It returns when m is on its way in that order; an
	// error says that other nodes may not hear of it. A broadcast that fails later is
	// told in the log, since waiting for each would keep many from going out together.
	Publish(m *Message) error
	// Reply sends m to the node that made m.Request. It returns as Publish does.
	// Node's answers have one argument: further ones of m.Args reach Sockeye only.
	Reply(to string, m *Message) error
	// Count returns the number of nodes there are now, this one included. An error
	// says that it cannot be known, because the backend is away.
	Count(ctx context.Context) (int, error)
	// Missing names the nodes that are known to be there and are not in answered
	// (node ids), as well as they can be named. It must not wait.
	Missing(answered map[string]bool) []string
	// Close ends the driver: Receive is not called any more when it has returned.
	Close() error
}

// Roster is a Driver that can tell who is there, not only how many.
type Roster interface {
	Driver
	// Nodes returns the ids of the other nodes there are now. It may cost more than
	// Count and is asked only while answers are late.
	Nodes(ctx context.Context) ([]string, error)
}
