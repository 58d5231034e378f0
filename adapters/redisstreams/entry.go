package redisstreams

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// The types of messages, as the npm package socket.io-adapter numbers them
// (MessageType in cluster-adapter).
const (
	typeBroadcast        = 3
	typeJoin             = 4
	typeLeave            = 5
	typeDisconnect       = 6
	typeFetch            = 7
	typeFetchResponse    = 8
	typeServerSide       = 9
	typeServerSideAnswer = 10
	typeBroadcastCount   = 11
	typeBroadcastAnswer  = 12
	eventPacket          = 2 // PacketType.EVENT of socket.io-parser
	emitterID            = "emitter"
	fieldUID, fieldNSP   = "uid", "nsp"
	fieldType, fieldData = "type", "data"
	fieldMark            = "x1"
	markFields           = 3
	broadcastHead        = `{"packet":{"type":2,"data":`
)

// entry is one message of the log.
type entry struct {
	position // zero epoch and n for one that is not Sockeye's

	seq  uint64 // among those of its publisher
	uid  string
	nsp  string
	kind int
	data string
}

// readEntry reads what Redis gives. ok is false for what no adapter wrote.
func readEntry(m redis.XMessage) (e entry, ok bool) {
	if e.id, ok = parseID(m.ID); !ok {
		return e, false
	}
	e.uid, _ = m.Values[fieldUID].(string)
	e.nsp, _ = m.Values[fieldNSP].(string)
	e.data, _ = m.Values[fieldData].(string)
	if kind, is := m.Values[fieldType].(string); is {
		e.kind, _ = strconv.Atoi(kind) // 0 is no type
	}
	if mark, is := m.Values[fieldMark].(string); is {
		parts := strings.SplitN(mark, ".", markFields)
		if len(parts) != markFields || !isEpoch(parts[0]) {
			return e, false
		}
		n, err1 := strconv.ParseUint(parts[1], 10, 64)
		seq, err2 := strconv.ParseUint(parts[2], 10, 64)
		if err1 != nil || err2 != nil {
			return e, false
		}
		e.epoch, e.n, e.seq = parts[0], n, seq
	}
	return e, true
}

// ours reports whether a Sockeye node wrote the entry.
func (e *entry) ours() bool { return e.epoch != "" }

// optsWire is what Node calls the options of a broadcast.
type optsWire struct {
	Rooms  roomList  `json:"rooms" msgpack:"rooms"`
	Except roomList  `json:"except" msgpack:"except"`
	Flags  flagsWire `json:"flags" msgpack:"flags"`
}

// flagsWire are the flags of a broadcast that matter elsewhere.
type flagsWire struct {
	Volatile bool  `json:"volatile,omitempty" msgpack:"volatile,omitempty"`
	Compress *bool `json:"compress,omitempty" msgpack:"compress,omitempty"`
}

func optsOf(t *socketio.Target) optsWire {
	o := optsWire{Rooms: t.Rooms, Except: t.Except, Flags: flagsWire{Volatile: t.Flags.Volatile}}
	if t.Flags.NoCompress {
		o.Flags.Compress = new(false)
	}
	return o
}

func (o *optsWire) target() socketio.Target {
	t := socketio.Target{Rooms: o.Rooms, Except: o.Except, Flags: socketio.Flags{Volatile: o.Flags.Volatile}}
	t.Flags.NoCompress = o.Flags.Compress != nil && !*o.Flags.Compress
	return t
}

// encodeBroadcast is the data of a broadcast: JSON, or MessagePack in base64 where
// an argument is binary.
func encodeBroadcast(p *socketio.Packet, t *socketio.Target) (string, error) {
	list := append([]any{p.Event()}, p.Args()...)
	opts := optsOf(t)
	tail, err := json.Marshal(opts)
	if err != nil {
		return "", err
	}
	nsp, err := json.Marshal(p.Namespace())
	if err != nil {
		return "", err
	}
	b := make([]byte, 0, 256)
	b = append(b, broadcastHead...)
	b, binary, err := wire.AppendJSONList(b, list)
	if err != nil {
		return "", fmt.Errorf("redisstreams: encoding %q: %w", p.Event(), err)
	}
	if !binary {
		b = append(append(b, `,"nsp":`...), nsp...)
		b = append(append(b, `},"opts":`...), tail...)
		return string(append(b, '}')), nil
	}
	data, err := packList(list)
	if err != nil {
		return "", fmt.Errorf("redisstreams: encoding %q: %w", p.Event(), err)
	}
	packed, err := msgpack.Marshal(&broadcastPacked{
		Packet: packetPacked{Type: eventPacket, Data: data, Nsp: p.Namespace()}, Opts: opts,
	})
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(packed), nil
}

