package presence

import (
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

const (
	// beatEvery is how often a node says that it is there.
	beatEvery = 3 * time.Second
	// wholeEvery is how often a node repeats everything at most.
	wholeEvery = time.Second
	// askAfter is how long questions are gathered.
	askAfter = 20 * time.Millisecond
)

// speak sends what this node has to say, until it stops. Only this goroutine sends, so
// what it sends is in order.
func (p *Presence) speak() {
	defer close(p.silent)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-p.stop:
			p.send(p.lastWords())
			return
		case <-p.woken:
		case <-timer.C:
		}
		out, next := p.turn()
		p.send(out)
		timer.Reset(time.Until(next))
	}
}

func (p *Presence) send(all []sending) {
	for _, one := range all {
		if err := p.link(one.head, one.body); err != nil {
			// The others miss the version and ask for it when they can be reached again.
			if !p.unheard {
				p.opts.Logger.Warn("presence: the other nodes cannot be told", slog.Any("error", err))
			}
			p.unheard = true
			continue
		}
		p.unheard = false
	}
}

// wake has the speaker look for what there is to say, soon.
func (p *Presence) wake() {
	select {
	case p.woken <- struct{}{}:
	default:
	}
}

// turn returns what is to be said now, and when to ask again.
func (p *Presence) turn() (out []sending, next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	whole := p.wanted && (p.wantedFrom > 0 || now.Sub(p.wholeAt) >= wholeEvery)
	beat := !now.Before(p.beatAt)
	if whole || beat || !p.batchAt.IsZero() && !now.Before(p.batchAt) {
		out = p.batchLocked(now)
	}
	if whole {
		out = p.answerLocked(now, out)
	}
	if (len(p.asks) > 0 || p.askUnknown) && now.Sub(p.askedAt) >= askAfter {
		p.askedAt = now
		out = append(out, p.questionLocked())
	}
	if beat {
		h := p.headLocked(kindBeat)
		h.Told = p.toldLocked()
		out = append(out, sending{head: h})
		p.beatAt = now.Add(beatEvery)
	}
	return out, p.nextTurnLocked(now)
}

func (p *Presence) nextTurnLocked(now time.Time) time.Time {
	next := p.beatAt
	sooner := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	if !p.batchAt.IsZero() {
		sooner(p.batchAt)
	}
	if p.wanted {
		sooner(p.wholeAt.Add(wholeEvery))
	}
	if len(p.asks) > 0 || p.askUnknown {
		sooner(p.askedAt.Add(askAfter))
	}
	if next.Before(now) {
		return now
	}
	return next
}

// answerLocked repeats what was asked for: the batches that are still kept, fresh ones
// last, or everything.
func (p *Presence) answerLocked(now time.Time, fresh []sending) []sending {
	from := p.wantedFrom
	p.wanted = false
	if from > 0 {
		if batches, ok := p.log.since(uint64(from)); ok && len(batches) >= len(fresh) {
			return batches
		}
		if now.Sub(p.wholeAt) < wholeEvery {
			p.wanted, p.wantedFrom = true, 0
			return fresh
		}
	}
	p.wholeAt = now
	return append(fresh, p.pagesLocked()...)
}

func (p *Presence) questionLocked() sending {
	w := wants{All: p.askUnknown}
	for id, have := range p.asks {
		w.Of = append(w.Of, want{Node: id, Have: have})
	}
	clear(p.asks)
	p.askUnknown = false
	return sending{head: p.headLocked(kindWant), body: w}
}

// lastWords are the last changes and the goodbye.
func (p *Presence) lastWords() []sending {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append(p.batchLocked(p.now()), sending{head: p.headLocked(kindBye)})
}

// adapterEvent follows the connection to the other nodes.
func (p *Presence) adapterEvent(e socketio.AdapterEvent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case socketio.AdapterState:
		p.cutOff = !e.Up
		if !e.Up || p.closed {
			return
		}
		for _, n := range p.others { // they could not be heard
			n.heard = p.now()
		}
	case socketio.AdapterGap:
	default:
		return
	}
	if !p.closed {
		p.askAllLocked()
		p.beatAt = time.Time{}
	}
}
