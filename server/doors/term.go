package doors

import (
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// ExpiringEvent tells a client how long its principal still holds.
const ExpiringEvent = auth.EventPrefix + "expiring"

// expiring is its argument.
type expiring struct {
	Expires int64 `json:"expires"` // milliseconds since 1970
	In      int64 `json:"in"`      // milliseconds; not below 0
}

// maxNap is the longest that a timer sleeps: a clock that is set, or a machine that was
// asleep, is noticed by then.
const maxNap = 10 * time.Minute

// timeLocked begins the time of a connected socket, or begins it anew.
func (k *Keeper) timeLocked(s *socketio.Socket) {
	p, t := auth.Of(s), k.terms[s]
	switch {
	case !s.Connected(): // drop has run, or is about to
	case p.Expires.IsZero() && t != nil:
		t.stop()
		delete(k.terms, s)
	case p.Expires.IsZero():
	case t == nil:
		t = &term{
			lead: k.opts.Expiring, leeway: k.opts.Leeway,
			tell:  func(e expiring) { _ = s.Tell(ExpiringEvent, e) }, // fails only when the socket is gone
			lapse: func() { k.end(s, lapsed) },
		}
		k.terms[s] = t
		t.begin(p.Expires)
	default:
		t.begin(p.Expires)
	}
}

var lapsed = &auth.Error{Code: auth.CodeTokenExpired, Message: "the token has expired; connect with a new one"}

// drop ends the time of a socket that has ended.
func (k *Keeper) drop(s *socketio.Socket) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.terms[s]; t != nil {
		t.stop()
		delete(k.terms, s)
	}
}

// term is the time of one socket: it calls tell before the end and lapse at the end,
// from a goroutine of their own.
type term struct {
	lead, leeway time.Duration
	tell         func(e expiring)
	lapse        func()

	mu      sync.Mutex
	timer   *time.Timer // nil before begin
	expires time.Time
	tellAt  time.Time // zero once it was told
	over    bool      // stopped, or lapsed
}

// begin sets the end, for the first time or another.
func (t *term) begin(expires time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	now := time.Now()
	t.expires = expires
	t.tellAt = expires.Add(-max(0, min(t.lead, expires.Sub(now)/2)))
	if t.timer == nil {
		t.timer = time.AfterFunc(t.napLocked(now), t.wake)
		return
	}
	t.timer.Reset(t.napLocked(now))
}

// napLocked is how long there is nothing to do.
func (t *term) napLocked(now time.Time) time.Duration {
	next := t.expires.Add(t.leeway)
	if !t.tellAt.IsZero() {
		next = t.tellAt
	}
	return min(max(0, next.Sub(now)), maxNap)
}

// wake does what is due. It may be late, or early when the end was set anew.
func (t *term) wake() {
	if e, tell, lapse := t.due(); lapse {
		t.lapse()
	} else if tell {
		t.tell(e)
	}
}

func (t *term) due() (e expiring, tell, lapse bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	switch {
	case t.over:
		return e, false, false
	case !now.Before(t.expires.Add(t.leeway)):
		t.over = true
		return e, false, true
	case !t.tellAt.IsZero() && !now.Before(t.tellAt):
		t.tellAt = time.Time{}
		tell = true
		e = expiring{Expires: t.expires.UnixMilli(), In: max(0, t.expires.Sub(now).Milliseconds())}
	}
	t.timer.Reset(t.napLocked(now))
	return e, tell, false
}

// stop ends it; nothing is called any more but what is being called.
func (t *term) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.timer.Stop()
}
