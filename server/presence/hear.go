package presence

import (
	"log/slog"
	"maps"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// What this node hears of the others.

const (
	// nodeTimeout is how long another node may be silent before it is given up.
	nodeTimeout = 10 * time.Second
	// askEvery is how often a node is asked at most to repeat something.
	askEvery = time.Second
	// buried is how long a node that said goodbye is not believed to be back.
	buried = time.Minute
	// maxNodes is how many other nodes are believed in.
	maxNodes = 1024
	// maxUnread bounds the messages that wait to be taken, in bytes.
	maxUnread = 16 << 20
)

// pages is the state of a node as far as it has come.
type pages struct {
	version uint64
	of      int
	bodies  []*body
	entries int
}

// hear notes a message of another node. Messages of one node come in the order in which
// they were sent; an adapter need not wait for what they lead to, but for this.
func (p *Presence) hear(args socketio.Args) {
	p.ears.Lock()
	defer p.ears.Unlock()
	size := args.Size()
	if p.deaf || p.unreadBytes+size > maxUnread {
		return // the versions tell that something is missing
	}
	p.unread = append(p.unread, args)
	p.unreadBytes += size
	if !p.listening {
		p.listening = true
		p.listeners.Go(p.listen)
	}
}

// listen takes the messages in order, until there are none.
func (p *Presence) listen() {
	for {
		args, ok := p.nextUnread()
		if !ok {
			return
		}
		p.take(args)
	}
}

func (p *Presence) nextUnread() (socketio.Args, bool) {
	p.ears.Lock()
	defer p.ears.Unlock()
	if len(p.unread) == 0 || p.deaf {
		p.unread, p.unreadBytes, p.listening = nil, 0, false
		return socketio.Args{}, false
	}
	args := p.unread[0]
	p.unread[0] = socketio.Args{}
	p.unread = p.unread[1:]
	p.unreadBytes -= args.Size()
	return args, true
}

// take does what a message says.
func (p *Presence) take(args socketio.Args) {
	h, err := parseHead(args)
	if err != nil {
		p.opts.Logger.Debug("presence: message ignored", slog.Any("error", err))
		return
	}
	var b *body
	var w wants
	switch h.Kind {
	case kindDelta, kindPage:
		if !p.needs(h) {
			return
		}
		b, err = parseBody(args)
	case kindWant:
		w, err = parseWants(args)
	case kindBeat, kindBye:
	default:
		return // a newer node's
	}
	if err != nil {
		p.opts.Logger.Warn("presence: message not understood", slog.String("node", h.Node), slog.Any("error", err))
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.speakerLocked(h); n != nil {
		p.takeLocked(n, h, b, w)
		p.settleLocked()
	}
}

// needs notes that a node is there and reports whether a delta or page says something
// new, before its body is decoded.
func (p *Presence) needs(h head) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.speakerLocked(h)
	if n == nil {
		return false
	}
	if h.Kind == kindPage {
		return h.Version >= n.version
	}
	if h.Version > n.version+1 {
		p.askLocked(n, int64(n.version)) //nolint:gosec // a node does not live for 2^63 batches
	}
	return h.Version == n.version+1
}

// speakerLocked returns the node that a message is of, nil if it is not believed in.
func (p *Presence) speakerLocked(h head) *node {
	if _, gone := p.gone[h.Node]; gone || p.closed || h.Node == p.self.id {
		return nil
	}
	n := p.others[h.Node]
	if n == nil {
		if h.Kind == kindBye || len(p.others) >= maxNodes {
			return nil
		}
		n = newNode(h.Node)
		p.others[h.Node] = n
		p.watchLocked(n, p.now().Add(nodeTimeout))
	}
	n.heard = p.now()
	return n
}

// watchLocked gives a node up at a time, unless it is heard until then.
func (p *Presence) watchLocked(n *node, at time.Time) {
	p.laterLocked(at, func(now time.Time) {
		switch limit := n.heard.Add(nodeTimeout); {
		case p.others[n.id] != n || n.leaving:
		case p.cutOff || now.Before(limit):
			if !limit.After(now) {
				limit = now.Add(time.Second)
			}
			p.watchLocked(n, limit)
		default:
			p.opts.Logger.Warn("presence: a node is gone", slog.String("node", n.id), slog.Duration("silent_for", now.Sub(n.heard)))
			p.dropNodeLocked(n)
		}
	})
}

func (p *Presence) takeLocked(n *node, h head, b *body, w wants) {
	switch h.Kind {
	case kindDelta:
		if h.Version == n.version+1 { // still
			n.version = h.Version
			p.applyLocked(n, b)
		}
	case kindPage:
		p.pageLocked(n, h, b)
	case kindBeat:
		p.beatLocked(n, h)
	case kindWant:
		p.wantedLocked(w)
	case kindBye:
		p.byeLocked(n)
	}
}

// beatLocked compares what a node has told with what was heard of it.
func (p *Presence) beatLocked(n *node, h head) {
	switch {
	case h.Version > n.version:
		p.askLocked(n, int64(n.version)) //nolint:gosec // see needs
	case h.Version < n.version:
		n.version = 0 // cannot be, but if it were it should not stay so
		p.askLocked(n, -1)
	case h.Told != n.told && !n.full:
		p.askLocked(n, -1) // likewise
	}
}

// pageLocked gathers the state of a node.
func (p *Presence) pageLocked(n *node, h head, b *body) {
	if h.Version < n.version {
		return
	}
	if h.Page == 0 {
		n.pages = &pages{version: h.Version, of: h.Pages}
	}
	got := n.pages
	if got == nil || got.version != h.Version || got.of != h.Pages || len(got.bodies) != h.Page {
		n.pages = nil // a page was lost; the next beat has this node ask again
		return
	}
	got.bodies = append(got.bodies, b)
	for i := range b.Rooms {
		got.entries += 1 + len(b.Rooms[i].Set)
	}
	if got.entries > 2*p.opts.MaxTracked {
		n.pages = nil
		p.tooMuchLocked(n)
		return
	}
	if len(got.bodies) == got.of {
		n.pages = nil
		p.replaceLocked(n, got)
	}
}

// replaceLocked makes a state all that a node says. What stays as it is makes no event.
func (p *Presence) replaceLocked(n *node, state *pages) {
	listed := make(map[string]map[string]struct{})
	counted := make(map[string]struct{})
	for _, b := range state.bodies {
		for i := range b.Rooms {
			op := &b.Rooms[i]
			if op.Count != nil {
				counted[op.Name] = struct{}{}
				continue
			}
			if listed[op.Name] == nil {
				listed[op.Name] = make(map[string]struct{}, len(op.Set))
			}
			for j := range op.Set {
				listed[op.Name][op.Set[j].User] = struct{}{}
			}
			op.All = false
		}
	}
	for name, pt := range maps.Clone(n.parts) {
		if _, ok := counted[name]; ok {
			continue
		}
		if pt.counting {
			if listed[name] == nil {
				p.dropPartLocked(pt)
			}
			continue
		}
		for user, m := range pt.members {
			if _, ok := listed[name][user]; !ok {
				p.exitLocked(m)
			}
		}
	}
	for _, b := range state.bodies {
		p.applyLocked(n, b)
	}
	n.version = state.version
}

// applyLocked does what a node says.
func (p *Presence) applyLocked(n *node, b *body) {
	for i := range b.Rooms {
		op := &b.Rooms[i]
		if op.Count != nil {
			p.countLocked(n, op.Name, op.Count[0], op.Count[1])
			continue
		}
		p.listOpLocked(n, op)
	}
	metas := make(map[string]struct{}, len(b.Metas))
	for i := range b.Metas {
		m := &b.Metas[i]
		metas[m.User] = struct{}{}
		p.profileLocked(n, m.User, m.Stamp, m.Meta)
	}
	for i := range b.Rooms {
		for j := range b.Rooms[i].Set {
			user := b.Rooms[i].Set[j].User
			if _, ok := metas[user]; !ok { // who is set without a meta has none any more
				p.profileLocked(n, user, stampNone, "")
			}
		}
	}
}

func (p *Presence) listOpLocked(n *node, op *roomOp) {
	if pt := n.parts[op.Name]; pt != nil {
		p.listLocked(pt)
		if op.All {
			p.keepOnlyLocked(pt, op.Set)
		}
		for _, user := range op.Gone {
			if m := pt.members[user]; m != nil {
				p.exitLocked(m)
			}
		}
		if len(pt.members) == 0 && n.parts[op.Name] == pt {
			p.dropPartLocked(pt)
		}
	}
	for j := range op.Set {
		if n.told >= p.opts.MaxTracked {
			p.tooMuchLocked(n)
			return
		}
		one := &op.Set[j]
		m := p.enterLocked(n, op.Name, one.User)
		m.sockets = one.Sockets
		p.resizeLocked(m, max(len(one.Sockets), one.N))
	}
}

// keepOnlyLocked removes the members that are not in a list.
func (p *Presence) keepOnlyLocked(pt *part, set []memberOp) {
	stay := make(map[string]struct{}, len(set))
	for i := range set {
		stay[set[i].User] = struct{}{}
	}
	for user, m := range pt.members {
		if _, ok := stay[user]; !ok {
			p.exitLocked(m)
		}
	}
}

func (p *Presence) tooMuchLocked(n *node) {
	if !n.full {
		n.full = true
		p.opts.Logger.Error("presence: a node tracks more than this one believes; give all nodes the same MaxTracked",
			slog.String("node", n.id), slog.Int("max_tracked", p.opts.MaxTracked))
	}
}

// byeLocked ends a node that stops. Its users have the grace to come back elsewhere.
func (p *Presence) byeLocked(n *node) {
	p.gone[n.id] = struct{}{}
	p.laterLocked(p.now().Add(buried), func(time.Time) { delete(p.gone, n.id) })
	if p.opts.Grace <= 0 {
		p.dropNodeLocked(n)
		return
	}
	n.leaving = true
	p.laterLocked(p.now().Add(p.opts.Grace), func(time.Time) { p.dropNodeLocked(n) })
}

// askLocked has a node asked to repeat what came after a version.
func (p *Presence) askLocked(n *node, have int64) {
	now := p.now()
	if now.Sub(n.asked) < askEvery {
		return
	}
	n.asked = now
	p.asks[n.id] = have
	p.wake()
}

// wantedLocked notes what others ask for. What others are asked for comes here, too.
func (p *Presence) wantedLocked(w wants) {
	mine, named := int64(0), false
	for _, one := range w.Of {
		if one.Node == p.self.id {
			mine, named = one.Have, true
			continue
		}
		if n := p.others[one.Node]; n != nil && one.Have <= int64(n.version) { //nolint:gosec // see needs
			n.asked = p.now()
			delete(p.asks, one.Node)
		}
	}
	if !named && !w.All {
		return
	}
	if !p.wanted || mine < p.wantedFrom {
		p.wantedFrom = mine
	}
	p.wanted = true
	p.wake()
}

// askAllLocked asks everybody for what this node lacks.
func (p *Presence) askAllLocked() {
	for _, n := range p.others {
		n.asked = p.now()
		p.asks[n.id] = int64(n.version) //nolint:gosec // see needs
	}
	p.askUnknown = true
	p.wake()
}
