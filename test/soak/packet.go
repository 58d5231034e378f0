package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// frame is one message of Engine.IO: a packet as text with its type in front, or an
// attachment.
type frame struct {
	text   string
	binary []byte // instead of text
}

const separator = "\x1e" // between the packets of a payload (Engine.IO protocol 4)

// payload writes frames as the body of a POST.
func payload(frames []frame) []byte {
	var b bytes.Buffer
	for i, f := range frames {
		if i > 0 {
			b.WriteString(separator)
		}
		if f.binary != nil {
			b.WriteByte('b')
			b.WriteString(base64.StdEncoding.EncodeToString(f.binary))
			continue
		}
		b.WriteString(f.text)
	}
	return b.Bytes()
}

// frames reads the body of the answer to a GET.
func frames(body []byte) ([]frame, error) {
	var all []frame
	for part := range bytes.SplitSeq(body, []byte(separator)) {
		if len(part) > 0 && part[0] == 'b' {
			raw, err := base64.StdEncoding.DecodeString(string(part[1:]))
			if err != nil {
				return nil, err
			}
			all = append(all, frame{binary: raw})
			continue
		}
		all = append(all, frame{text: string(part)})
	}
	return all, nil
}

// attachment is an argument that travels as bytes.
type attachment []byte

// Kinds of Socket.IO packets (protocol 5), after the "4" of Engine.IO.
const (
	kindConnect     = '0'
	kindEvent       = '2'
	kindAck         = '3'
	kindRefused     = '4'
	kindBinaryEvent = '5'
	kindBinaryAck   = '6'
)

// event is an event or an acknowledgement with its arguments.
type event struct {
	ack  bool
	id   int // of the acknowledgement, or -1
	args []any
}

// encode writes an event with the number under which its acknowledgement is awaited.
func encode(id int, args ...any) ([]frame, error) {
	var attached []frame
	for i, a := range args {
		if raw, ok := a.(attachment); ok {
			args[i] = map[string]any{"_placeholder": true, "num": len(attached)}
			attached = append(attached, frame{binary: raw})
		}
	}
	body, err := json.Marshal(args)
	if err != nil {
		return nil, err
	}
	head := "42"
	if len(attached) > 0 {
		head = "45" + strconv.Itoa(len(attached)) + "-"
	}
	return append([]frame{{text: head + strconv.Itoa(id) + string(body)}}, attached...), nil
}

var errMalformed = errors.New("malformed")

// decoder puts packets and their attachments together.
type decoder struct {
	pending event
	missing int
	got     []attachment
}

// add takes the next frame of the message type and returns an event when it is complete.
func (d *decoder) add(f frame) (e event, complete bool, err error) {
	if f.binary != nil {
		if d.missing == 0 {
			return e, false, fmt.Errorf("%w: an attachment without a packet", errMalformed)
		}
		d.got = append(d.got, f.binary)
		if d.missing--; d.missing > 0 {
			return e, false, nil
		}
		for i, a := range d.pending.args {
			if m, ok := a.(map[string]any); ok && m["_placeholder"] == true {
				n, ok := m["num"].(float64)
				if !ok || int(n) < 0 || int(n) >= len(d.got) {
					return e, false, fmt.Errorf("%w: placeholder %v", errMalformed, m)
				}
				d.pending.args[i] = d.got[int(n)]
			}
		}
		d.got = nil
		return d.pending, true, nil
	}
	if d.missing > 0 || len(f.text) < 2 {
		return e, false, fmt.Errorf("%w: %.60q with %d attachments missing", errMalformed, f.text, d.missing)
	}
	kind, rest := f.text[1], f.text[2:]
	e = event{ack: kind == kindAck || kind == kindBinaryAck, id: -1}
	if kind == kindBinaryEvent || kind == kindBinaryAck {
		var n int
		if n, rest, err = number(rest); err != nil || len(rest) == 0 || n <= 0 {
			return e, false, fmt.Errorf("%w: %.60q", errMalformed, f.text)
		}
		d.missing, rest = n, rest[1:] // the hyphen
	}
	if len(rest) > 0 && rest[0] != '[' {
		if e.id, rest, err = number(rest); err != nil {
			return e, false, err
		}
	}
	if err := json.Unmarshal([]byte(rest), &e.args); err != nil {
		return e, false, fmt.Errorf("%w: %.60q: %w", errMalformed, f.text, err)
	}
	d.pending = e
	return e, d.missing == 0, nil
}

// number reads the digits in front of s.
func number(s string) (n int, rest string, err error) {
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, err = strconv.Atoi(s[:end])
	if err != nil {
		err = fmt.Errorf("%w: %.60q", errMalformed, s)
	}
	return n, s[end:], err
}
