package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// Engine.IO packet types (protocol 4) and Socket.IO packet types (protocol 5)
// that the generator meets.
const (
	eioOpen    = '0'
	eioClose   = '1'
	eioPing    = '2'
	eioPong    = '3'
	eioMessage = '4'
	eioNoop    = '6'
	eioBinary  = 'b' // in polling: base64 follows

	sioConnect      = '0'
	sioDisconnect   = '1'
	sioEvent        = '2'
	sioAck          = '3'
	sioConnectError = '4'
	sioBinaryEvent  = '5'
	sioBinaryAck    = '6'
)

// separator stands between the packets of a polling payload.
const separator = 0x1e

// app hears what one client receives.
type app interface {
	// packet takes one Socket.IO packet; its bytes are valid only during the call.
	packet(c *client, m packet)
	// gone says that the client lost its connection, once.
	gone(c *client, err error)
}

// client is one Engine.IO session with one Socket.IO namespace. It belongs to
// the goroutine that dials it, afterwards to the loop.
type client struct {
	number int // by which it was dialled
	index  int // in the run's clients
	ep     endpoint
	app    app
	format *format
	tools  *tools // of the goroutine that it belongs to

	onward *endpoint // where the open session goes on, nil once it does

	dial func() (net.Conn, error) // opens one more connection

	sid   string
	tr    transport
	err   error     // why it ended; nil while it lives
	heard time.Time // when the bytes that are being taken were read

	held    packet // waits for its attachment
	holding bool

	scratch []byte
}

// transport carries Engine.IO packets.
type transport interface {
	// send queues one Engine.IO packet: text, or the bytes of a binary message.
	send(packet []byte, binary bool)
	// attach hands the connections to l.
	attach(l loop) error
	attached() bool
	// goodbye queues what ends the session in good order.
	goodbye()
	// left reports whether the server has taken notice of it.
	left() bool
	close()
}

var (
	errClosePacket = errors.New("server sent a close packet")
	errUnexpected  = errors.New("packet that the protocol does not allow here")
)

// receive takes one Engine.IO packet that is text.
func (c *client) receive(p []byte) error {
	if len(p) == 0 {
		return fmt.Errorf("empty packet: %w", errUnexpected)
	}
	switch p[0] {
	case eioMessage:
		c.text(p[1:])
	case eioPing:
		c.scratch = append(append(c.scratch[:0], eioPong), p[1:]...)
		c.tr.send(c.scratch, false)
	case eioOpen:
		return c.opened(p[1:])
	case eioPong, eioNoop:
	case eioClose:
		return errClosePacket
	default:
		return fmt.Errorf("packet type %q: %w", p[0], errUnexpected)
	}
	return nil
}

func (c *client) opened(handshake []byte) error {
	var open struct {
		SID string `json:"sid"`
	}
	if err := json.Unmarshal(handshake, &open); err != nil {
		return fmt.Errorf("open packet: %w", err)
	}
	if c.sid != "" || open.SID == "" {
		return fmt.Errorf("open packet: %w", errUnexpected)
	}
	c.sid = open.SID
	return nil
}

// text takes one Socket.IO packet that is text.
func (c *client) text(p []byte) {
	if c.holding { // an attachment was left out
		c.holding = false
		c.app.packet(c, packet{raw: p})
	}
	m, attachment := c.format.readText(p)
	if attachment && m.kind != 0 {
		m.raw, m.arg = nil, nil
		c.held, c.holding = m, true
		return
	}
	c.app.packet(c, m)
}

// binary takes one binary message.
func (c *client) binary(p []byte) {
	switch {
	case c.format.parser == MsgPack:
		c.app.packet(c, c.format.readMsgPack(p))
	case c.holding:
		m := c.held
		m.arg, m.binary, m.raw = p, true, p
		c.holding = false
		c.app.packet(c, m)
	default:
		c.app.packet(c, packet{raw: p})
	}
}

// emit queues one event; see format.event.
func (c *client) emit(id int64, name, room string, payload []byte) {
	if c.format.parser == MsgPack {
		c.scratch, _ = c.format.event(c.scratch[:0], id, name, room, payload)
		c.tr.send(c.scratch, true)
		return
	}
	var attachment bool
	c.scratch, attachment = c.format.event(append(c.scratch[:0], eioMessage), id, name, room, payload)
	c.tr.send(c.scratch, false)
	if attachment {
		c.tr.send(payload, true)
	}
}

// bare queues a packet without arguments: CONNECT or DISCONNECT.
func (c *client) bare(kind byte) {
	if c.format.parser == MsgPack {
		c.scratch = c.format.bare(c.scratch[:0], kind)
		c.tr.send(c.scratch, true)
		return
	}
	c.scratch = c.format.bare(append(c.scratch[:0], eioMessage), kind)
	c.tr.send(c.scratch, false)
}

// end records that the client lost its connection.
func (c *client) end(err error) {
	if c.err != nil {
		return
	}
	c.err = err
	c.tr.close()
	c.app.gone(c, err)
}

// webSocket is a transport over one link.
type webSocket struct {
	link
	c       *client
	key     [4]byte
	partial []byte // an incomplete frame
	open    bool   // whether the HTTP response was seen
	probing bool   // until the answer to the probe of an upgrade

	message []byte // an incomplete fragmented message
	first   frame  // its first frame, of opcode 0 when there is none

	deflate bool   // whether permessage-deflate is offered
	context bool   // whether the server keeps its context
	window  []byte // what it sent last, if it does
}

