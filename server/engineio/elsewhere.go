package engineio

import "net/http"

// What a server does for whoever stands before several of them and hands each
// request to the one whose session it names.

// Unavailable refuses a request for a session that is not of this server and could
// not be reached, like ServeHTTP does, with status 503 and the code of an unknown
// session, on which every client begins a new one.
func (s *Server) Unavailable(w http.ResponseWriter, r *http.Request, message string) {
	x := &exchange{srv: s, w: w, r: r, q: parseQuery(r.URL.RawQuery)}
	if f := x.checkOrigin(); f != nil {
		x.refuse(*f)
		return
	}
	x.refuse(refusal{
		code: codeUnknownSID, status: http.StatusServiceUnavailable, message: message,
		context: map[string]any{"name": "SESSION_UNAVAILABLE", "sid": x.q.sid},
	})
}

// ReleasePoll answers the waiting GET of a session, if there is one, with a noop, so
// that its client asks again at once: the way that it took is about to close.
func (s *Server) ReleasePoll(sid string) {
	s.mu.RLock()
	session := s.sessions[sid]
	s.mu.RUnlock()
	if session == nil {
		return
	}
	session.mu.Lock()
	var waiting *waitingPoll
	if session.poll != nil {
		waiting = session.poll.waiting
	}
	session.mu.Unlock()
	if waiting != nil {
		session.letGo(waiting)
	}
}
