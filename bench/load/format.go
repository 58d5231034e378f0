package load

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// packet is one Socket.IO packet, as far as a run looks into it. Its bytes are
// valid only during the call that hands it over.
type packet struct {
	kind   byte   // sioConnect to sioConnectError, 0 for what cannot be read
	id     uint64 // of an ack
	arg    []byte // the one argument of a msg or an ack, without quotes; else nil
	binary bool   // whether arg is binary
	raw    []byte // all of it, for notes
}

// format writes and reads the Socket.IO packets of one run. It does not change,
// so all clients share it.
//
// As JSON (Socket.IO protocol 5), with a namespace of its own, as text and binary:
//
//	2/news,["say","bench","…"]      51-/news,["say","bench",{"_placeholder":true,"num":0}] + …
//	3/news,7["…"]                   61-/news,7[{"_placeholder":true,"num":0}] + …
//
// As MessagePack (npm's socket.io-msgpack-parser 3): a map of type, nsp, data and
// id; data of an event is [name, …], of an ack its arguments.
type format struct {
	parser Parser
	binary bool
	nsp    string // "/" or "/news"
	prefix []byte // "" or "/news,"
	auth   []byte // the payload of CONNECT in the parser's own form, empty for none
}

const placeholder = `{"_placeholder":true,"num":0}`

// noID is the id of an event that asks for no ack.
const noID = -1

func newFormat(t Target, w Work) (*format, error) {
	f := &format{parser: w.Parser, binary: w.Binary, nsp: t.Namespace}
	if f.nsp == "" {
		f.nsp = "/"
	}
	if f.nsp[0] != '/' || bytes.ContainsAny([]byte(f.nsp), ",?\"\\") {
		return nil, fmt.Errorf("load: namespace %q: want / and a name", t.Namespace)
	}
	if f.nsp != "/" {
		f.prefix = []byte(f.nsp + ",")
	}
	if len(t.Auth) == 0 {
		return f, nil
	}
	var auth map[string]any
	if err := json.Unmarshal(t.Auth, &auth); err != nil || auth == nil {
		return nil, fmt.Errorf("load: the payload of CONNECT is no JSON object: %w", err)
	}
	if f.parser == MsgPack {
		f.auth = appendValue(nil, auth)
		return f, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, t.Auth); err != nil {
		return nil, fmt.Errorf("load: the payload of CONNECT: %w", err)
	}
	f.auth = compact.Bytes()
	return f, nil
}

// bare appends a packet that has neither id nor arguments: CONNECT or DISCONNECT.
func (f *format) bare(dst []byte, kind byte) []byte {
	var data []byte
	if kind == sioConnect {
		data = f.auth
	}
	if f.parser == MsgPack {
		dst = f.appendHead(dst, kind, noID, len(data) > 0)
		return append(dst, data...)
	}
	return append(append(append(dst, kind), f.prefix...), data...)
}

// event appends an event with a room, a payload or both; those that are empty are
// left out. With an attachment, the payload itself has to follow as a message.
func (f *format) event(dst []byte, id int64, name, room string, payload []byte) (packet []byte, attachment bool) {
	if f.parser == MsgPack {
		return f.eventMsgPack(dst, id, name, room, payload), false
	}
	attachment = f.binary && len(payload) > 0
	if attachment {
		dst = append(dst, "51-"...)
	} else {
		dst = append(dst, sioEvent)
	}
	dst = append(dst, f.prefix...)
	if id != noID {
		dst = strconv.AppendInt(dst, id, 10)
	}
	dst = append(append(append(dst, `["`...), name...), '"')
	if room != "" {
		dst = append(append(append(dst, `,"`...), room...), '"')
	}
	switch {
	case attachment:
		dst = append(dst, ","+placeholder...)
	case len(payload) > 0:
		dst = append(append(append(dst, `,"`...), payload...), '"')
	}
	return append(dst, ']'), attachment
}

// readText reads a JSON packet. Of one with an attachment the argument is still
// missing.
func (f *format) readText(p []byte) (m packet, attachment bool) {
	bad := packet{raw: p}
	if len(p) == 0 || f.parser != JSON {
		return bad, false
	}
	m = packet{kind: p[0], raw: p}
	rest := p[1:]
	if m.kind == sioBinaryEvent || m.kind == sioBinaryAck {
		var ok bool
		if rest, ok = bytes.CutPrefix(rest, []byte("1-")); !ok {
			return bad, false
		}
		m.kind -= sioBinaryEvent - sioEvent
		attachment = true
	}
	rest, ok := bytes.CutPrefix(rest, f.prefix)
	if !ok || m.kind < sioConnect || m.kind > sioConnectError {
		return bad, false
	}
	digits := 0
	for ; digits < len(rest) && rest[digits]-'0' <= 9; digits++ {
		if digits > 15 {
			return bad, false
		}
		m.id = m.id*10 + uint64(rest[digits]-'0')
	}
	rest = rest[digits:]
	switch {
	case m.kind == sioAck && digits > 0:
	case m.kind == sioEvent && digits == 0:
	case digits == 0 && (len(rest) == 0 || rest[0] == '{'):
		return m, false // CONNECT and its like
	default:
		return bad, false
	}
	if m.arg, ok = argument(rest, m.kind == sioEvent, attachment); !ok {
		return bad, false
	}
	return m, attachment
}

var (
	msgHead   = []byte(`["msg",`)
	held      = []byte(placeholder)
	emptyText = []byte{}
)

// argument returns the only argument of a list, which begins with "msg" in an
// event. That it is the only one is seen when it is compared with what was sent, which
// has no quotes. Servers in use all write lists as JSON.stringify does; another notation
// is read with patience.
func argument(list []byte, event, attachment bool) ([]byte, bool) {
	head := msgHead
	if !event {
		head = msgHead[:1]
	}
	arg, ok := bytes.CutPrefix(list, head)
	if !ok || len(arg) < 3 || arg[len(arg)-1] != ']' {
		return argumentSlowly(list, event, attachment)
	}
	arg = arg[:len(arg)-1]
	if attachment {
		if bytes.Equal(arg, held) {
			return emptyText, true
		}
	} else if arg[0] == '"' && arg[len(arg)-1] == '"' {
		return arg[1 : len(arg)-1], true
	}
	return argumentSlowly(list, event, attachment)
}

func argumentSlowly(list []byte, event, attachment bool) ([]byte, bool) {
	var items []json.RawMessage
	if json.Unmarshal(list, &items) != nil {
		return nil, false
	}
	if event {
		var name string
		if len(items) == 0 || json.Unmarshal(items[0], &name) != nil || name != "msg" {
			return nil, false
		}
		items = items[1:]
	}
	if len(items) != 1 {
		return nil, false
	}
	if attachment {
		var at struct {
			Placeholder bool `json:"_placeholder"`
			Num         *int `json:"num"`
		}
		ok := json.Unmarshal(items[0], &at) == nil && at.Placeholder && at.Num != nil && *at.Num == 0
		return emptyText, ok
	}
	var text *string
	if json.Unmarshal(items[0], &text) != nil || text == nil {
		return nil, false
	}
	return []byte(*text), true
}
