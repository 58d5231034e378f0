package redis

import (
	"encoding/json"
	"fmt"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// responseText is what goes out as JSON.
type responseText struct {
	Type        *int            `json:"type,omitempty"`
	RequestID   string          `json:"requestId"`
	UID         string          `json:"uid,omitempty"` // Sockeye's own, as is Args
	ClientCount *int            `json:"clientCount,omitempty"`
	Sockets     any             `json:"sockets,omitempty"`
	Rooms       []string        `json:"rooms,omitempty"`
	Data        json.RawMessage `json:"data,omitempty"`
	Args        json.RawMessage `json:"args,omitempty"`
}

// socketText is a socket as Node describes it.
type socketText struct {
	ID        string          `json:"id"`
	Handshake json.RawMessage `json:"handshake"`
	Rooms     roomNames       `json:"rooms"`
	Data      json.RawMessage `json:"data"`
}

// encodeResponse writes an answer.
func encodeResponse(m *cluster.Message) ([]byte, error) {
	out := responseText{RequestID: m.Request, UID: m.From}
	switch m.Kind {
	case cluster.KindClientCount:
		out.Type, out.ClientCount = new(typeClientCount), &m.Count
	case cluster.KindClientLost:
		out.Type = new(typeClientLost)
	case cluster.KindSockets:
		sockets := make([]socketText, len(m.Sockets)) // a list, also where there are none
		for i, s := range m.Sockets {
			sockets[i] = socketText{ID: s.ID, Handshake: s.Handshake, Rooms: append(roomNames{}, s.Rooms...), Data: s.Data}
		}
		out.Sockets = sockets
	case cluster.KindClientAck:
		return encodeAnswer(typeClientAck, "packet", m)
	case cluster.KindServerSideAck:
		return encodeServerSideAck(&out, m)
	default:
		return nil, fmt.Errorf("redis: a message of kind %d is no answer", m.Kind)
	}
	return json.Marshal(out)
}

// encodeServerSideAck writes the answer of a listener, in JSON unless it has binary.
func encodeServerSideAck(out *responseText, m *cluster.Message) ([]byte, error) {
	list, binary, err := wire.AppendJSONList(nil, m.Args)
	if err != nil {
		return nil, fmt.Errorf("redis: encoding an answer: %w", err)
	}
	if binary {
		return encodeAnswer(typeServerSide, "data", m)
	}
	out.Type = new(typeServerSide)
	args, err := wire.ParseJSONList(list)
	if err != nil {
		return nil, fmt.Errorf("redis: encoding an answer: %w", err)
	}
	if args.Len() > 0 {
		if out.Data, err = args.At(0).MarshalJSON(); err != nil {
			return nil, fmt.Errorf("redis: encoding an answer: %w", err)
		}
	}
	if args.Len() > 1 {
		out.Args = list
	}
	return json.Marshal(out)
}

// encodeAnswer writes an answer in MessagePack, the first argument under key.
func encodeAnswer(kind byte, key string, m *cluster.Message) ([]byte, error) {
	values, n, err := wire.AppendMsgpackValues(nil, m.Args)
	if err != nil {
		return nil, fmt.Errorf("redis: encoding an answer: %w", err)
	}
	b := appendMap(make([]byte, 0, 64+2*len(values)), 3+count(n > 0)+count(n > 1))
	b = append(appendText(b, "type"), kind)
	b = appendText(appendText(b, "requestId"), m.Request)
	b = appendText(appendText(b, "uid"), m.From)
	if n > 0 {
		first := &reader{data: values}
		b = append(appendText(b, key), first.raw()...)
	}
	if n > 1 {
		b = append(wire.AppendMsgpackArray(appendText(b, "args"), n), values...)
	}
	return b, nil
}

// decodeResponse reads an answer. It gives nil unless asked knows the question.
func decodeResponse(payload []byte, asked func(request string) bool) (*cluster.Message, error) {
	if len(payload) > 0 && payload[0] == '{' {
		return decodeResponseText(payload, asked)
	}
	m := &cluster.Message{}
	var kind float64
	var first, all []byte
	r := &reader{data: payload}
	r.fields(func(key string) {
		switch key {
		case "type":
			kind = r.num()
		case "requestId":
			m.Request = r.text()
		case "uid":
			m.From = r.text()
		case "packet", "data":
			first = r.raw()
		case "args":
			all = r.raw()
		case "clientCount":
			m.Count = int(r.num())
		default:
			r.skip()
		}
	})
	if r.err != nil || m.Request == "" || !asked(m.Request) {
		return nil, r.err
	}
	var err error
	if m.Kind, err = answerKind(kind); err != nil {
		return nil, err
	}
	if all == nil && first != nil {
		all = append([]byte{0x91}, first...)
	}
	if all != nil {
		args, _, err := wire.ParseMsgpackList(all)
		if err != nil {
			return nil, err
		}
		m.Args = []any{args}
	}
	return m, nil
}

func answerKind(kind float64) (cluster.Kind, error) {
	switch kind {
	case typeClientCount:
		return cluster.KindClientCount, nil
	case typeClientAck:
		return cluster.KindClientAck, nil
	case typeClientLost:
		return cluster.KindClientLost, nil
	case typeServerSide:
		return cluster.KindServerSideAck, nil
	}
	return 0, fmt.Errorf("an answer of type %v", kind)
}

// decodeResponseText reads an answer in JSON. The list of a node's sockets may be long,
// and every node hears it: who did not ask reads the id of the question alone.
func decodeResponseText(payload []byte, asked func(request string) bool) (*cluster.Message, error) {
	var head struct {
		RequestID string `json:"requestId"`
	}
	if err := json.Unmarshal(payload, &head); err != nil {
		return nil, err
	}
	if head.RequestID == "" || !asked(head.RequestID) {
		return nil, nil
	}
	var in struct {
		Type        *float64        `json:"type"`
		UID         string          `json:"uid"`
		ClientCount float64         `json:"clientCount"`
		Sockets     []socketText    `json:"sockets"`
		Data        json.RawMessage `json:"data"`
		Packet      json.RawMessage `json:"packet"`
		Args        json.RawMessage `json:"args"`
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	m := &cluster.Message{From: in.UID, Request: head.RequestID, Count: int(in.ClientCount)}
	if in.Type == nil { // the answer to a fetch has none
		m.Kind = cluster.KindSockets
		for _, s := range in.Sockets {
			m.Sockets = append(m.Sockets, cluster.SocketState{ID: s.ID, Handshake: s.Handshake, Rooms: s.Rooms, Data: s.Data})
		}
		return m, nil
	}
	var err error
	if m.Kind, err = answerKind(*in.Type); err != nil {
		return nil, err
	}
	list := in.Args
	if list == nil {
		list = listOf(in.Data, in.Packet)
	}
	args, err := wire.ParseJSONList(list)
	if err != nil {
		return nil, err
	}
	m.Args = []any{args}
	return m, nil
}

// listOf is the list of the one value that is given.
func listOf(values ...json.RawMessage) json.RawMessage {
	list := json.RawMessage("[")
	for _, v := range values {
		if v != nil {
			list = append(list, v...)
			break
		}
	}
	return append(list, ']')
}

// respondRooms and respondSockets answer what only Node asks.
func respondRooms(request string, rooms []string) ([]byte, error) {
	return json.Marshal(struct {
		RequestID string   `json:"requestId"`
		Rooms     []string `json:"rooms"`
	}{request, append([]string{}, rooms...)})
}

func respondSockets(request string, ids []string) ([]byte, error) {
	return json.Marshal(struct {
		RequestID string   `json:"requestId"`
		Sockets   []string `json:"sockets"`
	}{request, append([]string{}, ids...)})
}
