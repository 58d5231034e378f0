package cluster

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// Receive acts on what another node says. It is for the Driver, which calls it in
// the order in which each node spoke.
func (a *Adapter) Receive(m *Message) {
	<-a.opened
	if a.closed() {
		return
	}
	switch m.Kind {
	case KindClientCount, KindClientAck, KindClientLost, KindSockets, KindServerSideAck:
		a.asked.answer(m)
	case KindBroadcast:
		a.receiveBroadcast(m)
	case KindJoin:
		a.inbox.put(func() { _ = a.Local.JoinSockets(&m.Target, m.Rooms) }) // it never fails
	case KindLeave:
		a.inbox.put(func() { _ = a.Local.LeaveSockets(&m.Target, m.Rooms) }) // it never fails
	case KindDisconnect:
		a.inbox.put(func() { _ = a.Local.DisconnectSockets(&m.Target, m.Close) }) // it never fails
	case KindFetch:
		a.inOrder(func() func() { a.answerFetch(m); return nil })
	case KindServerSide:
		a.inOrder(func() func() { return func() { a.receiveServerSide(m) } })
	default:
		a.o.Logger.Debug("a message of another node was not understood", slog.Int("kind", int(m.Kind)), slog.String("from", m.From))
	}
}

// Answer sends something to other nodes, on a goroutine of the adapter, after what
// was received has been acted on. It is for drivers whose backend knows questions
// that are no Message: ask is called in that order and returns what sends the
// answer, or nil.
func (a *Adapter) Answer(ask func() (send func() error)) {
	<-a.opened
	a.inOrder(func() func() {
		if send := ask(); send != nil {
			a.answers.put(send)
		}
		return nil
	})
}

// Wanted reports whether a packet for the sockets in any of rooms (all, if there are
// none) may find some here, after what was received before. It is for drivers, which
// need not read the rest of a packet that nobody wants.
func (a *Adapter) Wanted(rooms []string) bool {
	if !a.inbox.idle() { // somebody may be about to join
		return true
	}
	return len(rooms) == 0 && a.Namespace().Len() > 0 || slices.ContainsFunc(rooms, a.HasRoom)
}

// Soon runs f, which calls listeners of the application, after what was given before. It
// waits while thousands are waiting already. f may be nil.
func (a *Adapter) Soon(f func()) {
	if f != nil {
		a.listeners.put(f)
	}
}

// NotifySoon is Notify on a goroutine of the adapter, after earlier ones: listeners
// must not hold up who reads.
func (a *Adapter) NotifySoon(e socketio.AdapterEvent) {
	a.listeners.put(func() { a.Notify(e) })
}

// inOrder does something after everything that was received before: at once, if
// nothing of that waits for code of the application. f runs no such code itself,
// but may return some, which nothing waits for.
func (a *Adapter) inOrder(f func() (listen func())) {
	do := func() {
		if listen := f(); listen != nil {
			a.listeners.put(listen)
		}
	}
	if a.inbox.idle() {
		do()
		return
	}
	a.inbox.put(do)
}

func (a *Adapter) receiveBroadcast(m *Message) {
	if m.Packet == nil {
		a.o.Logger.Debug("a broadcast of another node has no packet", slog.String("from", m.From))
		return
	}
	if m.Request != "" {
		a.inOrder(func() func() { a.answerBroadcast(m); return nil })
		return
	}
	a.inOrder(func() func() {
		after, err := a.Deliver(m.Packet, &m.Target, false)
		if err != nil {
			a.cannotEncode(m, err)
		}
		return after
	})
}

func (a *Adapter) cannotEncode(m *Message, err error) {
	a.o.Logger.Warn("a packet of another node cannot be encoded", slog.String("namespace", a.Namespace().Name()),
		slog.String("from", m.From), slog.Any("error", err))
}

// answerBroadcast delivers a packet that each client answers, and passes the
// answers on.
func (a *Adapter) answerBroadcast(m *Message) {
	s := &remoteSink{a: a, to: m.From, request: m.Request}
	stop, err := a.BroadcastAckHere(m.Packet, &m.Target, s)
	if err != nil {
		a.cannotEncode(m, err)
		s.Expect(0)
		return
	}
	s.stopAfter(m.Target.Flags.Timeout, stop)
}

// BroadcastAckHere is BroadcastAck for this node's clients only.
func (a *Adapter) BroadcastAckHere(p *socketio.Packet, t *socketio.Target, sink socketio.AckSink) (stop func(), err error) {
	return a.Local.BroadcastAck(context.Background(), p, t, sink) // it does not wait
}

// remoteSink tells another node who of this node's clients answered.
type remoteSink struct {
	a           *Adapter
	to, request string

	mu       sync.Mutex
	open     int         // clients that may still answer
	patience *time.Timer // when it ends the answers are no longer of interest
}

var _ socketio.AckSink = (*remoteSink)(nil)

// stopAfter calls stop once the node that asked waits no longer. Without a time-out
// it may wait for as long as a client stays.
func (s *remoteSink) stopAfter(d time.Duration, stop func()) {
	if d <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open > 0 {
		s.patience = time.AfterFunc(d, stop)
	}
}

func (s *remoteSink) reply(m *Message) {
	m.From, m.Request = s.a.o.NodeID, s.request
	s.a.answers.put(func() error { return s.a.driver.Reply(s.to, m) })
}

// Servers does nothing: this node is one.
func (s *remoteSink) Servers(int) {}

// Expect tells how many clients were asked.
func (s *remoteSink) Expect(clients int) {
	s.done(-clients)
	s.reply(&Message{Kind: KindClientCount, Count: clients})
}

// Acked passes an answer on.
func (s *remoteSink) Acked(args socketio.Args) {
	s.done(1)
	s.reply(&Message{Kind: KindClientAck, Args: []any{args}})
}

// Lost tells a node that understands it that a client left without an answer.
func (s *remoteSink) Lost() {
	s.done(1)
	if Ours(s.request) {
		s.reply(&Message{Kind: KindClientLost})
	}
}

// Fail does nothing: this node cannot fail alone.
func (s *remoteSink) Fail(error) {}

func (s *remoteSink) done(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open -= n; s.open == 0 && s.patience != nil {
		s.patience.Stop()
		s.patience = nil // and the sockets that its function holds
	}
}

func (a *Adapter) receiveServerSide(m *Message) {
	if m.Request == "" {
		a.ServerSide(m.Event, argsOf(m), nil)
		return
	}
	var once sync.Once
	a.ServerSide(m.Event, argsOf(m), func(answer ...any) {
		once.Do(func() {
			r := &Message{Kind: KindServerSideAck, From: a.o.NodeID, Request: m.Request, Args: answer}
			a.answers.put(func() error { return a.driver.Reply(m.From, r) })
		})
	})
}
