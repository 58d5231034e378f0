package redis

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// The types of requests and responses (@socket.io/redis-adapter, RequestType).
const (
	typeSockets     = 0 // which sockets are in these rooms
	typeAllRooms    = 1 // which rooms are there
	typeJoin        = 2
	typeLeave       = 3
	typeDisconnect  = 4
	typeFetch       = 5
	typeServerSide  = 6
	typeBroadcast   = 7
	typeClientCount = 8
	typeClientAck   = 9
	typeClientLost  = 120 // Sockeye's own, between its nodes
)

// requestText is what goes out as JSON.
type requestText struct {
	UID       string          `json:"uid"`
	RequestID string          `json:"requestId,omitempty"`
	Type      int             `json:"type"`
	Opts      *optsText       `json:"opts,omitempty"`
	Rooms     roomList        `json:"rooms,omitempty"`
	Close     *bool           `json:"close,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
}

type optsText struct {
	Rooms  roomList `json:"rooms"`
	Except roomList `json:"except"`
}

func optsOf(t *socketio.Target) *optsText {
	return &optsText{Rooms: t.Rooms, Except: t.Except}
}

// encodeRequest writes a message to all nodes that is no plain broadcast: JSON, as far
// as that can hold it.
func encodeRequest(namespace string, m *cluster.Message) ([]byte, error) {
	out := requestText{UID: m.From, RequestID: m.Request, Opts: optsOf(&m.Target)}
	switch m.Kind {
	case cluster.KindBroadcast:
		return encodeAsking(namespace, m)
	case cluster.KindJoin:
		out.Type = typeJoin
		return encodeJoin(&out, m.Rooms)
	case cluster.KindLeave:
		out.Type, out.Rooms = typeLeave, m.Rooms
	case cluster.KindDisconnect:
		out.Type, out.Close = typeDisconnect, &m.Close
	case cluster.KindFetch:
		out.Type = typeFetch
	case cluster.KindServerSide:
		out.Type, out.Opts = typeServerSide, nil
		return encodeServerSide(&out, m)
	default:
		return nil, fmt.Errorf("redis: a message of kind %d is for no channel", m.Kind)
	}
	return json.Marshal(out)
}

// encodeJoin writes the rooms to enter in one way only: nobody shall be in a room twice.
func encodeJoin(out *requestText, rooms []string) ([]byte, error) {
	if rooms == nil {
		rooms = []string{}
	}
	return json.Marshal(struct {
		*requestText
		Rooms []string `json:"rooms"`
	}{out, rooms})
}

// encodeServerSide writes an event for listeners on other nodes: in MessagePack, which
// Node reads as well, if there is binary in it.
func encodeServerSide(out *requestText, m *cluster.Message) ([]byte, error) {
	list := append([]any{m.Event}, m.Args...)
	text, binary, err := wire.AppendJSONList(nil, list)
	if err != nil {
		return nil, notTheEvent(m.Event, err)
	}
	if !binary {
		out.Data = text
		return json.Marshal(out)
	}
	values, n, err := wire.AppendMsgpackValues(nil, list)
	if err != nil {
		return nil, notTheEvent(m.Event, err)
	}
	b := appendMap(make([]byte, 0, 64+len(values)), 3+count(m.Request != ""))
	b = appendText(appendText(b, "uid"), m.From)
	if m.Request != "" {
		b = appendText(appendText(b, "requestId"), m.Request)
	}
	b = append(appendText(b, "type"), typeServerSide)
	b = wire.AppendMsgpackArray(appendText(b, "data"), n)
	return append(b, values...), nil
}

// notTheEvent counts arguments without the event's name.
func notTheEvent(event string, err error) error {
	var e *wire.EncodeError
	if errors.As(err, &e) {
		err = &wire.EncodeError{Arg: e.Arg - 1, Err: e.Err}
	}
	return fmt.Errorf("redis: encoding %q: %w", event, err)
}

// encodeAsking writes a broadcast whose clients answer.
func encodeAsking(namespace string, m *cluster.Message) ([]byte, error) {
	b := appendText(appendText(appendMap(make([]byte, 0, 256), 5), "uid"), m.From)
	b = appendText(appendText(b, "requestId"), m.Request)
	b = append(appendText(b, "type"), typeBroadcast)
	b, err := appendPacket(appendText(b, "packet"), namespace, m.Packet)
	if err != nil {
		return nil, err
	}
	return appendOpts(appendText(b, "opts"), &m.Target), nil
}

// request is what came, in either encoding.
type request struct {
	uid, id  string
	kind     float64
	opts     *socketio.Target // nil in the old form, which names one socket
	rooms    []string
	sid      string
	room     string
	close    bool
	data     socketio.Args
	packet   packetParts
	packText socketio.Args // data of a packet that came as JSON
}

// decodeRequest reads a request.
func decodeRequest(payload []byte) (*request, error) {
	if len(payload) > 0 && payload[0] == '{' {
		return decodeRequestText(payload)
	}
	q := &request{kind: -1}
	r := &reader{data: payload}
	var data []byte
	r.fields(func(key string) {
		switch key {
		case "uid":
			q.uid = r.text()
		case "requestId":
			q.id = r.text()
		case "type":
			q.kind = r.num()
		case "opts":
			t := readOpts(r)
			q.opts = &t
		case "rooms":
			q.rooms = r.rooms()
		case "sid":
			q.sid = r.text()
		case "room":
			if names := (&reader{data: append([]byte{0x91}, r.raw()...)}).rooms(); len(names) > 0 {
				q.room = names[0]
			}
		case "close":
			q.close, _ = r.truth()
		case "data":
			data = r.raw()
		case "packet":
			q.packet = readPacket(r)
		default:
			r.skip()
		}
	})
	if r.err != nil {
		return nil, r.err
	}
	if data != nil {
		var err error
		if q.data, _, err = wire.ParseMsgpackList(data); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// decodeRequestText reads a request in JSON.
func decodeRequestText(payload []byte) (*request, error) {
	var in struct {
		UID       string   `json:"uid"`
		RequestID string   `json:"requestId"`
		Type      *float64 `json:"type"`
		Opts      *struct {
			Rooms  roomNames `json:"rooms"`
			Except roomNames `json:"except"`
			Flags  struct {
				Timeout float64 `json:"timeout"`
			} `json:"flags"`
		} `json:"opts"`
		Rooms  roomNames       `json:"rooms"`
		SID    string          `json:"sid"`
		Room   roomName        `json:"room"`
		Close  bool            `json:"close"`
		Data   json.RawMessage `json:"data"`
		Packet *struct {
			Type float64         `json:"type"`
			NSP  *string         `json:"nsp"`
			Data json.RawMessage `json:"data"`
		} `json:"packet"`
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	q := &request{uid: in.UID, id: in.RequestID, kind: -1, rooms: in.Rooms, sid: in.SID, room: string(in.Room), close: in.Close}
	if in.Type != nil {
		q.kind = *in.Type
	}
	if in.Opts != nil {
		q.opts = &socketio.Target{Rooms: in.Opts.Rooms, Except: in.Opts.Except, Flags: socketio.Flags{Timeout: millis(in.Opts.Flags.Timeout)}}
	}
	var err error
	if len(in.Data) > 0 {
		if q.data, err = wire.ParseJSONList(in.Data); err != nil {
			return nil, err
		}
	}
	if in.Packet != nil {
		q.packet = packetParts{namespace: "/", kind: in.Packet.Type}
		if in.Packet.NSP != nil {
			q.packet.namespace = *in.Packet.NSP
		}
		if q.packText, err = wire.ParseJSONList(in.Packet.Data); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// event is the packet of a broadcast whose clients answer.
func (q *request) event(namespace string) (*socketio.Packet, error) {
	if q.packText.Len() > 0 {
		return eventOf(namespace, q.packText)
	}
	return q.packet.packet()
}
