package wire

import (
	"bytes"
	"strconv"
	"strings"
)

// Clients without Socket.IO read events in one of two forms. Over a plain WebSocket each is
// a text message, in which data is the list of arguments:
//
//	{"type":"event","room":"lobby","event":"msg","data":["hello",1],"offset":"x-12"}
//	{"type":"event","event":"question","data":[],"id":7}      to be answered with {"type":"ack","id":7}
//	{"type":"ack","id":3,"data":["ok"]}
//	{"type":"error","id":3,"error":{"code":"forbidden","message":"…"}}
//
// In an event stream (HTML Living Standard, section 9.2.6) data is the argument, or where
// there is not exactly one the list of them:
//
//	id: x-12
//	event: msg
//	data: ["hello",1]
//
// or, where the reader asked for envelopes, the message of a plain WebSocket:
//
//	id: x-12
//	event: msg
//	data: {"type":"event","room":"lobby","event":"msg","data":["hello",1],"offset":"x-12"}
//
// Binary values are {"base64":"…"} in all. room and offset are left out where there is
// none, and so is id of a stream.

// EncodePlain gives an Event or Ack as a message of a plain WebSocket. room is the one that
// it is for; "" is none. The error is an *EncodeError.
func EncodePlain(p *Outgoing, room string) ([]byte, error) {
	e := newEncoder(asObject)
	defer e.release()
	if err := e.plain(p, room); err != nil {
		return nil, err
	}
	return exactCopy(e.buf), nil
}

// plain appends a message of a plain WebSocket.
func (e *encoder) plain(p *Outgoing, room string) error {
	if p.Type == Ack {
		e.buf = append(e.buf, `{"type":"ack"`...)
	} else {
		e.buf = append(e.buf, `{"type":"event"`...)
		if room != "" {
			e.buf = appendQuoted(append(e.buf, `,"room":`...), room)
		}
		e.buf = appendQuoted(append(e.buf, `,"event":`...), p.Event)
	}
	e.buf = append(e.buf, `,"data":[`...)
	if _, err := e.elements(p.Args); err != nil {
		return err
	}
	e.buf = append(e.buf, ']')
	if p.Offset != "" {
		e.buf = appendQuoted(append(e.buf, `,"offset":`...), p.Offset)
	}
	if p.HasID {
		e.buf = strconv.AppendUint(append(e.buf, `,"id":`...), p.ID, 10)
	}
	e.buf = append(e.buf, '}')
	return nil
}

// EncodePlainError gives the message that answers message id with an error. body is what
// stands under "error".
func EncodePlainError(id uint64, body any) ([]byte, error) {
	e := newEncoder(asObject)
	defer e.release()
	e.buf = strconv.AppendUint(append(e.buf, `{"type":"error","id":`...), id, 10)
	e.buf = append(e.buf, `,"error":`...)
	if err := e.value(body); err != nil {
		return nil, &EncodeError{Arg: 0, Err: err}
	}
	e.buf = append(e.buf, '}')
	return exactCopy(e.buf), nil
}

// EncodeStream gives an Event as one of an event stream. The error is an *EncodeError.
func EncodeStream(p *Outgoing) ([]byte, error) {
	e := newEncoder(asObject)
	defer e.release()
	from := e.streamHead(p)
	e.buf = append(e.buf, '[')
	n, err := e.elements(p.Args)
	if err != nil {
		return nil, err
	}
	e.buf = append(e.buf, ']')
	if n == 1 {
		e.buf = append(e.buf[:from], e.buf[from+1:len(e.buf)-1]...)
	}
	return e.streamTail(from), nil
}

// EncodeEnvelope is EncodeStream with a message of a plain WebSocket as data. A reader
// cannot answer, so that the id of an acknowledgement is left out.
func EncodeEnvelope(p *Outgoing, room string) ([]byte, error) {
	e := newEncoder(asObject)
	defer e.release()
	from := e.streamHead(p)
	out := *p
	out.HasID = false
	if err := e.plain(&out, room); err != nil {
		return nil, err
	}
	return e.streamTail(from), nil
}

// streamHead appends what comes before the data of an event in a stream, and returns where
// that begins.
func (e *encoder) streamHead(p *Outgoing) (from int) {
	if p.Offset != "" && !strings.ContainsAny(p.Offset, "\r\n\x00") {
		e.buf = append(append(append(e.buf, "id: "...), p.Offset...), '\n')
	}
	e.buf = append(append(append(e.buf, "event: "...), streamName(p.Event)...), "\ndata: "...)
	return len(e.buf)
}

// streamTail ends an event in a stream, and returns it.
func (e *encoder) streamTail(from int) []byte {
	oneLine(e.buf[from:])
	e.buf = append(e.buf, "\n\n"...)
	return exactCopy(e.buf)
}

// elements appends arguments with commas in between, and says how many they are.
func (e *encoder) elements(args []any) (n int, err error) {
	for i, v := range args {
		if a, ok := v.(Args); ok {
			e.args(a)
			n += a.Len()
			continue
		}
		if err := e.value(v); err != nil {
			return n, &EncodeError{Arg: i, Err: err}
		}
		e.buf = append(e.buf, ',')
		n++
	}
	if n > 0 {
		e.buf = e.buf[:len(e.buf)-1]
	}
	return n, nil
}

// streamName is the name of an event in a stream, where a line ends it: a line break in it
// is written as in JSON.
func streamName(event string) string {
	if !strings.ContainsAny(event, "\r\n") {
		return strings.ToValidUTF8(event, "\ufffd")
	}
	return strings.NewReplacer("\r", `\r`, "\n", `\n`).Replace(strings.ToValidUTF8(event, "\ufffd"))
}

// oneLine makes JSON text one line. Line breaks in it are white space between values:
// within strings they are escaped.
func oneLine(text []byte) {
	for i := bytes.IndexAny(text, "\r\n"); i >= 0 && i < len(text); i++ {
		if text[i] == '\r' || text[i] == '\n' {
			text[i] = ' '
		}
	}
}

// ParseArgs reads the arguments that a client without Socket.IO sent: the elements of an
// array, or any other value as the only one. It copies text. The error is an *Error.
func ParseArgs(text []byte) (Args, error) {
	text = bytes.TrimSpace(text)
	list := make([]byte, 0, len(text)+2)
	if len(text) > 0 && text[0] == '[' {
		list = append(list, text...)
	} else {
		list = append(append(append(list, '['), text...), ']')
	}
	s := scanner{data: list, maxDepth: DefaultMaxDepth}
	spans, ok := s.list(nil)
	if !ok || !s.end() {
		return Args{}, s.err
	}
	return Args{src: &source{text: list, spans: spans}, hi: u32(len(spans))}, nil
}

// CheckNamespace returns an error, an *Error, unless a client may ask for a namespace of
// this name.
func CheckNamespace(name string) error {
	if err := NewDecoder(Options{}).setNamespace(&Packet{}, []byte(name), 0); err != nil {
		return err
	}
	return nil
}
