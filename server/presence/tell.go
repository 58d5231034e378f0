package presence

import (
	"encoding/json"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"
)

// How the application hears of changes: not as they happen, but as what there is to say
// of a room compared with what was said last. So a handler that takes its time makes
// nothing grow.

// OnChange adds a handler of the events of all rooms. It hears of what changes from now
// on; Room says what there is. Handlers run on one goroutine, one at a time: they may
// take a moment, and hold up only each other. It returns a function that removes the
// handler again.
func (p *Presence) OnChange(f func(e Event)) (off func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.handlers) == 0 {
		p.levelAllLocked(true)
	}
	h := &f
	p.handlers = append(slices.Clip(p.handlers), h)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.handlers = slices.DeleteFunc(slices.Clone(p.handlers), func(one *func(Event)) bool { return one == h })
		if len(p.handlers) == 0 {
			p.levelAllLocked(false)
		}
	}
}

// levelAllLocked takes all rooms as told, to those who listen.
func (p *Presence) levelAllLocked(listening bool) {
	for _, r := range p.rooms {
		p.levelLocked(r, listening)
		p.touchLocked(r) // perhaps nothing is left of it
	}
	p.settleLocked()
}

// levelLocked takes a room as told.
func (p *Presence) levelLocked(r *room, listening bool) {
	for id, res := range r.residents {
		res.told, res.toldMeta = listening && res.refs > 0 && !r.countOnly, res.who.meta
		if res.refs == 0 {
			delete(r.residents, id)
		}
	}
	p.cleanLocked(r)
	r.toldCountOnly = r.countOnly
	r.toldUsers, r.toldSockets, _ = r.totals()
}

// cleanLocked takes the marks off the residents.
func (p *Presence) cleanLocked(r *room) {
	for _, res := range r.dirty {
		res.dirty = false
		if res.refs == 0 && !res.told {
			p.forgetResidentLocked(r, res)
		}
	}
	r.dirty, r.stale = nil, 0
}

// forgetResidentLocked removes a resident who is not here and of whom nothing is left
// to say.
func (p *Presence) forgetResidentLocked(r *room, res *resident) {
	if r.residents[res.who.id] == res {
		delete(r.residents, res.who.id)
	}
}

// staleFew is how many marks without a meaning a room may have in any case.
const staleFew = 32

// soilLocked notes that there may be something to say of a resident.
func (p *Presence) soilLocked(r *room, res *resident) {
	switch {
	case res.refs == 0 && !res.told: // nobody has heard of the stay
		p.forgetResidentLocked(r, res)
		if res.dirty {
			res.dirty = false
			r.stale++
		}
		if r.stale > staleFew && r.stale > len(r.dirty)/2 {
			r.dirty = slices.DeleteFunc(r.dirty, func(one *resident) bool { return !one.dirty })
			r.stale = 0
		}
	case res.dirty || len(p.handlers) == 0:
	default:
		res.dirty = true
		r.dirty = append(r.dirty, res)
	}
}

// queueLocked has a room told of, if there may be anything to say.
func (p *Presence) queueLocked(r *room) {
	users, sockets, _ := r.totals()
	if len(p.handlers) == 0 {
		r.toldCountOnly, r.toldUsers, r.toldSockets = r.countOnly, users, sockets
		return
	}
	news := len(r.dirty) > r.stale || r.toldCountOnly != r.countOnly || users != r.toldUsers || sockets != r.toldSockets
	if news && !r.queued && !p.closed {
		r.queued = true
		p.queue = append(p.queue, r)
	}
}

func (p *Presence) startTellingLocked() {
	if len(p.queue) > 0 && !p.telling && !p.closed {
		p.telling = true
		p.tellers.Go(p.tell)
	}
}

// tell calls the handlers until there is nothing left to say.
func (p *Presence) tell() {
	for {
		if p.pause != nil {
			p.pause()
		}
		events, handlers, more := p.nextEvents()
		if !more {
			return
		}
		for _, e := range events {
			for _, h := range handlers {
				p.call(*h, e)
			}
		}
	}
}

func (p *Presence) call(f func(e Event), e Event) {
	defer func() {
		if v := recover(); v != nil {
			p.opts.Logger.Error("presence: a handler panicked", slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
		}
	}()
	f(e)
}

func (p *Presence) nextEvents() (events []Event, handlers []*func(Event), more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 || p.closed {
		p.queue, p.telling = nil, false
		return nil, nil, false
	}
	r := p.queue[0]
	p.queue[0] = nil
	p.queue = p.queue[1:]
	r.queued = false
	events = p.eventsLocked(r, p.now())
	p.forgetLocked(r)
	return events, p.handlers, true
}

// eventsLocked returns what there is to say of a room, and takes it as told.
func (p *Presence) eventsLocked(r *room, now time.Time) []Event {
	users, sockets, _ := r.totals()
	base := Event{Room: r.name, UserCount: users, SocketCount: sockets, CountOnly: r.countOnly}
	var events []Event
	switch {
	case r.countOnly && !r.toldCountOnly:
		p.levelLocked(r, true)
		r.countedAt = now
		base.Kind = Count
		return []Event{base}
	case !r.countOnly && r.toldCountOnly:
		p.levelLocked(r, true)
		base.Kind, base.Members = List, r.users()
		return []Event{base}
	case r.countOnly:
		p.cleanLocked(r)
	default:
		events = p.memberEventsLocked(r, base)
	}
	switch {
	case len(events) > 0:
	case users == r.toldUsers && sockets == r.toldSockets:
		return nil
	case now.Sub(r.countedAt) < countEvery:
		p.countLaterLocked(r)
		return nil
	default:
		r.countedAt = now
		base.Kind = Count
		events = []Event{base}
	}
	r.toldUsers, r.toldSockets = users, sockets
	return events
}

// memberEventsLocked returns what there is to say of the residents of a room.
func (p *Presence) memberEventsLocked(r *room, base Event) []Event {
	var events []Event
	for _, res := range r.dirty {
		if !res.dirty {
			continue
		}
		res.dirty = false
		here, meta, was := res.refs > 0, res.who.meta, res.toldMeta
		e := base
		e.User = res.who.id
		switch {
		case here && !res.told:
			e.Kind, e.Meta = Join, raw(meta)
			res.told, res.toldMeta = true, meta
		case !here && res.told:
			e.Kind, e.Meta = Leave, raw(was)
			res.told = false
		case here && meta != was:
			e.Kind, e.Meta, e.Was = Update, raw(meta), raw(was)
			res.toldMeta = meta
		}
		if !here {
			p.forgetResidentLocked(r, res)
		}
		if e.Kind != 0 {
			events = append(events, e)
		}
	}
	r.dirty, r.stale = nil, 0
	return events
}

// countLaterLocked has the counts told when it is a second since they were told last.
func (p *Presence) countLaterLocked(r *room) {
	if r.countDue {
		return
	}
	r.countDue = true
	p.laterLocked(r.countedAt.Add(countEvery), func(time.Time) {
		r.countDue = false
		p.touchLocked(r)
	})
}

func raw(meta string) json.RawMessage {
	if meta == "" {
		return nil
	}
	return json.RawMessage(meta)
}
