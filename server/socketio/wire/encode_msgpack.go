package wire

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// msgpack encodes a packet as npm's socket.io-msgpack-parser does: {type, nsp, data?, id?}.
func (e *encoder) msgpack(p *Outgoing, protocol int) ([]Part, error) {
	kind := unbinary(p.Type)
	if kind > ConnectError {
		return nil, fmt.Errorf("no packet type %d", p.Type)
	}
	list := kind == Event || kind == Ack
	data := list || (kind == Connect || kind == ConnectError) && hasPayload(p, kind, protocol)
	out := make([]byte, 0, e.guess(p))
	out = append(out, 0x82+bit(data)+bit(p.HasID))
	out = append(appendMsgString(out, "type"), byte(kind))
	namespace := p.Namespace
	if namespace == "" {
		namespace = "/"
	}
	out = appendMsgString(appendMsgString(out, "nsp"), namespace)
	var err error
	if data {
		out = appendMsgString(out, "data")
	}
	switch {
	case list:
		out, err = e.msgpackList(out, p, kind)
	case data:
		if out, err = e.msgpackValue(out, p.Payload); err != nil {
			err = &EncodeError{Arg: -1, Err: err}
		}
	}
	if err != nil {
		return nil, err
	}
	if p.HasID {
		out = appendMsgUint(appendMsgString(out, "id"), p.ID)
	}
	return []Part{{Data: out, Binary: true}}, nil
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// guess is about how long the packet gets.
func (e *encoder) guess(p *Outgoing) int {
	n := 48 + len(p.Namespace) + len(p.Event) + len(p.Offset)
	for _, v := range p.Args {
		switch v := v.(type) {
		case string:
			n += 5 + len(v)
		case []byte:
			n += 5 + len(v)
		case Raw:
			n += v.Size()
		case Args:
			n += v.Size()
		default:
			n += 9
		}
	}
	return n
}

func (e *encoder) msgpackList(out []byte, p *Outgoing, kind Type) ([]byte, error) {
	n := 0
	for _, v := range p.Args {
		if a, ok := v.(Args); ok {
			n += a.Len()
		} else {
			n++
		}
	}
	offset := kind == Event && p.Offset != ""
	if kind == Event {
		if Reserved(p.Event) {
			return nil, fmt.Errorf("%w: %q", ErrReserved, p.Event)
		}
		out = appendMsgArray(out, n+1+int(bit(offset)))
		out = appendMsgString(out, strings.ToValidUTF8(p.Event, "\ufffd"))
	} else {
		if !p.HasID {
			return nil, errors.New("an ACK needs an id")
		}
		out = appendMsgArray(out, n)
	}
	for i, v := range p.Args {
		if a, ok := v.(Args); ok {
			for j := range a.Len() {
				out = e.msgpackRaw(out, a.At(j))
			}
			continue
		}
		var err error
		if out, err = e.msgpackValue(out, v); err != nil {
			return nil, &EncodeError{Arg: i, Err: err}
		}
	}
	if offset {
		out = appendMsgString(out, strings.ToValidUTF8(p.Offset, "\ufffd"))
	}
	return out, nil
}

// msgpackValue appends any Go value: what is simple directly, the rest by way of JSON.
func (e *encoder) msgpackValue(out []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(out, 0xc0), nil
	case string:
		if !utf8.ValidString(v) {
			v = strings.ToValidUTF8(v, "\ufffd")
		}
		return appendMsgString(out, v), nil
	case bool:
		return append(out, 0xc2+bit(v)), nil
	case int:
		return appendMsgInt(out, int64(v)), nil
	case int64:
		return appendMsgInt(out, v), nil
	case uint64:
		return appendMsgUint(out, v), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%v is not a JSON number", v)
		}
		return appendMsgFloat(out, v), nil
	case []byte:
		if v == nil {
			return append(out, 0xc0), nil
		}
		return appendMsgBinary(out, v), nil
	case Raw:
		return e.msgpackRaw(out, v), nil
	}
	e.mode = asToken
	from := len(e.buf)
	if err := e.value(v); err != nil {
		return nil, err
	}
	return e.toMsgpack(out, e.buf[from:]), nil
}

// msgpackRaw appends a received value: as it is, or from JSON.
func (e *encoder) msgpackRaw(out []byte, r Raw) []byte {
	switch {
	case r.src == nil:
		return append(out, 0xc0)
	case r.src.format == Msgpack:
		return append(out, r.text()...)
	case len(r.marks()) == 0:
		return e.toMsgpack(out, r.text())
	}
	e.mode = asToken
	from := len(e.buf)
	e.raw(r)
	return e.toMsgpack(out, e.buf[from:])
}

func (e *encoder) toMsgpack(out, text []byte) []byte {
	r := jsonReader{text: text, tokens: e.tokens, out: out}
	r.value()
	return r.out
}
