package engineio

import (
	"context"
	"sync/atomic"
	"time"
)

// retryGrace is how long a session outlives a waiting poll, or a POST, that was
// cut, so that a proxy may send the same request again. It is under the second
// within which a client that went away must be noticed.
const retryGrace = 500 * time.Millisecond

// probeNoop is how long a poll that arrives during an upgrade waits before a
// noop releases it; the first one is released at once.
const probeNoop = 100 * time.Millisecond

// lastPollGrace is how long a goodbye waits for a GET that was sent before it. On
// one machine it arrives within a millisecond or two.
const lastPollGrace = 50 * time.Millisecond

// poller is the long-polling side of a session. It is guarded by Session.mu.
type poller struct {
	b64 bool // the handshake said that the client cannot take binary; immutable

	waiting   *waitingPoll
	answering *waitingPoll // the GET whose answer is being made, outside the lock
	last      *pollAnswer  // the answer to the last GET, until the next GET
	before    requestID    // the GET whose answer was last before that

	posting *post        // the POST being read and delivered
	posted  [2]requestID // the last POSTs that were answered "ok", the last one first
	fare    fare         // owned by the POST being read

	arrives   time.Time     // when the last long answer should have reached a slow client
	leaving   chan struct{} // closed by the GET that a goodbye waits for
	candidate *wsConn       // the WebSocket that wants to take over
	upgrading bool          // a WebSocket wants to take over
	probing   bool          // ... and has been probed: polls are let go

	// Each ends the session unless the GET, or the POST, that was cut is sent again.
	pollGrace, postGrace *time.Timer
}

// waitingPoll is a GET that waits for something to say.
type waitingPoll struct {
	id   requestID
	wake chan struct{} // holds one token; nil in the lane

	outcome pollOutcome // guarded by Session.mu
	answer  *pollAnswer // what the same GET was answered, if this one came during that; guarded by Session.mu

	x       *exchange     // in the lane: what it is answered with; nil elsewhere
	since   time.Time     // likewise, as all that follows
	longest time.Duration // guarded by laneConn.mu
	due     int64         // when it is let go, after epoch; guarded by laneConn.mu
	gone    atomic.Bool   // the client has left
	woken   bool          // somebody is about to see whether there is an answer; guarded by Session.mu
	over    bool          // it has an answer; guarded by Session.mu
	ready   bool          // there was something to say when it came; owned by who serves it
}

type pollOutcome uint8

const (
	pollWaits     pollOutcome = iota
	pollReplaced              // the same GET came again
	pollOvertaken             // sent during an upgrade that is complete now
	pollNoop                  // let go: upgrade, or the client closed the session
	pollClosed                // the session ended
)

