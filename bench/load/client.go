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

	sioConnect      = '0'
	sioDisconnect   = '1'
	sioEvent        = '2'
	sioAck          = '3'
	sioConnectError = '4'
)

// separator stands between the packets of a polling payload.
const separator = 0x1e

// app hears what one client receives.
type app interface {
	// packet takes one Socket.IO packet; p is valid only during the call.
	packet(c *client, p []byte)
	// gone says that the client lost its connection, once.
	gone(c *client, err error)
}

// client is one Engine.IO session with one Socket.IO namespace. It belongs to
// the goroutine that dials it, afterwards to the loop.
type client struct {
	index int
	ep    endpoint
	app   app

	onward *endpoint // where the open session goes on, nil once it does

	redial func() (net.Conn, error) // opens one more connection

	sid   string
	tr    transport
	err   error     // why it ended; nil while it lives
	heard time.Time // when the bytes that are being taken were read

	scratch []byte
}

// transport carries Engine.IO packets.
type transport interface {
	// send queues one Engine.IO packet that is text.
	send(packet []byte)
	// attach hands the connections to l.
	attach(l loop) error
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
		c.app.packet(c, p[1:])
	case eioPing:
		c.scratch = append(append(c.scratch[:0], eioPong), p[1:]...)
		c.tr.send(c.scratch)
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

// emit queues one Socket.IO packet.
func (c *client) emit(parts ...[]byte) {
	c.scratch = append(c.scratch[:0], eioMessage)
	for _, p := range parts {
		c.scratch = append(c.scratch, p...)
	}
	c.tr.send(c.scratch)
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
	message []byte // an incomplete fragmented message
	split   bool   // whether message is being collected
	open    bool   // whether the HTTP response was seen
	probing bool   // until the answer to the probe of an upgrade
}

func newWebSocket(c *client) *webSocket {
	w := &webSocket{c: c}
	w.to = w
	for i := range w.key {
		w.key[i] = byte(rand.Uint32())
	}
	return w
}

func (w *webSocket) send(packet []byte) {
	w.out = appendFrame(w.out, opText, w.key, packet)
	w.touch()
}

func (w *webSocket) attach(l loop) error { return l.attach(&w.link) }

func (w *webSocket) ended(err error) { w.c.end(err) }

func (w *webSocket) feed(p []byte) error {
	w.c.heard = time.Now()
	if len(w.partial) > 0 {
		w.partial = append(w.partial, p...)
		p = w.partial
	}
	taken, err := w.take(p)
	if err != nil {
		return err
	}
	w.partial = append(w.partial[:0], p[taken:]...)
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
	switch f.opcode {
	case opText:
		if f.final && !w.split {
			return w.text(f.payload)
		}
		w.split = true
		w.message = append(w.message[:0], f.payload...)
	case opContinuation:
		if !w.split {
			return fmt.Errorf("continuation frame: %w", errUnexpected)
		}
		w.message = append(w.message, f.payload...)
		if f.final {
			w.split = false
			return w.text(w.message)
		}
	case opPing:
		w.out = appendFrame(w.out, opPong, w.key, f.payload)
		w.touch()
	case opPong:
	case opClose:
		return fmt.Errorf("server closed the WebSocket: %q", f.payload)
	default:
		return fmt.Errorf("frame with opcode %d: %w", f.opcode, errUnexpected)
	}
	return nil
}

func (w *webSocket) text(p []byte) error {
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
	query := "?EIO=4&transport=websocket"
	if sid != "" {
		query += "&sid=" + sid
	}
	w.out = fmt.Appendf(w.out, "GET %s%s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", w.c.ep.path, query, w.c.ep.host, wsKey)
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
	return len(head) + 4, nil
}