// packList encodes arguments as a MessagePack array.
func packList(list []any) (msgpack.RawMessage, error) {
	values, n, err := wire.AppendMsgpackValues(nil, list)
	if err != nil {
		return nil, err
	}
	return append(wire.AppendMsgpackArray(make([]byte, 0, len(values)+5), n), values...), nil
}

type broadcastPacked struct {
	Packet    packetPacked `msgpack:"packet"`
	Opts      optsWire     `msgpack:"opts"`
	RequestID string       `msgpack:"requestId,omitempty"`
}

type packetPacked struct {
	Type int                `msgpack:"type"`
	Data msgpack.RawMessage `msgpack:"data"`
	Nsp  string             `msgpack:"nsp"`
}

type broadcastText struct {
	Packet struct {
		Type int             `json:"type"`
		Data json.RawMessage `json:"data"`
	} `json:"packet"`
	Opts optsWire `json:"opts"`
}

var errNoEvent = errors.New("the packet is no event")

// decodeBroadcast is the inverse of encodeBroadcast, for what any node wrote.
func decodeBroadcast(nsp, data string) (*socketio.Packet, socketio.Target, error) {
	var args wire.Args
	var opts optsWire
	kind := 0
	if strings.HasPrefix(data, "{") {
		var text broadcastText
		if err := json.Unmarshal([]byte(data), &text); err != nil {
			return nil, socketio.Target{}, err
		}
		var err error
		if args, err = wire.ParseJSONList(text.Packet.Data); err != nil {
			return nil, socketio.Target{}, err
		}
		opts, kind = text.Opts, text.Packet.Type
	} else {
		b, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			return nil, socketio.Target{}, err
		}
		var packed broadcastPacked
		if err := msgpack.Unmarshal(b, &packed); err != nil {
			return nil, socketio.Target{}, err
		}
		if args, _, err = wire.ParseMsgpackList(packed.Packet.Data); err != nil {
			return nil, socketio.Target{}, err
		}
		opts, kind = packed.Opts, packed.Packet.Type
	}
	if kind != eventPacket || args.Len() == 0 {
		return nil, socketio.Target{}, errNoEvent
	}
	p, err := socketio.NewPacket(nsp, eventName(args.At(0)), args.From(1))
	return p, opts.target(), err
}

// eventName reads an event's name, which in Node may be a number.
func eventName(r socketio.Raw) string {
	if s, ok := r.String(); ok {
		return s
	}
	b, err := r.MarshalJSON()
	if err != nil {
		return ""
	}
	return string(b)
}

// movesText is the data of the messages that act on sockets.
type movesText struct {
	Opts  optsWire `json:"opts"`
	Rooms roomList `json:"rooms,omitempty"`
	Close bool     `json:"close,omitempty"`
}

// encodeMoves is the data of a message of a kind. Rooms to enter are written in one way
// only: nobody shall be in a room twice.
func encodeMoves(kind int, t *socketio.Target, rooms []string, disconnect bool) (string, error) {
	m := map[string]any{"opts": optsOf(t)}
	switch kind {
	case typeDisconnect:
		m["close"] = disconnect
	case typeJoin:
		m["rooms"] = roomNames(rooms)
	default:
		m["rooms"] = roomList(rooms)
	}
	b, err := json.Marshal(m)
	return string(b), err
}

// decodeServerSide reads the data of a server-side event that is in the stream.
func decodeServerSide(data string) (event string, args socketio.Args, err error) {
	if strings.HasPrefix(data, "{") {
		var text struct {
			Packet json.RawMessage `json:"packet"`
		}
		if err := json.Unmarshal([]byte(data), &text); err != nil {
			return "", args, err
		}
		args, err = wire.ParseJSONList(text.Packet)
	} else {
		var b []byte
		if b, err = base64.StdEncoding.DecodeString(data); err != nil {
			return "", args, err
		}
		var packed struct {
			Packet msgpack.RawMessage `msgpack:"packet"`
		}
		if err := msgpack.Unmarshal(b, &packed); err != nil {
			return "", args, err
		}
		args, _, err = wire.ParseMsgpackList(packed.Packet)
	}
	if err == nil && args.Len() == 0 {
		err = errNoEvent
	}
	if err != nil {
		return "", args, err
	}
	return eventName(args.At(0)), args.From(1), nil
}
