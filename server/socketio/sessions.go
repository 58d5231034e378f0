package socketio

import (
	"context"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// Sockets of this node as an adapter with recovery sees them.

// EachSession calls f with every live session of this node: its private id, the offset
// of the last packet that its transport took, and whether that says what it got. It
// must be called between two deliveries.
func (l *Local) EachSession(f func(pid, last string, complete bool)) {
	t := &l.ns.pids
	t.mu.Lock()
	defer t.mu.Unlock()
	for pid, s := range t.socks {
		if s.rec != nil && s.bits.Load()&bitUnlogged == 0 {
			f(pid, s.rec.last, !s.rec.broken)
		}
	}
}

// Replayed notes that a replay is over: the last packet that the client of a session was
// given has offset last, unless there was one since Resume, which said upTo. It must be
// called between two deliveries.
func (l *Local) Replayed(pid, upTo, last string) {
	if s := l.ns.pids.find(pid); s != nil && s.rec != nil && s.rec.last == upTo {
		s.rec.last = last
	}
}

// Replace ends the connection of a session of this node, whose client has come back
// elsewhere, without a DISCONNECT packet, and waits until its sockets have ended, two
// seconds at most. It reports whether there was one.
func (l *Local) Replace(ctx context.Context, pid string) bool {
	old := l.ns.pids.find(pid)
	if old == nil {
		return false
	}
	old.conn.replace(ctx, old)
	return true
}

// LoseSession makes the session of a private id one that cannot be recovered, because
// it could not be saved. Its socket goes on.
func (l *Local) LoseSession(pid string) {
	if s := l.ns.pids.find(pid); s != nil {
		s.lose()
	}
}

// EndUnlogged ends the connections of the sockets that got packets which were not
// kept, or whose sessions could not be saved. Their clients come back by themselves and
// are told that they are not recovered. It returns how many there were, and does not
// wait.
func (l *Local) EndUnlogged() int {
	return l.abort(func(s *Socket) bool { return s.bits.Load()&bitUnlogged != 0 })
}

// EndAll does that to all sockets of the namespace, because packets were missed.
func (l *Local) EndAll() int {
	return l.abort(func(s *Socket) bool {
		s.bits.Or(bitUnlogged)
		return true
	})
}

func (l *Local) abort(which func(s *Socket) bool) int {
	n := 0
	rs := recipients{list: l.allSnapshot()}
	for chunk := range rs.list.each() {
		for _, s := range chunk {
			if which(s) {
				n++
				s.sess.Abort(engineio.ReasonTransportError, engineio.DetailLogGap, nil)
			}
		}
	}
	return n
}