// signal has the GET look whether there is an answer. Session.mu is held.
func (p *waitingPoll) signal() {
	if p.x != nil {
		if !p.woken {
			p.woken = true
			p.x.conn.lane.servers.Do(laneWork{woken: p})
		}
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// pollAnswer is the body of an answer, kept for a proxy that asks again.
type pollAnswer struct {
	id          requestID
	contentType string
	body        []byte
	compress    bool
}

// servePoll answers a GET of a polling session.
func (s *Session) servePoll(x *exchange) {
	x.q.b64, x.session = x.q.b64 || s.poll.b64, s
	me := &waitingPoll{id: x.q.id, wake: make(chan struct{}, 1)}
	answer, refused := s.enterPoll(me)
	switch {
	case refused != nil:
		x.refuse(*refused)
		return
	case answer != nil:
		x.answerPoll(answer)
		return
	}
	since := time.Now()
	hold, longest, shortened := s.srv.holds.duration(x.r.RemoteAddr)
	if shortened {
		s.srv.opts.Observer.PollHoldShortened()
	}
	timer := time.NewTimer(hold)
	defer timer.Stop()
	for {
		select {
		case <-me.wake:
			if x.r.Context().Err() != nil {
				continue // nobody is there to take what came; the last case deals with it
			}
			if answer := s.leavePoll(me, x); answer != nil {
				x.answerPoll(answer)
				return
			}
			if s.overtaken(me) {
				x.refuse(refusal{code: codeBadRequest, context: map[string]any{"name": "TRANSPORT_MISMATCH"}})
				return
			}
		case <-timer.C:
			if wait := s.untilPing(); wait > 0 && time.Since(since)+wait <= longest {
				timer.Reset(wait)
				continue
			}
			s.srv.holds.survived(x.r.RemoteAddr, time.Since(since))
			s.letGo(me)
		case <-x.r.Context().Done():
			s.srv.holds.cut(x.r.RemoteAddr, time.Since(since))
			s.pollAborted(me)
			return
		}
	}
}

// enterPoll makes the GET the waiting one, or returns its answer at once: the
// same bytes again for a GET sent again, or the refusal of one that overlaps.
func (s *Session) enterPoll(me *waitingPoll) (*pollAnswer, *refusal) {
	s.mu.Lock()
	p := s.poll
	if s.state == stateClosed || s.ws != nil || p == nil {
		s.mu.Unlock()
		return nil, &refusal{code: codeUnknownSID}
	}
	if p.last != nil && me.id != 0 && p.last.id == me.id {
		answer := p.last
		s.mu.Unlock()
		return answer, nil
	}
	if me.id != 0 && me.id == p.before { // a copy that comes after its answer has led to the next
		s.mu.Unlock()
		return nil, &refusal{code: codeBadRequest, context: map[string]any{"name": "POLL_REPEATED"}}
	}
	for _, old := range []*waitingPoll{p.waiting, p.answering} {
		if old != nil && (me.id == 0 || old.id != me.id) {
			s.mu.Unlock()
			s.end(&CloseError{Reason: ReasonTransportError, Detail: DetailPollOverlap})
			return nil, &refusal{code: codeBadRequest, context: map[string]any{"name": "POLL_OVERLAP"}}
		}
	}
	if old := p.waiting; old != nil {
		old.outcome = pollReplaced
		old.signal()
	}
	if p.last != nil {
		p.last, p.before = nil, p.last.id
	}
	p.waiting = me
	if p.leaving != nil {
		close(p.leaving)
		p.leaving = nil
	}
	stopTimer(p.pollGrace)
	switch {
	case !s.out.empty() && me.x != nil:
		me.ready, me.woken = true, true // who serves it does not wait for itself
	case !s.out.empty():
		me.signal()
	case p.probing:
		time.AfterFunc(probeNoop, func() { s.letGo(me) })
	}
	s.mu.Unlock()
	return nil, nil
}

// awaitLastPoll is called when a client that polls says goodbye. Its next GET may
// have been sent before that POST and still be on its way; it is answered like
// one that waits, instead of being told that there is no such session.
func (s *Session) awaitLastPoll() {
	s.mu.Lock()
	if s.state == stateClosed || s.ws != nil || s.poll == nil || s.poll.waiting != nil || s.poll.leaving != nil {
		s.mu.Unlock()
		return
	}
	arrived := make(chan struct{})
	s.poll.leaving = arrived
	s.mu.Unlock()
	timer := time.NewTimer(lastPollGrace)
	defer timer.Stop()
	select {
	case <-arrived:
	case <-timer.C:
	case <-s.Done():
	}
}

// letGo answers a poll with a noop if it still waits.
func (s *Session) letGo(me *waitingPoll) {
	s.mu.Lock()
	if s.poll != nil && s.poll.waiting == me && me.outcome == pollWaits {
		me.outcome = pollNoop
		me.signal()
	}
	s.mu.Unlock()
}

// leavePoll is called when the poll was woken. It returns the answer, or nil when
// there is nothing to say after all.
func (s *Session) leavePoll(me *waitingPoll, x *exchange) *pollAnswer {
	s.mu.Lock()
	if me.over {
		s.mu.Unlock()
		return nil
	}
	me.woken = false
	outcome := me.outcome
	if me.answer != nil || s.poll.answering != nil && (outcome == pollWaits || outcome == pollNoop) {
		defer s.mu.Unlock()
		me.over = me.answer != nil
		return me.answer
	}
	if s.out.empty() || outcome == pollClosed || outcome == pollReplaced || outcome == pollOvertaken {
		var answer *pollAnswer
		switch outcome {
		case pollClosed:
			answer = x.packetAnswer(closePacket)
		case pollReplaced:
			answer = x.packetAnswer(noopPacket)
		case pollNoop:
			answer = x.packetAnswer(noopPacket)
			s.answeredLocked(me, answer)
		case pollWaits, pollOvertaken:
		}
		me.over = answer != nil
		s.mu.Unlock()
		return answer
	}
	me.over = true
	s.poll.waiting, s.poll.answering = nil, me
	var few [4]entry
	batch := s.out.take(few[:0], maxPollAnswer)
	replay := batch[0].m == nil
	s.out.pulled = replay
	s.mu.Unlock()

	answer, page := x.encodePoll(batch)

	s.mu.Lock()
	if replay {
		s.out.pulled = false
		s.out.taken += uint64(len(answer.body))
		s.out.sent.add(page.messages, page.bytes)
		if page.more && s.state != stateClosed {
			s.out.putBack(batch[0])
		}
	} else {
		s.out.settle(batch)
		s.countLocked()
	}
	s.poll.answering = nil
	s.answeredLocked(me, answer)
	over, why := s.state == stateClosing && s.out.empty(), s.why
	var c *wsConn
	if !s.out.empty() {
		c = s.wakeLocked()
	}
	s.mu.Unlock()
	if c != nil {
		s.startFlush(c)
	}
	if over {
		s.end(why)
	}
	return answer
}

// overtaken reports whether the poll is refused because the session has left
// polling, as a later one would be.
func (s *Session) overtaken(me *waitingPoll) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if me.outcome != pollOvertaken || me.over {
		return false
	}
	me.over = true
	return true
}

// answeredLocked ends the waiting of a poll and keeps its answer for a proxy
// that asks again, or has asked again while the answer was made.
func (s *Session) answeredLocked(me *waitingPoll, a *pollAnswer) {
	if again := s.poll.waiting; again != nil && again != me {
		again.answer = a
		again.signal()
	}
	s.poll.waiting = nil
	if me.id != 0 && s.state != stateClosed && s.ws == nil {
		a.id = me.id
		s.poll.last = a
	}
}

// untilPing returns how long to wait for a ping that is about to go out, or 0
// when none is: a ping says more than a noop.
func (s *Session) untilPing() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.protocol != 4 || s.beat.waiting || s.state != stateOpen {
		return 0
	}
	left := time.Until(s.beat.due)
	if left > pingWait {
		return 0
	}
	return max(left, time.Millisecond)
}

