package engineio

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/sockeye-io/sockeye/server/pace"
)

// released is why a session ends that is sent to another server.
var released = &CloseError{Reason: ReasonShutdown, Detail: DetailDrain}

// Release is the quiet beginning of a stop; Close follows it. It refuses new sessions
// with status 503 and Retry-After, and ends those there are one after the other, in
// random order and evenly over a time, so that the servers to which the clients go are
// not overrun. Each ends as in Close: its waiting poll is answered, or its WebSocket
// closed, after what is queued, for which the client has two seconds; no Socket.IO
// packet is sent, so that the client reconnects by itself. Sessions that are not due yet
// go on as ever.
//
// It returns nil when the last was told to end, or as soon as none is left, and the
// context's error when ctx is done first. It is called once.
func (s *Server) Release(ctx context.Context, over time.Duration) error {
	all := s.refuseNew()
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) //nolint:gosec // nobody gains by guessing it
	return pace.Evenly(ctx, len(all), over,
		func(i int) { all[i].closeWithin(released, shutdownFlush) },
		func() bool { return s.Len() > 0 })
}

// ReleaseSession ends a session as Release does, for whoever stands before several
// servers: the way of its WebSocket through another one is about to close.
func (s *Server) ReleaseSession(sid string) {
	s.mu.RLock()
	session := s.sessions[sid]
	s.mu.RUnlock()
	if session != nil {
		session.closeWithin(released, shutdownFlush)
	}
}

// refuseNew refuses sessions from now on, and returns those there are.
func (s *Server) refuseNew() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	all := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		all = append(all, session)
	}
	return all
}
