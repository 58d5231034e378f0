package engineio

import (
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// queuedStep is how many bytes of an outbox are counted at once, so that sessions
	// whose clients take what they get never touch the count that all share.
	queuedStep = 4 << 10
	// queuedRetry is when a client that is refused for memory may come again.
	queuedRetry = 5 * time.Second
)

// outboxTotal counts the bytes in all outboxes of a server, to within queuedStep each.
type outboxTotal struct {
	limit   int64 // 0: none
	bytes   atomic.Int64
	relieve atomic.Bool // somebody is at it
}

func (t *outboxTotal) full() bool { return t.limit > 0 && t.bytes.Load() >= t.limit }

// counting is what of an outbox is in the total. It is guarded by Session.mu.
type counting struct {
	counted int
	since   int64  // when, after epoch, it began to be counted, and was never empty since
	taken   uint64 // outbox.taken then
}

// countLocked brings the total up to date after the outbox grew or shrank.
func (s *Session) countLocked() {
	o := &s.out
	d := o.bytes - o.total.counted
	if d < queuedStep && d > -queuedStep && (o.bytes > 0 || o.total.counted == 0) || s.state == stateClosed {
		return
	}
	if o.total.counted == 0 {
		o.total.since, o.total.taken = sinceEpoch(time.Now()), o.taken
	}
	o.total.counted = o.bytes
	t := &s.srv.queued
	if now := t.bytes.Add(int64(d)); d > 0 && t.limit > 0 && now > t.limit && !t.relieve.Swap(true) {
		s.srv.wg.Go(s.srv.relieve) // this session is counted there, so nobody waits yet
	}
}

// uncountLocked takes the outbox off the total.
func (s *Session) uncountLocked() {
	if n := s.out.total.counted; n != 0 {
		s.srv.queued.bytes.Add(int64(-n))
		s.out.total = counting{}
	}
}

var outboxTotalRefusal = refusal{
	code: codeBadRequest, status: http.StatusServiceUnavailable, always: true, retryAfter: queuedRetry,
	message: "Too much is waiting for other clients: try again later", context: map[string]any{"name": RefusedOutboxTotal},
}

// RefusedOutboxTotal is the name in the Context of a ConnectionError of a handshake that
// is refused for Options.OutboxTotal.
const RefusedOutboxTotal = "OUTBOX_TOTAL"

// relieve ends the slowest readers until a tenth of Options.OutboxTotal is free. The
// slowest is the one that would need longest, at its pace, for what waits for it.
func (s *Server) relieve() {
	defer s.queued.relieve.Store(false)
	type reader struct {
		s     *Session
		bytes int
		needs float64 // nanoseconds
	}
	s.mu.RLock()
	all := make([]reader, 0, len(s.sessions))
	for _, session := range s.sessions {
		all = append(all, reader{s: session})
	}
	s.mu.RUnlock()
	now := sinceEpoch(time.Now())
	slow := all[:0]
	for _, r := range all {
		r.s.mu.Lock()
		o := &r.s.out
		r.bytes = o.total.counted
		if r.bytes > 0 {
			r.needs = float64(o.bytes) * float64(now-o.total.since) / float64(o.taken-o.total.taken+1)
		}
		r.s.mu.Unlock()
		if r.bytes > 0 {
			slow = append(slow, r)
		}
	}
	slices.SortFunc(slow, func(a, b reader) int {
		switch {
		case a.needs > b.needs:
			return -1
		case a.needs < b.needs:
			return 1
		}
		return b.bytes - a.bytes
	})
	for _, r := range slow {
		if s.queued.bytes.Load() <= s.queued.limit/10*9 {
			return
		}
		r.s.end(&CloseError{Reason: ReasonTransportClose, Detail: DetailOutboxTotal})
	}
}
