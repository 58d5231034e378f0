package socketio

import (
	"fmt"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// Gate may be what engineio.Options.Enter gives a connection, and is then asked about
// its packets: events, connects and disconnects, and acknowledgements that nobody asked
// for. Its methods are called on the goroutine that reads the connection.
type Gate interface {
	// Packet counts a packet. It returns 0, or how long it takes until there may be
	// another, and the packet is refused. expel says that the client went on for too
	// long: it is disconnected for good.
	Packet() (retryAfter time.Duration, expel bool)
	// Notify reports whether the client is to be told now of events that are refused and
	// have no acknowledgement that could tell it.
	Notify() bool
}

// LimitEvent tells a client, at most once a second, of events that were refused and had
// no acknowledgement. Its argument is {limit, message, retryAfter}.
const LimitEvent = "limit"

// The codes of what is refused for a limit.
const (
	CodeRateLimited       = "rate_limited"
	CodeTooManyNamespaces = "too_many_namespaces"
	CodeEventNameTooLong  = "event_name_too_long"
)

// tooMuch is what a client is told of a packet above the rate.
const tooMuch = "too many events: slow down"

// overRate asks the gate about a packet, and deals with it if it is one too many. done
// says that this was all there is to do.
func (c *conn) overRate(p *wire.Packet, s *Socket) (done bool) {
	if (p.Type == wire.Ack || p.Type == wire.BinaryAck) && s != nil && s.awaits(p.ID) {
		return false // the server asked for it
	}
	retry, expel := c.gate.Packet()
	switch {
	case expel:
		c.expel()
		return true
	case retry <= 0:
		return false
	}
	switch p.Type {
	case wire.Event, wire.BinaryEvent:
		if s == nil {
			return false
		}
		s.refuseEvent(p, "events", CodeRateLimited, tooMuch, retry)
		return true
	case wire.Connect:
		if s != nil {
			return false
		}
		c.refuse(p.Namespace, limited(CodeRateLimited, "too many packets: slow down", retry), refusedRate)
		return true
	case wire.Ack, wire.BinaryAck, wire.Disconnect, wire.ConnectError:
	}
	return false
}

// limited is a CONNECT_ERROR for a limit.
func limited(code, message string, retry time.Duration) *ConnectError {
	data := map[string]any{"code": code, "message": message}
	if retry > 0 {
		data["retryAfter"] = retry.Milliseconds()
	}
	return &ConnectError{Message: message, Data: data}
}

// refuseEvent tells the client of an event that is not handled: by its acknowledgement,
// or by LimitEvent. retry 0 is never.
func (s *Socket) refuseEvent(p *wire.Packet, limit, code, message string, retry time.Duration) {
	if p.HasID {
		e := &Event{socket: s, name: p.Event, id: p.ID, hasAck: true}
		extra := []any{"limit", limit}
		if retry > 0 {
			extra = append(extra, "retryAfter", retry.Milliseconds())
		}
		_ = e.AckError(code, message, extra...) // the client may be gone
		return
	}
	if s.conn.gate != nil && !s.conn.gate.Notify() {
		return
	}
	body := map[string]any{"limit": limit, "message": message}
	if retry > 0 {
		body["retryAfter"] = retry.Milliseconds()
	}
	_ = s.Tell(LimitEvent, body) // see above
}

// nameTooLong refuses an event whose name is longer than Options.MaxEventName.
func (s *Socket) nameTooLong(p *wire.Packet) bool {
	most := s.ns.srv.opts.MaxEventName
	if most <= 0 || len(p.Event) <= most {
		return false
	}
	s.refuseEvent(p, "event-name", CodeEventNameTooLong, fmt.Sprintf("the event's name is longer than %d bytes", most), 0)
	return true
}

// expel disconnects every socket, so that the client does not come back by itself, and
// closes the connection.
func (c *conn) expel() {
	c.mu.Lock()
	socks := append([]*Socket(nil), c.sockets...)
	c.mu.Unlock()
	for _, s := range socks {
		s.End(CodeRateLimited, "disconnected: too much was sent for too long")
	}
	c.sess.Close(engineio.ReasonForcedServer, engineio.DetailRateLimited, nil)
}
