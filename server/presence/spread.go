package presence

import (
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// How this node tells the others of its own part.

const (
	// batchEvery is how long changes are gathered before they are told.
	batchEvery = 50 * time.Millisecond
	// countEvery is how often the counts of count-only rooms are told.
	countEvery = time.Second
	// batchBytes is about how long a message is at most.
	batchBytes = 32 << 10
	// logBytes and logLen bound the batches that are kept to be sent again.
	logBytes = 256 << 10
	logLen   = 1024
)

// change is what the others do not know yet of this node's part of a room.
type change struct {
	whole bool // it was a count and is a list, or the other way round
	users map[string]struct{}
}

// sending is a message that is ready.
type sending struct {
	head head
	body any
}

func (p *Presence) changeLocked(r *room) *change {
	c := p.changes[r]
	if c == nil {
		c = &change{}
		p.changes[r] = c
	}
	return c
}

// batchByLocked has the changes told by a time.
func (p *Presence) batchByLocked(t time.Time) {
	if p.batchAt.IsZero() || t.Before(p.batchAt) {
		p.batchAt = t
		p.wake()
	}
}

// spreadLocked has the others hear of a member of this node.
func (p *Presence) spreadLocked(m *member) {
	if p.link == nil {
		return
	}
	c, soon := p.changeLocked(m.part.room), p.now().Add(batchEvery)
	if m.part.counting {
		if due := p.countedAt.Add(countEvery); due.After(soon) {
			soon = due
		}
		p.batchByLocked(soon)
		return
	}
	if c.users == nil {
		c.users = make(map[string]struct{})
	}
	c.users[m.user] = struct{}{}
	p.batchByLocked(soon)
}

func (p *Presence) spreadModeLocked(r *room) {
	if p.link != nil {
		c := p.changeLocked(r)
		c.whole, c.users = true, nil
		p.batchByLocked(p.now().Add(batchEvery))
	}
}

func (p *Presence) spreadMetaLocked(user string) {
	if p.link != nil {
		p.changedMetas[user] = struct{}{}
		p.batchByLocked(p.now().Add(batchEvery))
	}
}

// batchLocked returns the changes as messages, each with the next version.
func (p *Presence) batchLocked(now time.Time) []sending {
	counts := now.Sub(p.countedAt) >= countEvery
	if counts {
		p.countedAt = now
	}
	b := builder{p: p}
	for r, c := range p.changes {
		pt := r.parts[p.self]
		if pt != nil && pt.counting && !c.whole && !counts {
			continue // later
		}
		delete(p.changes, r)
		switch {
		case pt == nil && r.announced:
			r.announced = false
			b.add(roomOp{Name: r.name, Count: &[2]int{}})
		case pt == nil:
		case pt.counting:
			r.announced = true
			b.add(roomOp{Name: r.name, Count: &[2]int{pt.users, pt.sockets}})
		default:
			r.announced = true
			b.list(pt, c)
		}
		p.touchLocked(r) // perhaps nothing is left of it
	}
	for user := range p.changedMetas {
		b.meta(user)
		delete(p.changedMetas, user)
	}
	p.batchAt = time.Time{}
	if len(p.changes) > 0 {
		p.batchByLocked(p.countedAt.Add(countEvery))
	}
	p.settleLocked()
	var out []sending
	for _, one := range b.close() {
		p.self.version++
		s := sending{head: p.headLocked(kindDelta), body: one}
		if raw, err := socketio.NewRaw(one); err == nil { // always: it is made of strings and numbers
			s.body = raw
			p.log.add(s.head, raw)
		}
		out = append(out, s)
	}
	return out
}

func (p *Presence) headLocked(kind string) head {
	return head{V: protocol, Kind: kind, Node: p.self.id, Version: p.self.version}
}

// pagesLocked returns all that this node has to say.
func (p *Presence) pagesLocked() []sending {
	b := builder{p: p}
	for _, pt := range p.self.parts {
		if !pt.room.announced {
			continue // the next batch has it
		}
		if pt.counting {
			b.add(roomOp{Name: pt.room.name, Count: &[2]int{pt.users, pt.sockets}})
			continue
		}
		b.list(pt, &change{whole: true})
	}
	pages := b.close()
	if len(pages) == 0 {
		pages = []*body{{}}
	}
	out := make([]sending, len(pages))
	for i, page := range pages {
		h := p.headLocked(kindPage)
		h.Page, h.Pages = i, len(pages)
		out[i] = sending{head: h, body: page}
	}
	return out
}

// toldLocked counts what the others know of this node, as they do. Call it after a
// batch.
func (p *Presence) toldLocked() int {
	n := 0
	for _, pt := range p.self.parts {
		switch {
		case !pt.room.announced:
		case pt.counting:
			n++
		default:
			n += len(pt.members)
		}
	}
	return n
}

// builder makes bodies of a bounded size.
type builder struct {
	p     *Presence
	done  []*body
	now   *body
	size  int
	metas map[string]struct{} // in now
}

// room makes room for something of a size.
func (b *builder) room(size int) {
	if b.now == nil || b.size+size > batchBytes && b.size > 0 {
		b.now, b.size, b.metas = &body{}, 0, make(map[string]struct{})
		b.done = append(b.done, b.now)
	}
	b.size += size
}

func (b *builder) add(op roomOp) {
	b.room(op.size())
	b.now.Rooms = append(b.now.Rooms, op)
}

// list adds members of a part: those that changed, or all.
func (b *builder) list(pt *part, c *change) {
	if !c.whole {
		op := roomOp{Name: pt.room.name}
		for user := range c.users {
			if m := pt.members[user]; m != nil {
				op = b.set(op, m)
			} else {
				op = b.gone(op, user)
			}
		}
		b.finish(op)
		return
	}
	op := roomOp{Name: pt.room.name, All: true}
	for _, m := range pt.members {
		op = b.set(op, m)
	}
	b.finish(op)
}

// set adds a member to an op, which is begun anew when it is long enough. The meta goes
// into the same message: who hears of the user knows it.
func (b *builder) set(op roomOp, m *member) roomOp {
	one := memberOp{User: m.user, Sockets: m.listed()}
	if m.n > len(one.Sockets) {
		one.N = m.n
	}
	op = b.fit(op, one.size()+b.metaSize(m.user))
	op.Set = append(op.Set, one)
	b.meta(m.user)
	return op
}

func (b *builder) gone(op roomOp, user string) roomOp {
	op = b.fit(op, len(user)+4)
	op.Gone = append(op.Gone, user)
	return op
}

// fit puts what there is of an op into the message if a further part of it belongs into
// the next one.
func (b *builder) fit(op roomOp, size int) roomOp {
	begun := len(op.Set)+len(op.Gone) > 0
	if begun && b.size+size > batchBytes {
		b.finish(op)
		op, begun = roomOp{Name: op.Name}, false
		b.now = nil
	}
	if !begun {
		size += len(op.Name) + 40
	}
	b.room(size)
	return op
}

// finish adds an op whose size is counted already.
func (b *builder) finish(op roomOp) {
	if len(op.Set)+len(op.Gone) > 0 {
		b.now.Rooms = append(b.now.Rooms, op)
	}
}

func (b *builder) metaSize(user string) int {
	prof := b.p.self.profiles[user]
	if prof == nil || prof.stamp == stampNone {
		return 0
	}
	return len(user) + len(prof.meta) + len(prof.meta)/4 + 40
}

// meta adds the meta of a user, once to a message.
func (b *builder) meta(user string) {
	prof := b.p.self.profiles[user]
	if prof == nil || prof.stamp == stampNone {
		return
	}
	if b.now == nil {
		b.room(b.metaSize(user))
	}
	if _, there := b.metas[user]; there {
		return
	}
	b.metas[user] = struct{}{}
	b.now.Metas = append(b.now.Metas, metaOp{User: user, Stamp: prof.stamp, Meta: prof.meta})
}

func (b *builder) close() []*body { return b.done }

// deltaLog keeps the last batches.
type deltaLog struct {
	all   []sending
	sizes []int
	bytes int
}

func (l *deltaLog) add(h head, b socketio.Raw) {
	l.all, l.sizes = append(l.all, sending{h, b}), append(l.sizes, b.Size())
	l.bytes += b.Size()
	for len(l.all) > logLen || l.bytes > logBytes {
		l.bytes -= l.sizes[0]
		l.all[0] = sending{}
		l.all, l.sizes = l.all[1:], l.sizes[1:]
	}
}

// since returns the batches after a version; false if not all of them are kept.
func (l *deltaLog) since(version uint64) ([]sending, bool) {
	if len(l.all) == 0 || version+1 < l.all[0].head.Version {
		return nil, false
	}
	skip := min(version+1-l.all[0].head.Version, uint64(len(l.all)))
	return append([]sending(nil), l.all[skip:]...), true
}
