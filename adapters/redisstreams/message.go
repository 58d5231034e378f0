package redisstreams

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// What does not belong into the log goes over Pub/Sub, as with Node's adapter: questions
// to all nodes on the channel prefix#NAMESPACE#, answers to one on
// prefix#NAMESPACE#NODE#. A message is a map in MessagePack: uid, nsp, type, and data,
// which is a map as well.

// kinds are the types of messages that go over Pub/Sub.
var kinds = map[int]cluster.Kind{
	typeBroadcast:        cluster.KindBroadcast,
	typeFetch:            cluster.KindFetch,
	typeFetchResponse:    cluster.KindSockets,
	typeServerSide:       cluster.KindServerSide,
	typeServerSideAnswer: cluster.KindServerSideAck,
	typeBroadcastCount:   cluster.KindClientCount,
	typeBroadcastAnswer:  cluster.KindClientAck,
	typeClientLost:       cluster.KindClientLost,
}

// typeClientLost is Sockeye's own: Node ignores it.
const typeClientLost = 120

func typeOf(k cluster.Kind) (int, error) {
	for t, kind := range kinds {
		if kind == k {
			return t, nil
		}
	}
	return 0, fmt.Errorf("redisstreams: a message of kind %d does not go over Pub/Sub", k)
}

// envelope is a message on a channel.
type envelope struct {
	UID  string             `msgpack:"uid"`
	NSP  string             `msgpack:"nsp"`
	Type int                `msgpack:"type"`
	Data msgpack.RawMessage `msgpack:"data,omitempty"`
}

// content is what data may hold, whatever the type.
type content struct {
	RequestID   string             `msgpack:"requestId,omitempty"`
	Packet      msgpack.RawMessage `msgpack:"packet,omitempty"`
	Args        msgpack.RawMessage `msgpack:"args,omitempty"` // all arguments of an answer; Node has the first in packet
	Opts        *optsWire          `msgpack:"opts,omitempty"`
	ClientCount *int               `msgpack:"clientCount,omitempty"`
	Sockets     []socketWire       `msgpack:"sockets"`
}

// socketWire is a socket as Node describes it.
type socketWire struct {
	ID        string             `msgpack:"id"`
	Handshake msgpack.RawMessage `msgpack:"handshake"`
	Rooms     []roomName         `msgpack:"rooms"`
	Data      msgpack.RawMessage `msgpack:"data"`
}

// encodeMessage is the payload of a message.
func encodeMessage(namespace string, m *cluster.Message) ([]byte, error) {
	kind, err := typeOf(m.Kind)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	if m.Request != "" {
		fields["requestId"] = m.Request
	}
	switch m.Kind { //nolint:exhaustive // the others go into the log
	case cluster.KindBroadcast:
		data, err := packList(append([]any{m.Packet.Event()}, m.Packet.Args()...))
		if err != nil {
			return nil, fmt.Errorf("redisstreams: encoding %q: %w", m.Packet.Event(), err)
		}
		fields["packet"] = packetPacked{Type: eventPacket, Data: data, Nsp: namespace}
		fields["opts"] = timedOpts(&m.Target)
	case cluster.KindFetch:
		fields["opts"] = optsOf(&m.Target)
	case cluster.KindServerSide:
		data, err := packList(append([]any{m.Event}, m.Args...))
		if err != nil {
			return nil, fmt.Errorf("redisstreams: encoding %q: %w", m.Event, err)
		}
		fields["packet"] = data
	case cluster.KindServerSideAck, cluster.KindClientAck:
		if err := addAnswer(fields, m.Args); err != nil {
			return nil, err
		}
	case cluster.KindClientCount:
		fields["clientCount"] = m.Count
	case cluster.KindSockets:
		if fields["sockets"], err = packSockets(m.Sockets); err != nil {
			return nil, err
		}
	}
	return msgpack.Marshal(map[string]any{"uid": m.From, "nsp": namespace, "type": kind, "data": fields})
}

// timedOpts are the options of a broadcast whose clients answer: Node cleans up after
// flags.timeout.
func timedOpts(t *socketio.Target) map[string]any {
	o := optsOf(t)
	flags := map[string]any{}
	if o.Flags.Volatile {
		flags["volatile"] = true
	}
	if o.Flags.Compress != nil {
		flags["compress"] = *o.Flags.Compress
	}
	if t.Flags.Timeout > 0 {
		flags["timeout"] = t.Flags.Timeout.Milliseconds()
	}
	return map[string]any{"rooms": o.Rooms, "except": o.Except, "flags": flags}
}