func newWebSocket(c *client, deflate bool) *webSocket {
	w := &webSocket{c: c, deflate: deflate}
	w.to = w
	for i := range w.key {
		w.key[i] = byte(rand.Uint32())
	}
	return w
}

func (w *webSocket) send(packet []byte, binary bool) {
	opcode := byte(opText)
	if binary {
		opcode = opBinary
	}
	if w.deflate && len(packet) >= deflateFrom {
		opcode |= rsv1
		packet = w.c.tools.deflate(packet)
	}
	w.out = appendFrame(w.out, opcode, w.key, packet)
	w.touch()
}

func (w *webSocket) attach(l loop) error { return l.attach(&w.link) }

func (w *webSocket) ended(err error) { w.c.end(err) }

func (w *webSocket) feed(p []byte) error {
	w.c.heard = time.Now()
	for len(w.partial) > 0 && len(p) > 0 && !w.closed {
		n := len(p)
		if w.open { // no more than completes the frame: the rest need not be copied
			n = min(n, frameLength(w.partial)-len(w.partial))
		}
		w.partial, p = append(w.partial, p[:n]...), p[n:]
		taken, err := w.take(w.partial)
		if err != nil {
			return err
		}
		w.partial = w.partial[:copy(w.partial, w.partial[taken:])]
	}
	taken, err := w.take(p)
	if err != nil {
		return err
	}
	w.partial = append(w.partial, p[taken:]...)
	return nil
}

// take handles all that is complete in p and returns how much that was.
func (w *webSocket) take(p []byte) (int, error) {
	at := 0
	if !w.open {
		n, err := w.response(p)
		if n == 0 || err != nil {
			return 0, err
		}
		w.open, at = true, n
	}
	for at < len(p) && !w.closed {
		f, n, err := cutFrame(p[at:])
		if err != nil {
			return at, err
		}
		if n == 0 {
			return at, nil
		}
		at += n
		if err := w.frame(f); err != nil {
			return at, err
		}
	}
	return at, nil
}

func (w *webSocket) frame(f frame) error {
	if f.deflated && (!w.deflate || f.opcode != opText && f.opcode != opBinary) {
		return errFrameReserved
	}
	switch f.opcode {
	case opText, opBinary:
		if w.first.opcode != 0 {
			return fmt.Errorf("frame within a message: %w", errUnexpected)
		}
		if f.final {
			return w.whole(f, f.payload)
		}
		w.first = f
		w.message = append(w.message[:0], f.payload...)
	case opContinuation:
		if w.first.opcode == 0 || len(w.message)+len(f.payload) > maxFrame {
			return fmt.Errorf("continuation frame: %w", errUnexpected)
		}
		w.message = append(w.message, f.payload...)
		if f.final {
			first := w.first
			w.first = frame{}
			return w.whole(first, w.message)
		}
	case opPing:
		w.out = appendFrame(w.out, opPong, w.key, f.payload)
		w.touch()
	case opPong:
	case opClose:
		return fmt.Errorf("server closed the WebSocket %s", closing(f.payload))
	default:
		return fmt.Errorf("frame with opcode %d: %w", f.opcode, errUnexpected)
	}
	return nil
}

// whole takes a message.
func (w *webSocket) whole(first frame, p []byte) error {
	if first.deflated {
		var window []byte
		if w.context {
			window = lastOf(w.window)
		}
		var err error
		if p, err = w.c.tools.inflate(p, window); err != nil {
			return err
		}
		if w.context {
			w.window = slide(w.window, p)
		}
	}
	if first.opcode == opBinary {
		w.c.binary(p)
		return nil
	}
	if w.probing && bytes.Equal(p, probeAnswer) {
		w.probing = false
		return nil
	}
	return w.c.receive(p)
}

var (
	probe       = []byte("2probe")
	probeAnswer = []byte("3probe")
	upgrade     = []byte("5")
)

// The Sec-WebSocket-Key of all clients and the answer that RFC 6455 section
// 4.2.2 derives from it (both from the example of section 1.3).
const (
	wsKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	wsAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// request queues the opening handshake; sid is empty for a new session.
func (w *webSocket) request(sid string) {
	query := "?EIO=4&transport=websocket" + w.c.ep.query
	if sid != "" {
		query += "&sid=" + sid
	}
	offer := ""
	if w.deflate {
		offer = deflateOffer
	}
	w.out = fmt.Appendf(w.out, "GET %s%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s%s\r\n", w.c.ep.path, query, w.c.ep.host, wsKey, offer, w.c.ep.header)
}

// response returns the length of the HTTP response at the front of p, 0 while it
// is incomplete.
func (w *webSocket) response(p []byte) (int, error) {
	head, _, complete := bytes.Cut(p, []byte("\r\n\r\n"))
	if !complete {
		return 0, nil
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		return 0, fmt.Errorf("WebSocket refused: %q", head[:min(len(head), 64)])
	}
	if !bytes.Contains(head, []byte(wsAccept)) {
		return 0, fmt.Errorf("Sec-WebSocket-Accept: %w", errUnexpected)
	}
	return len(head) + 4, w.extension(string(header(head, "sec-websocket-extensions")))
}

func (w *webSocket) extension(answer string) error {
	switch {
	case !w.deflate && answer == "":
		return nil
	case !w.deflate:
		return fmt.Errorf("%q: %w", answer, errExtension)
	case answer == "":
		return errNotDeflated
	}
	var err error
	if w.context, err = deflateAnswer(answer); w.context {
		w.window = make([]byte, 0, 1<<10)
	}
	return err
}
