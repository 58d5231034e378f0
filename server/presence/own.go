package presence

import (
	"errors"
	"time"
)

// Errors of Track and SetMeta.
var (
	// ErrFull: this node tracks as many sockets and rooms as it may.
	ErrFull = errors.New("presence: this node tracks as many sockets as Options.MaxTracked allows")
	// ErrUnknown: the user has no socket here that is tracked.
	ErrUnknown = errors.New("presence: no socket of this user is tracked on this node")
	// ErrClosed: Close was called, or the namespace has ended.
	ErrClosed = errors.New("presence: closed")
)

// tracked is a socket of this node. Recovery may give a later one the same id.
type tracked struct {
	sid    string
	socket Socket
	seats  []*seat
}

// seat is a socket in a room.
type seat struct {
	of     *tracked
	member *member
	at     int // in member.seats
}

func (t *tracked) seat(room string) (*seat, int) {
	for i, s := range t.seats {
		if s.member.part.room.name == room {
			return s, i
		}
	}
	return nil, -1
}

// Stamps of metas that were written at no time.
const (
	stampNone    = 0
	stampDefault = 1 // given to Track: any SetMeta replaces it
)

// trackLocked seats a socket. meta, unless "", is the user's if there is none.
func (p *Presence) trackLocked(s Socket, room, user, meta string) error {
	if p.closed {
		return ErrClosed
	}
	t := p.sockets[s.ID()]
	if t != nil && t.socket != s {
		p.vacateLocked(t, true)
		t = nil
	}
	if t == nil {
		t = &tracked{sid: s.ID(), socket: s}
	}
	if at, i := t.seat(room); at != nil {
		if at.member.user == user {
			p.defaultLocked(user, meta)
			return nil
		}
		p.rise(t, i, false)
	}
	if p.seats >= p.opts.MaxTracked {
		return ErrFull
	}
	p.sockets[t.sid] = t
	m := p.enterLocked(p.self, room, user)
	m.until = time.Time{}
	taken := &seat{of: t, member: m, at: len(m.seats)}
	m.seats = append(m.seats, taken)
	t.seats = append(t.seats, taken)
	p.seats++
	p.resizeLocked(m, len(m.seats))
	p.spreadLocked(m)
	p.defaultLocked(user, meta)
	return nil
}

func (p *Presence) defaultLocked(user, meta string) {
	if meta != "" && user != "" && p.people[user].stamp == stampNone {
		p.profileLocked(p.self, user, stampDefault, meta)
	}
}

// rise takes a socket off one of its seats. A user whose last one it was stays for the
// grace, if the connection was lost.
func (p *Presence) rise(t *tracked, i int, lost bool) {
	s := t.seats[i]
	t.seats = append(t.seats[:i], t.seats[i+1:]...)
	if len(t.seats) == 0 && p.sockets[t.sid] == t {
		delete(p.sockets, t.sid)
	}
	m := s.member
	last := len(m.seats) - 1
	m.seats[s.at] = m.seats[last]
	m.seats[s.at].at = s.at
	m.seats[last] = nil
	m.seats = m.seats[:last]
	p.seats--
	p.resizeLocked(m, last)
	p.spreadLocked(m)
	switch {
	case last > 0:
	case lost && p.opts.Grace > 0 && m.user != "":
		m.until = p.now().Add(p.opts.Grace)
		p.laterLocked(m.until, func(now time.Time) {
			if len(m.seats) == 0 && m.part.members[m.user] == m && !now.Before(m.until) {
				p.spreadLocked(m)
				p.exitLocked(m)
			}
		})
	default:
		p.exitLocked(m)
	}
}

// vacateLocked takes a socket that is gone off all its seats.
func (p *Presence) vacateLocked(t *tracked, grace bool) {
	for len(t.seats) > 0 {
		p.rise(t, len(t.seats)-1, grace)
	}
	delete(p.sockets, t.sid)
}

// untrackLocked takes a socket out of a room on purpose.
func (p *Presence) untrackLocked(s Socket, room string) {
	t := p.sockets[s.ID()]
	if t == nil || t.socket != s {
		return
	}
	if at, i := t.seat(room); at != nil {
		p.rise(t, i, false)
	}
}

// setMetaLocked writes the meta of a user, later than any that is known.
func (p *Presence) setMetaLocked(user, meta string) error {
	if p.closed {
		return ErrClosed
	}
	own := p.self.profiles[user]
	if own == nil {
		return ErrUnknown
	}
	p.profileLocked(p.self, user, max(p.now().UnixMilli(), own.stamp+1), meta)
	return nil
}
