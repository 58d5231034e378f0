package engineio

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gobwas/httphead"
	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// Close codes (RFC 6455, section 7.4.1).
const (
	closeNormal        = 1000
	closeGoingAway     = 1001
	closeProtocolError = 1002
	closeBadUTF8       = 1007
	closePolicy        = 1008
	closeTooLarge      = 1009
)

// lingerTimeout bounds how long a closed connection is still read, so that what
// was written last reaches the client instead of a reset.
const lingerTimeout = 2 * time.Second

// flushTimeout bounds how long the flusher of an ended session may go on writing
// what it has begun.
const flushTimeout = time.Second

// wsConn is one WebSocket connection. Its reader owns reading, and writing too
// until the connection carries the session; then whoever runs the session's
// flusher writes.
type wsConn struct {
	s       *Session
	conn    net.Conn
	raw     syscall.RawConn // writes without waiting; nil where that cannot be
	deflate bool            // permessage-deflate was negotiated

	activity  activity      // see keepalive.go
	pingEvery time.Duration // WebSocket pings go out in silence, 0: none; guarded by Session.mu
	pinger    *time.Timer

	closed atomic.Bool            // shutdown has been called
	bidden atomic.Bool            // the close frame has been written
	judged atomic.Bool            // interrupt asked the writer to judge
	answer atomic.Pointer[[]byte] // to the handshake; whoever writes first writes it too
	wrote  atomic.Int64           // bytes handed to the connection

	// Owned by the reader.
	watched watched // see reader.go
	frames  frameReader
	fare    fare
	heard   uint16 // the code of the client's close frame; set before the session ends
}

// acceptWebSocket answers the WebSocket handshake and takes the connection. A
// subprotocol is chosen if it is offered. On failure the answer has been written.
func (s *Server) acceptWebSocket(w http.ResponseWriter, r *http.Request, subprotocol string) (*wsConn, error) {
	c, err := s.takeWebSocket(w, r, "", subprotocol)
	if err != nil {
		return nil, err
	}
	if err := answerNow(c.conn, c.takeAnswer()); err != nil {
		_ = c.conn.Close() // the first error says it
		return nil, err
	}
	return c, nil
}

// takeWebSocket is acceptWebSocket that leaves the answer to whoever writes first, which
// must be done before the reader begins: one write costs less than two, on both sides.
func (s *Server) takeWebSocket(w http.ResponseWriter, r *http.Request, sid, subprotocol string) (*wsConn, error) {
	u := ws.HTTPUpgrader{Header: http.Header{}}
	if subprotocol != "" {
		u.Protocol = func(offered string) bool { return offered == subprotocol }
	}
	s.setHeaders(u.Header, r, sid)
	var ext *wsflate.Extension
	if s.opts.PerMessageDeflate != nil {
		ext = &wsflate.Extension{Parameters: wsflate.Parameters{ServerNoContextTakeover: true, ClientNoContextTakeover: true}}
		u.Negotiate = func(offer httphead.Option) (httphead.Option, error) {
			accepted, err := ext.Negotiate(offer)
			if err != nil { // bad parameters decline the offer (RFC 7692, section 7.1), not the connection
				return httphead.Option{}, nil
			}
			return accepted, nil
		}
	}
	held := unanswered{ResponseWriter: w}
	conn, rw, _, err := u.Upgrade(r, &held)
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		if conn != nil { // taken from the HTTP server, so nobody else would
			_ = answerNow(conn, held.answer.Bytes()) // the first error says it
			_ = conn.Close()
		}
		return nil, err
	}
	c := newConn(unreturned(conn))
	answer := held.answer.Bytes()
	c.answer.Store(&answer)
	if ext != nil {
		_, c.deflate = ext.Accepted()
	}
	c.frames.init(c, s.opts.MaxPayload, c.deflate, buffered(rw))
	return c, nil
}

// takeAnswer returns what is owed to the handshake, once.
func (c *wsConn) takeAnswer() []byte {
	if c.answer.Load() == nil {
		return nil
	}
	if b := c.answer.Swap(nil); b != nil {
		return *b
	}
	return nil
}

