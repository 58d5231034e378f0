package comments

import (
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// maxPages is how many pages a client may be on at once.
const maxPages = 20

// session is a client on a site. Its events are handled one at a time; what ends a sign-in may
// come at any time.
type session struct {
	site   *site
	socket *socketio.Socket

	mu       sync.Mutex
	user     *user
	pages    visits
	watching bool        // hears what is to be decided
	counts   []string    // pages of which it hears the count
	typed    time.Time   // when it last said that it types
	expiry   *time.Timer // of the user; nil: never
	over     bool
}

func newSession(s *site, socket *socketio.Socket, u *user) *session {
	return &session{site: s, socket: socket, user: u}
}

// sessionOf is that of a socket that was let in.
func sessionOf(socket *socketio.Socket) *session {
	s, _ := socket.Identity().(*session)
	return s
}

// who is the user by now.
func (s *session) who() *user {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.user
}

// welcome begins a session.
func (c *Comments) welcome(socket *socketio.Socket) {
	one := sessionOf(socket)
	if one == nil || !one.site.add(one) {
		socket.End("unknown_site", "this site has no comments any more")
		return
	}
	one.mu.Lock()
	one.joinLocked(one.site.room(roomAll, ""))
	one.beLocked(one.user)
	one.mu.Unlock()
	one.believe()
}

// believe signs the client out if what said who it is has been replaced, which may have been while
// it came.
func (s *session) believe() {
	if u := s.who(); u.signed != "" && u.signed != s.site.about.Load().Secret {
		s.signOutOf(u, &refusal{code: "invalid_token", message: "the site signs with another secret now: sign in again"})
	}
}

// farewell ends it.
func (c *Comments) farewell(socket *socketio.Socket, _ socketio.DisconnectReason) {
	one := sessionOf(socket)
	if one == nil {
		return
	}
	one.mu.Lock()
	one.over = true
	if one.expiry != nil {
		one.expiry.Stop()
	}
	pages, counts := one.pages, one.counts
	one.pages, one.counts = nil, nil
	one.mu.Unlock()
	one.site.remove(one, pages, counts)
}

// add counts a session in; false says that the site is gone.
func (s *site) add(one *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return false
	}
	s.sessions[one] = struct{}{}
	s.listenLocked()
	return true
}

// remove counts it out, from the pages that it was on, too.
func (s *site) remove(one *session, pages visits, counts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, one)
	for _, v := range pages {
		s.exitLocked(v.page.Value())
	}
	s.unwatchLocked(counts)
	s.idleLocked()
}

// joinLocked enters rooms. It fails only when the socket is gone.
func (s *session) joinLocked(rooms ...string) { _ = s.socket.Join(rooms...) }

// signIn makes the client another user.
func (s *session) signIn(u *user) {
	s.mu.Lock()
	if !s.over {
		s.beLocked(u)
	}
	s.mu.Unlock()
	s.believe()
}

// signOut makes it a reader.
func (s *session) signOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beLocked(reader)
}

// signOutOf makes it a reader, unless it is another user by now, and says why.
func (s *session) signOutOf(u *user, why *refusal) {
	s.mu.Lock()
	same := s.user == u
	if same {
		s.beLocked(reader)
	}
	s.mu.Unlock()
	if same {
		_ = s.socket.Emit("signed-out", map[string]string{"code": why.code, "message": why.message}) // fails only when the socket is gone
	}
}

// beLocked makes the client a user: it hears what the user may hear from then on.
func (s *session) beLocked(u *user) {
	was := s.user
	s.user = u
	if s.expiry != nil {
		s.expiry.Stop()
		s.expiry = nil
	}
	if !u.expires.IsZero() && !s.over {
		s.expiry = time.AfterFunc(time.Until(u.expires), func() { s.expire(u) })
	}
	if was != u && was.known() && was.ID != u.ID {
		s.socket.Leave(s.site.room(roomUser, was.ID))
	}
	if u.known() {
		s.joinLocked(s.site.room(roomUser, u.ID))
	}
	for _, v := range s.pages {
		s.viewLocked(v.page.Value())
	}
	if s.watching && !u.moderator() {
		s.watching = false
		s.socket.Leave(s.site.room(roomWatch, ""))
	}
}

// expire ends a sign-in whose time is over.
func (s *session) expire(u *user) {
	s.signOutOf(u, &refusal{code: "token_expired", message: "who you are was said for a time, which is over: sign in again"})
}

// viewLocked has the client hear of a page what its user may. The room that it may be in
// comes first, so that it is always in one.
func (s *session) viewLocked(page string) {
	in, out := roomPage, roomStaff
	if s.user.moderator() {
		in, out = out, in
	}
	s.joinLocked(s.site.room(in, page))
	s.socket.Leave(s.site.room(out, page))
}