// pollAborted is called when the client, or a proxy, closed a waiting poll. The
// same GET may come again shortly; otherwise the session is over.
func (s *Session) pollAborted(me *waitingPoll) {
	s.mu.Lock()
	if s.poll == nil || s.poll.waiting != me {
		s.mu.Unlock()
		return
	}
	c := &CloseError{Reason: ReasonTransportError, Detail: DetailPollAborted, Err: context.Canceled}
	if me.id == 0 {
		s.mu.Unlock()
		s.end(c)
		return
	}
	s.graceLocked(&s.poll.pollGrace, c)
	s.mu.Unlock()
}

// graceLocked ends the session in a moment, unless a request stops the timer.
func (s *Session) graceLocked(t **time.Timer, c *CloseError) {
	if s.state == stateClosed {
		return
	}
	stopTimer(*t)
	*t = time.AfterFunc(retryGrace, func() { s.end(c) })
}

// endLocked lets the waiting poll go when the session ends: with a close packet,
// or a noop when it was the client that closed.
func (p *poller) endLocked(why *CloseError) {
	stopTimer(p.pollGrace)
	stopTimer(p.postGrace)
	p.last = nil
	if p.waiting == nil {
		return
	}
	p.waiting.outcome = pollClosed
	if why.Detail == DetailClosePacket {
		p.waiting.outcome = pollNoop
	}
	p.waiting.signal()
}