// unanswered keeps what is answered once the connection is taken from the HTTP server.
type unanswered struct {
	http.ResponseWriter

	answer bytes.Buffer
}

// Hijack implements http.Hijacker.
func (u *unanswered) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err == nil {
		rw.Writer.Reset(&u.answer)
	}
	return conn, rw, err
}

// answerNow writes what was kept.
func answerNow(conn net.Conn, answer []byte) error {
	if err := conn.SetWriteDeadline(time.Now().Add(lingerTimeout)); err != nil {
		return err
	}
	if _, err := conn.Write(answer); err != nil {
		return err
	}
	return conn.SetWriteDeadline(time.Time{})
}

// buffered copies what the HTTP server has already read of the connection, so
// that its buffer can go.
func buffered(rw *bufio.ReadWriter) []byte {
	if rw == nil || rw.Reader.Buffered() == 0 {
		return nil
	}
	b, err := rw.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil // cannot be: they are buffered
	}
	return append([]byte(nil), b...)
}

// packet reads frames until there is an Engine.IO packet.
func (c *wsConn) packet() (wire.Packet, error) {
	data, binary, err := c.message()
	switch {
	case err != nil:
		return wire.Packet{}, err
	case binary:
		return wire.DecodeBinary(data, c.s.protocol)
	}
	return wire.DecodeText(data, c.s.protocol)
}

// message reads frames until there is a message. WebSocket pings are answered on the
// way.
func (c *wsConn) message() (data []byte, binary bool, err error) {
	for {
		op, data, err := c.frames.next()
		if err != nil {
			return nil, false, err
		}
		c.s.srv.stats.bytesIn.Add(uint64(len(data)))
		cost := frameCost
		if c.deflate { // what came was shorter, and what it became is what costs
			cost += len(data)
		}
		c.fare.pay(nil, c.s, cost)
		switch op {
		case wire.OpText, wire.OpBinary:
			return data, op == wire.OpBinary, nil
		case wire.OpPing:
			c.answerPing(data)
		case wire.OpClose:
			if len(data) >= 2 {
				c.heard = uint16(data[0])<<8 | uint16(data[1])
			}
			return nil, false, errCloseFrame
		case wire.OpPong:
			if c.s.guest != nil {
				c.s.answered()
			}
		case wire.OpContinuation:
		}
	}
}

// answerPing answers a WebSocket ping with a pong of the same payload: through
// the outbox, or, before the connection carries the session, at once.
func (c *wsConn) answerPing(data []byte) {
	frame := append(wire.AppendHeader(nil, wire.OpPong, false, len(data)), data...)
	if !c.s.carriedBy(c) {
		_, _ = c.conn.Write(frame) // a connection that is broken says so when it is read
		return
	}
	_ = c.s.Send(rawFrame(frame), 0) // a session that has ended owes no pong
}

// fail ends the session for what went wrong with reading.
func (c *wsConn) fail(err error) {
	if errors.Is(err, errEnded) {
		return
	}
	c.s.end(readFailure(err))
}

// readFailure names the end that a reading error means.
func readFailure(err error) *CloseError {
	var fe *frameError
	var we *wire.Error
	switch {
	case errors.Is(err, errCloseFrame):
		return &CloseError{Reason: ReasonTransportClose, Detail: DetailCloseFrame}
	case errors.As(err, &fe):
		return &CloseError{Reason: ReasonTransportError, Detail: fe.detail, Err: err}
	case errors.As(err, &we):
		return &CloseError{Reason: ReasonParseError, Detail: DetailBadPacket, Err: err}
	}
	return &CloseError{Reason: ReasonTransportClose, Detail: DetailConnectionLost, Err: err}
}

// closeCode is what the close frame says for the end of a session.
func closeCode(c *CloseError) uint16 {
	switch c.Detail { //nolint:exhaustive // every other end is an ordinary close
	case DetailPayloadTooLarge:
		return closeTooLarge
	case DetailBadUTF8:
		return closeBadUTF8
	case DetailBadFrame, DetailDecompression, DetailHeartbeat, DetailBadPacket, DetailBadMessage:
		return closeProtocolError
	case DetailShutdown, DetailDrain:
		return closeGoingAway
	case DetailRateLimited:
		return closePolicy
	}
	return closeNormal
}

