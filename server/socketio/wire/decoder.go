package wire

import (
	"bytes"
	"cmp"
	"math"
	"unicode/utf8"
)

// Limits that a Decoder and Encode use where nothing else is asked for.
const (
	DefaultMaxAttachments = 10   // socket.io-parser, maxAttachments
	DefaultMaxDepth       = 256  // nested arrays and objects
	DefaultMaxEventName   = 1024 // bytes
	DefaultMaxNamespace   = 1024 // bytes, without the query of protocol 4
)

// Options of a Decoder. Zero values mean the defaults named.
type Options struct {
	Format         Format // JSON
	Protocol       int    // 4 or 5; 5
	MaxAttachments int    // DefaultMaxAttachments; counts the binary values of a MessagePack packet too
	MaxDepth       int    // DefaultMaxDepth; the list of arguments is the first level
	MaxEventName   int    // DefaultMaxEventName, in bytes
	MaxNamespace   int    // DefaultMaxNamespace, in bytes
}

// Decoder turns the messages of one connection into packets. It belongs to the goroutine that reads that
// connection. After an error the connection is to be closed: what was begun is forgotten.
type Decoder struct {
	o Options

	pending *received // awaits attachments
	awaited int       // how many in all

	// The last names seen, so that a client which repeats them costs no allocation.
	namespace, event string
}

// NewDecoder returns a Decoder for one connection.
func NewDecoder(o Options) *Decoder {
	o.Protocol = cmp.Or(o.Protocol, 5)
	o.MaxAttachments = cmp.Or(o.MaxAttachments, DefaultMaxAttachments)
	o.MaxDepth = cmp.Or(o.MaxDepth, DefaultMaxDepth)
	o.MaxEventName = cmp.Or(o.MaxEventName, DefaultMaxEventName)
	o.MaxNamespace = cmp.Or(o.MaxNamespace, DefaultMaxNamespace)
	return &Decoder{o: o}
}

// Text takes a text message, data being valid only during the call. It gives nil, nil while the attachments of
// the packet are awaited, and an *Error for malformed input.
func (d *Decoder) Text(data []byte) (*Packet, error) {
	if d.o.Format == Auto {
		d.o.Format = JSON
	}
	if d.o.Format != JSON {
		return nil, &Error{Kind: KindUnexpected, Message: "a text message where MessagePack is spoken"}
	}
	if d.pending != nil {
		d.pending = nil
		return nil, &Error{Kind: KindUnexpected, Message: "a text message while attachments are awaited"}
	}
	if uint64(len(data)) > math.MaxUint32 {
		return nil, &Error{Kind: KindSize, Message: "a message over 4 GiB"}
	}
	r, attachments, err := d.json(data)
	if err != nil {
		return nil, err
	}
	if attachments > 0 {
		d.pending, d.awaited = r, attachments
		return nil, nil //nolint:nilnil // the documented answer
	}
	return &r.packet, nil
}

// Binary takes a binary message: an attachment, or a whole MessagePack packet. Otherwise as Text.
func (d *Decoder) Binary(data []byte) (*Packet, error) {
	if d.o.Format == Auto {
		d.o.Format = Msgpack
	}
	if uint64(len(data)) > math.MaxUint32 {
		return nil, &Error{Kind: KindSize, Message: "a message over 4 GiB"}
	}
	if d.o.Format == Msgpack {
		r, err := d.msgpack(data)
		if err != nil {
			return nil, err
		}
		return &r.packet, nil
	}
	r := d.pending
	if r == nil {
		return nil, &Error{Kind: KindUnexpected, Message: "a binary message where no attachment is awaited"}
	}
	r.source.bins = append(r.source.bins, exactCopy(data))
	if len(r.source.bins) < d.awaited {
		return nil, nil //nolint:nilnil // the documented answer
	}
	d.pending = nil
	return &r.packet, nil
}

// Pending says whether attachments are awaited.
func (d *Decoder) Pending() bool { return d.pending != nil }

// Format is the connection's format; for Auto it stays Auto until the first message.
func (d *Decoder) Format() Format { return d.o.Format }

// received is a packet in one piece of memory with what its values point into.
type received struct {
	packet Packet
	source source
	spans  [4]span
}

// keep sets the source to a copy of the text between from and to, to which spans and marks are moved.
// The spans given may stand in r.spans already, and are then no longer what they were.
func (r *received) keep(f Format, data []byte, from, to int, spans []span, marks []mark) {
	r.source.format, r.source.received = f, true
	r.source.text = exactCopy(data[from:to])
	r.source.spans = append(r.spans[:0:len(r.spans)], spans...)
	r.source.marks = append([]mark(nil), marks...)
	off := u32(from)
	for i := range r.source.spans {
		r.source.spans[i].start -= off
		r.source.spans[i].end -= off
	}
	for i := range r.source.marks {
		r.source.marks[i].start -= off
		r.source.marks[i].end -= off
	}
}

// args sets the packet's arguments to the kept spans, without the first skip ones.
func (r *received) args(skip int) {
	r.packet.Args = Args{src: &r.source, lo: u32(skip), hi: u32(len(r.source.spans))}
}

func exactCopy(data []byte) []byte {
	c := make([]byte, len(data))
	copy(c, data)
	return c
}

// setNamespace checks and sets the packet's namespace, which stands at byte at.
func (d *Decoder) setNamespace(p *Packet, name []byte, at int) *Error {
	if d.o.Protocol < 5 {
		if i := bytes.IndexByte(name, '?'); i >= 0 {
			if !printable(name[i:]) {
				return &Error{Kind: KindNamespace, Offset: at, Message: "namespace query with control characters or not UTF-8"}
			}
			p.Query = string(name[i+1:])
			name = name[:i]
		}
	}
	switch {
	case len(name) == 1 && name[0] == '/':
		p.Namespace = "/"
		return nil
	case string(name) == d.namespace && d.namespace != "":
		p.Namespace = d.namespace
		return nil
	case len(name) > d.o.MaxNamespace:
		return &Error{Kind: KindNamespace, Offset: at, Message: "namespace too long"}
	case len(name) == 0 || name[0] != '/':
		return &Error{Kind: KindNamespace, Offset: at, Message: "namespace without a slash in front"}
	case bytes.IndexByte(name, ',') >= 0: // possible in MessagePack, but JSON could not name it
		return &Error{Kind: KindNamespace, Offset: at, Message: "namespace with a comma"}
	case !printable(name):
		return &Error{Kind: KindNamespace, Offset: at, Message: "namespace with control characters or not UTF-8"}
	}
	d.namespace = string(name)
	p.Namespace = d.namespace
	return nil
}

// printable says whether the text is UTF-8 without ASCII control characters: a namespace is repeated in
// answers, where U+001E would cut a polling payload in two.
func printable[T string | []byte](text T) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c == 0x7f {
			return false
		}
	}
	return utf8.ValidString(string(text))
}

// setEvent checks and sets the packet's event name.
func (d *Decoder) setEvent(p *Packet, name []byte, at int) *Error {
	switch {
	case string(name) == d.event && d.event != "":
		p.Event = d.event
		return nil
	case len(name) > d.o.MaxEventName:
		return &Error{Kind: KindEvent, Offset: at, Message: "event name too long"}
	case Reserved(string(name)):
		return &Error{Kind: KindReserved, Offset: at, Message: "reserved event name"}
	}
	d.event = string(name)
	p.Event = d.event
	return nil
}
