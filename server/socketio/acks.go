package socketio

import (
	"context"
	"errors"
	"time"
)

// ackWaiter hears the one answer to one packet, or that it will not come. Its
// methods return at once: they run on the goroutine that reads the connection.
type ackWaiter interface {
	acked(args Args)
	lost()
}

// answer is the ackWaiter of EmitWithAck.
type answer chan *Args

func (a answer) acked(args Args) { a <- &args } // never blocks: capacity 1, called once
func (a answer) lost()           { a <- nil }

// ackToSink passes one client's answer on to a broadcast.
type ackToSink struct{ sink AckSink }

func (a ackToSink) acked(args Args) { a.sink.Acked(args) }
func (a ackToSink) lost()           { a.sink.Lost() }

// expectAck registers who waits for the answer to packet id.
func (s *Socket) expectAck(id uint64, w ackWaiter) error {
	if s.variant.stream() {
		return ErrCannotAnswer
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != nil || s.cleaned {
		return ErrDisconnected
	}
	if s.acks == nil {
		s.acks = make(map[uint64]ackWaiter)
	}
	s.acks[id] = w
	return nil
}

func (s *Socket) forgetAck(id uint64) {
	s.mu.Lock()
	delete(s.acks, id)
	s.mu.Unlock()
}

// onAck hands an answer to who waits for it. An answer nobody asked for, or a
// second one, is ignored.
func (s *Socket) onAck(id uint64, args Args) {
	s.mu.Lock()
	w, ok := s.acks[id]
	delete(s.acks, id)
	s.mu.Unlock()
	if !ok {
		s.ns.srv.opts.Observer.AckUnknown(s.ns.name)
		return
	}
	w.acked(args)
}

// awaits reports whether somebody waits for the answer to packet id.
func (s *Socket) awaits(id uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.acks[id]
	return ok
}

// loseAcks tells everyone who waits that no answer will come.
func (s *Socket) loseAcks() {
	s.mu.Lock()
	acks := s.acks
	s.acks = nil
	s.mu.Unlock()
	for _, w := range acks {
		w.lost()
	}
}

// withTimeout derives a context that ends after d, if d is positive.
func withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, d, ErrTimeout)
}

// waitError says why a wait for an answer ended: ErrTimeout for any deadline,
// otherwise the context's error.
func waitError(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ErrTimeout
	}
	return ctx.Err()
}