// maxCloseText is what a close frame has room for behind its code (RFC 6455, section 5.5).
const maxCloseText = 123

// closeText tells the client what was wrong: not only the log should know. An ordinary end
// needs no words.
func closeText(c *CloseError) string {
	text := string(c.Detail)
	switch c.Detail { //nolint:exhaustive // the cause of the others says nothing to the client
	case DetailClosePacket, DetailCloseFrame, DetailServerDisconnect:
		return ""
	case DetailBadPacket, DetailBadMessage, DetailBadFrame, DetailUnexpectedPacket, DetailDecompression:
		if c.Err != nil {
			text += ": " + c.Err.Error()
		}
	}
	if len(text) > maxCloseText {
		text = text[:maxCloseText]
	}
	return strings.ToValidUTF8(text, "")
}

// shutdown closes the connection of an ended session without waiting: a close
// frame if the connection still takes one, then the end. With a flusher at work
// the frame is left to it.
func (c *wsConn) shutdown(why *CloseError, flushing bool) {
	if c.closed.Swap(true) {
		return
	}
	c.wake()
	switch {
	case deaf(why):
		_ = c.conn.Close()
	case flushing:
		_ = c.conn.SetWriteDeadline(time.Now().Add(flushTimeout))
	default:
		go c.bye(why)
	}
}

// deaf reports whether a session ended because nobody listens at the other side.
func deaf(why *CloseError) bool {
	return why.Detail == DetailSlowReader || why.Detail == DetailOutboxOverflow || why.Detail == DetailOutboxTotal || why.Detail == DetailNoPong || why.Detail == DetailConnectionLost
}

// leave is how the flusher of an ended session goes: the last word is its own,
// whether shutdown has run already or is only about to.
func (c *wsConn) leave(why *CloseError) {
	c.closed.Store(true)
	c.wake()
	if deaf(why) {
		_ = c.conn.Close()
		return
	}
	c.bye(why)
}

// bye writes the close frame, once, and ends the sending side; the reader drains
// what still comes and closes. The client's own close code is echoed (RFC 6455,
// section 5.5.1).
func (c *wsConn) bye(why *CloseError) {
	if c.bidden.Swap(true) {
		return
	}
	_ = c.conn.SetDeadline(time.Now().Add(lingerTimeout))
	if !c.s.guest.stream() {
		if _, err := c.conn.Write(append(c.takeAnswer(), c.closeFrame(why)...)); err != nil {
			_ = c.conn.Close()
			return
		}
	}
	half, ok := c.conn.(interface{ CloseWrite() error })
	if tcp, plain := plainTCP(c.conn); plain {
		half, ok = tcp, true
	}
	if ok {
		if half.CloseWrite() == nil {
			return
		}
	}
	_ = c.conn.Close()
}

// closeFrame is the frame for the end of a session.
func (c *wsConn) closeFrame(why *CloseError) []byte {
	code, text := closeCode(why), closeText(why)
	if g := c.s.guest; g != nil && g.closeFrame != nil {
		code, text = g.closeFrame(why)
	}
	if why.Detail == DetailCloseFrame && c.heard != 0 {
		code, text = c.heard, ""
	}
	frame := binary.BigEndian.AppendUint16(wire.AppendHeader(nil, wire.OpClose, false, 2+len(text)), code)
	return append(frame, text...)
}

// drain runs when the reader has nothing more to read for the session: it reads
// on until the client has closed its side or lingerTimeout is over.
func (c *wsConn) drain() {
	c.frames.release()
	var sink [512]byte
	deadline := time.Now().Add(lingerTimeout)
	_ = c.conn.SetReadDeadline(deadline)
	for time.Now().Before(deadline) {
		if _, err := c.conn.Read(sink[:]); err != nil {
			break
		}
	}
	_ = c.conn.Close()
}