// addAnswer writes the arguments of an answer: the first for Node, and all if there
// are more.
func addAnswer(fields map[string]any, args []any) error {
	values, n, err := wire.AppendMsgpackValues(nil, args)
	if err != nil {
		return err
	}
	list := append(wire.AppendMsgpackArray(nil, n), values...)
	all, _, err := wire.ParseMsgpackList(list)
	if err != nil {
		return err
	}
	first, _, err := wire.AppendMsgpackValues(nil, []any{all.At(0)})
	if err != nil {
		return err
	}
	fields["packet"] = msgpack.RawMessage(first)
	if n > 1 {
		fields["args"] = msgpack.RawMessage(list)
	}
	return nil
}

func packSockets(sockets []cluster.SocketState) ([]map[string]any, error) {
	out := make([]map[string]any, len(sockets))
	for i, s := range sockets {
		handshake, err := packJSON(s.Handshake)
		if err != nil {
			return nil, err
		}
		data, err := packJSON(s.Data)
		if err != nil {
			return nil, err
		}
		out[i] = map[string]any{"id": s.ID, "handshake": handshake, "rooms": roomNames(s.Rooms), "data": data}
	}
	return out, nil
}

// packJSON writes JSON as MessagePack; nothing becomes an empty object, as in Node.
func packJSON(text json.RawMessage) (msgpack.RawMessage, error) {
	if len(text) == 0 {
		text = json.RawMessage("{}")
	}
	values, _, err := wire.AppendMsgpackValues(nil, []any{text})
	return values, err
}

// unpackJSON is the inverse of packJSON.
func unpackJSON(data msgpack.RawMessage) (json.RawMessage, error) {
	if len(data) == 0 {
		return nil, nil
	}
	one, err := oneValue(data)
	if err != nil {
		return nil, err
	}
	return one.MarshalJSON()
}

// oneValue reads a single value.
func oneValue(data msgpack.RawMessage) (socketio.Raw, error) {
	list, err := oneArg(data)
	return list.At(0), err
}

// oneArg reads a single value as a list of one.
func oneArg(data msgpack.RawMessage) (socketio.Args, error) {
	args, n, err := wire.ParseMsgpackList(append(wire.AppendMsgpackArray(make([]byte, 0, len(data)+1), 1), data...))
	if err == nil && n != len(data)+1 {
		err = errors.New("bytes after the value")
	}
	return args, err
}

// decodeMessage reads a payload. m is nil for one of a type that does not matter here.
func decodeMessage(payload []byte) (namespace string, m *cluster.Message, err error) {
	var e envelope
	if err := msgpack.Unmarshal(payload, &e); err != nil {
		return "", nil, err
	}
	kind, known := kinds[e.Type]
	if !known {
		return e.NSP, nil, nil
	}
	var c content
	if err := msgpack.NewDecoder(bytes.NewReader(e.Data)).Decode(&c); err != nil {
		return "", nil, err
	}
	m = &cluster.Message{Kind: kind, From: e.UID, Request: c.RequestID}
	if c.Opts != nil {
		m.Target = c.Opts.target()
	}
	switch kind { //nolint:exhaustive // the others hold nothing more
	case cluster.KindBroadcast:
		var p packetPacked
		if err := msgpack.Unmarshal(c.Packet, &p); err != nil {
			return "", nil, err
		}
		m.Packet, err = packetOf(e.NSP, p.Data)
	case cluster.KindServerSide:
		var args socketio.Args
		if args, _, err = wire.ParseMsgpackList(c.Packet); err == nil {
			m.Event, m.Args = eventName(args.At(0)), []any{args.From(1)}
		}
	case cluster.KindServerSideAck, cluster.KindClientAck:
		var args socketio.Args
		switch {
		case len(c.Args) > 0:
			args, _, err = wire.ParseMsgpackList(c.Args)
		case len(c.Packet) > 0:
			args, err = oneArg(c.Packet)
		}
		m.Args = []any{args}
	case cluster.KindClientCount:
		if c.ClientCount == nil {
			return "", nil, errors.New("no clientCount")
		}
		m.Count = *c.ClientCount
	case cluster.KindSockets:
		m.Sockets, err = unpackSockets(c.Sockets)
	}
	return e.NSP, m, err
}

// packetOf makes the packet of an event's list.
func packetOf(namespace string, data []byte) (*socketio.Packet, error) {
	args, _, err := wire.ParseMsgpackList(data)
	if err != nil {
		return nil, err
	}
	if args.Len() == 0 {
		return nil, errNoEvent
	}
	return socketio.NewPacket(namespace, eventName(args.At(0)), args.From(1))
}

func unpackSockets(in []socketWire) ([]cluster.SocketState, error) {
	out := make([]cluster.SocketState, len(in))
	for i, s := range in {
		handshake, err := unpackJSON(s.Handshake)
		if err != nil {
			return nil, err
		}
		data, err := unpackJSON(s.Data)
		if err != nil {
			return nil, err
		}
		out[i] = cluster.SocketState{ID: s.ID, Handshake: handshake, Rooms: names(s.Rooms), Data: data}
	}
	return out, nil
}
