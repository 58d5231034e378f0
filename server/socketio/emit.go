package socketio

import (
	"context"
	"fmt"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// Emit sends an event to the client. It only queues: an error means that the
// name is reserved, an argument cannot be encoded, or the socket is gone. The
// arguments must not be changed afterwards. What middleware emits goes out right
// after the answer to CONNECT, or not at all if the client is refused; ErrTooEarly
// is returned beyond 1,000 events or 1 MiB.
func (s *Socket) Emit(event string, args ...any) error {
	return s.emit(event, args, Flags{})
}

// Tell emits an event that is for this moment and this connection: how the client stands
// with the server. It does not wait for what keeps events for recovery, which may be slow
// or away, and a client that comes back is not told again.
func (s *Socket) Tell(event string, args ...any) error {
	return s.emit(event, args, Flags{Local: true})
}

// Send emits a "message" event.
func (s *Socket) Send(args ...any) error { return s.Emit("message", args...) }

func (s *Socket) emit(event string, args []any, f Flags) error {
	if s.state.Load() >= stateMuted {
		return ErrDisconnected
	}
	p, err := NewPacket(s.ns.name, event, args...)
	if err != nil {
		return err
	}
	if held, err := s.holdEarly(p, f); held || err != nil {
		return err
	}
	return s.deliver(p, f)
}

// deliver hands a packet to the transport, in a namespace with recovery with an
// offset. One that is to be answered has none: it is not replayed.
func (s *Socket) deliver(p *Packet, f Flags) error {
	if r := s.ns.recoverer(); r != nil && !p.hasID {
		return r.EmitTo(s, p, f)
	}
	return s.sendPacket(p, f)
}

// sendPacket hands a packet to the transport.
func (s *Socket) sendPacket(p *Packet, f Flags) error {
	m, err := p.message(s.variant)
	if err != nil {
		return err
	}
	if err := s.write(m, f.send()); err != nil {
		return err
	}
	s.ns.srv.opts.Observer.EventSent(s.ns.name, 1, m.Len())
	if s.bits.Load()&bitOutgoing != 0 {
		s.outgoing(p.event, p.args)
	}
	return nil
}

// EmitWithAck sends an event and waits for the client's answer. ErrTimeout is
// returned when the context's deadline passes first, ErrDisconnected when the
// socket ends. It may be called from a handler of the same socket. Middleware must
// not wait for it: the client answers when it is connected.
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	return s.emitWithAck(ctx, event, args, Flags{})
}

func (s *Socket) emitWithAck(ctx context.Context, event string, args []any, f Flags) (Args, error) {
	p, err := NewPacket(s.ns.name, event, args...)
	if err != nil {
		return Args{}, err
	}
	ctx, cancel := withTimeout(ctx, f.Timeout)
	defer cancel()
	p.id, p.hasID = s.ns.ackIDs.Add(1)-1, true
	a := make(answer, 1)
	if err := s.expectAck(p.id, a); err != nil {
		return Args{}, err
	}
	held, err := s.holdEarly(p, f)
	if !held && err == nil {
		err = s.deliver(p, f)
	}
	if err != nil {
		s.forgetAck(p.id)
		return Args{}, err
	}
	select {
	case got := <-a:
		if got == nil {
			return Args{}, ErrDisconnected
		}
		return *got, nil
	case <-ctx.Done():
		s.forgetAck(p.id)
		return Args{}, fmt.Errorf("emitting %q: %w", event, waitError(ctx))
	}
}

// Emitter emits to one socket with flags. It is immutable.
type Emitter struct {
	s *Socket
	f Flags
}

// Volatile returns an emitter whose events are dropped when the client is not
// ready for them: its outbox is not empty, or no poll waits.
func (s *Socket) Volatile() *Emitter { return (&Emitter{s: s}).Volatile() }

// Ready reports whether an event emitted now would go out at once: a volatile one would not
// be dropped. Who has something new all the time can wait with it until the client is ready,
// and then emit the newest alone.
func (s *Socket) Ready() bool { return s.reachable() && s.sess.Writable() }

// Compress returns an emitter whose events are compressed, where that is
// configured, or not.
func (s *Socket) Compress(on bool) *Emitter { return (&Emitter{s: s}).Compress(on) }

// Timeout returns an emitter that waits for acknowledgements for at most d.
func (s *Socket) Timeout(d time.Duration) *Emitter { return (&Emitter{s: s}).Timeout(d) }

// Volatile is Socket.Volatile.
func (e *Emitter) Volatile() *Emitter {
	c := *e
	c.f.Volatile = true
	return &c
}

// Compress is Socket.Compress.
func (e *Emitter) Compress(on bool) *Emitter {
	c := *e
	c.f.NoCompress = !on
	return &c
}

// Timeout is Socket.Timeout.
func (e *Emitter) Timeout(d time.Duration) *Emitter {
	c := *e
	c.f.Timeout = d
	return &c
}

// Emit is Socket.Emit with the flags.
func (e *Emitter) Emit(event string, args ...any) error { return e.s.emit(event, args, e.f) }

// Send is Socket.Send with the flags.
func (e *Emitter) Send(args ...any) error { return e.Emit("message", args...) }

// EmitWithAck is Socket.EmitWithAck with the flags.
func (e *Emitter) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	return e.s.emitWithAck(ctx, event, args, e.f)
}

// Broadcast turns to everyone else in the namespace, with the flags.
func (e *Emitter) Broadcast() *Broadcast {
	return &Broadcast{ns: e.s.ns, t: Target{Except: []string{e.s.id}, Flags: e.f}}
}

// To turns to the others in rooms, with the flags.
func (e *Emitter) To(rooms ...string) *Broadcast { return e.Broadcast().To(rooms...) }

// In is To.
func (e *Emitter) In(rooms ...string) *Broadcast { return e.To(rooms...) }

// Except turns to the others but those in rooms, with the flags.
func (e *Emitter) Except(rooms ...string) *Broadcast { return e.Broadcast().Except(rooms...) }

// Local turns to the others on this node, with the flags.
func (e *Emitter) Local() *Broadcast { return e.Broadcast().Local() }

// Broadcast turns to everyone in the namespace but this socket.
func (s *Socket) Broadcast() *Broadcast { return (&Emitter{s: s}).Broadcast() }

// To turns to everyone in the rooms but this socket.
func (s *Socket) To(rooms ...string) *Broadcast { return s.Broadcast().To(rooms...) }

// In is To.
func (s *Socket) In(rooms ...string) *Broadcast { return s.To(rooms...) }

// Except turns to everyone but this socket and those in rooms.
func (s *Socket) Except(rooms ...string) *Broadcast { return s.Broadcast().Except(rooms...) }

// Local turns to everyone on this node but this socket.
func (s *Socket) Local() *Broadcast { return s.Broadcast().Local() }

// reserved reports whether an event name may not be emitted.
func reserved(event string) error {
	if wire.Reserved(event) {
		return fmt.Errorf("%w: %q", ErrReserved, event)
	}
	return nil
}
