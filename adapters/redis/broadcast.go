package redis

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// Types of packets (socket.io-parser, PacketType). Node calls every event an EVENT here,
// also one with binary.
const (
	packetEvent       = 2
	packetBinaryEvent = 5
)

// encodeBroadcast writes [uid, packet, opts].
func encodeBroadcast(node, namespace string, m *cluster.Message) ([]byte, error) {
	b := make([]byte, 0, 128+len(node)+len(namespace)+len(m.Packet.Event()))
	b = appendText(append(b, 0x93), node)
	b, err := appendPacket(b, namespace, m.Packet)
	if err != nil {
		return nil, err
	}
	return appendOpts(b, &m.Target), nil
}

// appendPacket writes {type, data, nsp}.
func appendPacket(b []byte, namespace string, p *socketio.Packet) ([]byte, error) {
	values, n, err := wire.AppendMsgpackValues(nil, p.Args())
	if err != nil {
		return nil, fmt.Errorf("redis: encoding %q: %w", p.Event(), err)
	}
	b = append(appendText(appendMap(b, 3), "type"), packetEvent)
	b = wire.AppendMsgpackArray(appendText(b, "data"), n+1)
	b = append(appendText(b, p.Event()), values...)
	return appendText(appendText(b, "nsp"), namespace), nil
}

// appendOpts writes {rooms, except, flags}.
func appendOpts(b []byte, t *socketio.Target) []byte {
	b = appendRooms(appendText(appendMap(b, 3), "rooms"), t.Rooms)
	b = appendRooms(appendText(b, "except"), t.Except)
	b = appendText(b, "flags")
	f := &t.Flags
	timed := f.Timeout > 0
	b = appendMap(b, count(f.Volatile)+count(f.NoCompress)+count(timed))
	if f.Volatile {
		b = append(appendText(b, "volatile"), 0xc3)
	}
	if f.NoCompress {
		b = append(appendText(b, "compress"), 0xc2)
	}
	if timed {
		b = appendNumber(appendText(b, "timeout"), uint64(f.Timeout.Milliseconds())) //nolint:gosec // positive
	}
	return b
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}

// decodeBroadcast reads [uid, packet, opts]. It gives nil for the node's own, for
// another namespace, and where wanted says that nobody wants it: then the packet's data
// are not looked at.
func decodeBroadcast(node, namespace string, payload []byte, wanted func(rooms []string) bool) (*cluster.Message, error) {
	r := &reader{data: payload}
	if n := r.list(); n < 3 {
		return nil, errors.New("not a list of node, packet and options")
	}
	from := r.text()
	if from == node || r.err != nil {
		return nil, r.err
	}
	p := readPacket(r)
	m := &cluster.Message{Kind: cluster.KindBroadcast, From: from, Target: readOpts(r)}
	if r.err != nil || p.namespace != namespace || !wanted(m.Target.Rooms) {
		return nil, r.err
	}
	var err error
	m.Packet, err = p.packet()
	return m, err
}

// packetParts is a packet of which data have not been looked at.
type packetParts struct {
	namespace string
	kind      float64
	data      []byte // the list, as it came
}

// readPacket reads {type, data, nsp}.
func readPacket(r *reader) packetParts {
	p := packetParts{namespace: "/"}
	r.fields(func(key string) {
		switch key {
		case "type":
			p.kind = r.num()
		case "data":
			p.data = r.raw()
		case "nsp":
			if v := r.next(); v.kind == isString {
				p.namespace = string(v.bytes)
			} else if v.kind != isNil { // undefined is the main namespace
				r.fail()
			}
		default:
			r.skip()
		}
	})
	return p
}

// packet reads the event.
func (p *packetParts) packet() (*socketio.Packet, error) {
	if p.kind != packetEvent && p.kind != packetBinaryEvent {
		return nil, fmt.Errorf("a packet of type %v is no event", p.kind)
	}
	data, _, err := wire.ParseMsgpackList(p.data)
	if err != nil {
		return nil, err
	}
	return eventOf(p.namespace, data)
}

// eventOf makes a packet of an event's name and arguments.
func eventOf(namespace string, data socketio.Args) (*socketio.Packet, error) {
	event, err := eventName(data)
	if err != nil {
		return nil, err
	}
	return socketio.NewPacket(namespace, event, data.From(1))
}

// eventName is the first of an event's data, which as in clients' packets may be a
// number.
func eventName(data socketio.Args) (string, error) {
	if data.Len() == 0 {
		return "", errors.New("an event without a name")
	}
	first := data.At(0)
	if name, ok := first.String(); ok {
		return name, nil
	}
	v, err := first.Value()
	n, is := v.(float64)
	if err != nil || !is {
		return "", errors.New("an event's name is a string or a number")
	}
	return numberName(n), nil
}

// readOpts reads {rooms, except, flags}.
func readOpts(r *reader) (t socketio.Target) {
	r.fields(func(key string) {
		switch key {
		case "rooms":
			t.Rooms = r.rooms()
		case "except":
			t.Except = r.rooms()
		case "flags":
			t.Flags = readFlags(r)
		default:
			r.skip()
		}
	})
	return t
}

func readFlags(r *reader) (f socketio.Flags) {
	r.fields(func(key string) {
		switch key {
		case "volatile":
			f.Volatile, _ = r.truth()
		case "compress":
			is, given := r.truth()
			f.NoCompress = given && !is
		case "timeout":
			f.Timeout = millis(r.num())
		default:
			r.skip()
		}
	})
	return f
}

// millis is a time-out of Node, which may be any number.
func millis(n float64) time.Duration {
	const most = float64(math.MaxInt32) // as setTimeout
	if !(n > 0) {                       // NaN, too
		return 0
	}
	return time.Duration(min(n, most) * float64(time.Millisecond))
}

// appendNumber writes a whole number.
func appendNumber(b []byte, n uint64) []byte {
	b, _, _ = wire.AppendMsgpackValues(b, []any{n}) // a number can always be written
	return b
}
