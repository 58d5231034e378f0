package comments

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// How nodes tell each other who is where.
const (
	beatEvery    = 5 * time.Second
	nodeSilence  = 16 * time.Second // after which a node is gone
	maxOtherPage = 10_000           // pages that another node is believed to have
	maxNodes     = 1000             // other nodes
)

// Who types.
const (
	typesFor   = 6 * time.Second // without a word more
	typesEvery = time.Second     // what a client says of it, at most
	maxTypists = 3               // who are named; more are counted
	maxTyping  = 1000            // of a page, and pages
)

// otherNode is what another node has said.
type otherNode struct {
	heard   time.Time
	viewers map[string]int // by page
}

// viewers is how many clients are on a page, on all nodes.
func (s *site) viewers(page string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.viewersLocked(page)
}

func (s *site) viewersLocked(page string) (n int) {
	if l := s.pages[page]; l != nil {
		n = l.here
	}
	for _, node := range s.others {
		n += node.viewers[page]
	}
	return n
}

func (f *feed) viewersDue(now time.Time) bool {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return f.s.crowd || f.s.c.cluster && !now.Before(f.next.beat)
}

// viewers tells how many clients are on pages, here and to other nodes.
func (f *feed) viewers(now time.Time) (more time.Time) {
	s := f.s
	shown := s.about.Load().Settings.Viewers
	beat := !now.Before(f.next.beat)
	if beat {
		f.next.beat = now.Add(beatEvery)
	}
	tell, nodes := make(map[string]int), make(map[string]int)
	s.mu.Lock()
	s.crowd = false
	for id, node := range s.others {
		if now.Sub(node.heard) > nodeSilence {
			delete(s.others, id)
			s.changedLocked(slices.Collect(maps.Keys(node.viewers)))
			s.crowd = false
		}
	}
	for page, l := range s.pages {
		if l.dirty || beat {
			nodes[page] = l.here
		}
		if l.dirty {
			l.dirty = false
			if n := s.viewersLocked(page); n != l.viewers && l.here > 0 {
				l.viewers = n
				tell[page] = n
			}
		}
		if l.here <= 0 {
			delete(s.pages, page)
		}
	}
	s.mu.Unlock()
	if !shown {
		return more
	}
	for page, count := range tell {
		rooms := []string{s.room(roomPage, page), s.room(roomStaff, page)}
		f.emitted("viewers", s.c.ns.To(rooms...).Local().Emit("viewers", map[string]any{"page": page, "count": count}))
	}
	if s.c.cluster && (beat || len(nodes) > 0) {
		s.c.nudge(&nodeMessage{Site: s.name, Viewers: nodes, Whole: beat})
	}
	return more
}

// changedLocked says that the viewers of pages are others.
func (s *site) changedLocked(pages []string) {
	for _, page := range pages {
		if l := s.pages[page]; l != nil {
			l.dirty, s.crowd = true, true
		}
	}
}

// bye tells the other nodes that nobody is on the site here.
func (f *feed) bye() {
	s := f.s
	s.mu.Lock()
	last := s.feed == nil
	s.mu.Unlock()
	if last && s.c.cluster && s.about.Load().Settings.Viewers {
		s.c.nudge(&nodeMessage{Site: s.name, Whole: true})
	}
}

// heardLocked takes what another node says of who is where.
func (s *site) heardLocked(m *nodeMessage, now time.Time) {
	node := s.others[m.Node]
	if node == nil {
		if len(s.others) >= maxNodes {
			return
		}
		node = &otherNode{viewers: make(map[string]int)}
		s.others[m.Node] = node
	}
	node.heard = now
	if m.Whole {
		s.changedLocked(slices.Collect(maps.Keys(node.viewers)))
		clear(node.viewers)
	}
	for page, n := range m.Viewers {
		switch {
		case len(page) > maxKey:
		case n > 0 && len(node.viewers) < maxOtherPage:
			node.viewers[page] = n
		case n <= 0:
			delete(node.viewers, page)
		}
	}
	s.changedLocked(slices.Collect(maps.Keys(m.Viewers)))
}

// typist is somebody who types.
type typist struct {
	name  string
	until time.Time
}

func (f *feed) typingDue(time.Time) bool {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	return len(f.s.typists) > 0 || len(f.s.typingDue) > 0
}

// typesLocked notes that somebody types on a page; with no name, no more.
func (s *site) typesLocked(page, user, name string, now time.Time) {
	of := s.typists[page]
	_, does := of[user]
	switch {
	case name == "" && !does, name != "" && !does && (len(of) >= maxTyping || of == nil && len(s.typists) >= maxTyping):
		return
	case name == "":
		delete(of, user)
		if len(of) == 0 {
			delete(s.typists, page)
		}
	case of == nil:
		of = make(map[string]typist)
		s.typists[page] = of
		fallthrough
	default:
		of[user] = typist{name, now.Add(typesFor)}
	}
	if does != (name != "") {
		s.typingDue[page] = true
		s.wakeLocked()
	}
}

// typing tells who types on pages where that changed.
func (f *feed) typing(now time.Time) (more time.Time) {
	s := f.s
	tell := make(map[string]map[string]string) // names by user, by page
	s.mu.Lock()
	for page, of := range s.typists {
		for user, one := range of {
			if now.After(one.until) {
				s.typesLocked(page, user, "", now)
			}
		}
	}
	for page := range s.typingDue {
		names := make(map[string]string, len(s.typists[page]))
		for user, one := range s.typists[page] {
			names[user] = one.name
		}
		tell[page] = names
	}
	clear(s.typingDue)
	if len(s.typists) > 0 {
		more = now.Add(typingEvery)
	}
	s.mu.Unlock()
	if s.about.Load().Settings.Typing {
		for page, names := range tell {
			f.tellTyping(page, names)
		}
	}
	return more
}

// tellTyping tells a page who types there. Nobody is told of oneself, where there are few.
func (f *feed) tellTyping(page string, names map[string]string) {
	s := f.s
	form := func(but string) map[string]any {
		list := make([]string, 0, len(names))
		for user, name := range names {
			if user != but {
				list = append(list, name)
			}
		}
		slices.SortFunc(list, strings.Compare)
		count := len(list)
		if count > maxTypists {
			list = []string{}
		}
		return map[string]any{"page": page, "names": list, "count": count}
	}
	to := s.c.ns.To(s.room(roomPage, page), s.room(roomStaff, page)).Local().Volatile()
	if len(names) > maxTypists {
		f.emitted("typing", to.Emit("typing", form("")))
		return
	}
	var typing []string
	for user := range names {
		room := s.room(roomUser, user)
		typing = append(typing, room)
		f.emitted("typing", s.c.ns.To(room).Local().Volatile().Emit("typing", form(user)))
	}
	f.emitted("typing", to.Except(typing...).Emit("typing", form("")))
}
