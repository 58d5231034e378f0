package nodes

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Static is a Registry, and Secrets, of what it is given: for tests, and for a
// program that knows its nodes. Add and Remove call the listeners; they are called
// from one goroutine at a time.
type Static struct {
	self   Node
	secret []byte

	mu        sync.Mutex
	nodes     map[string]Node
	listeners map[*func(Change)]bool
}

var (
	_ Registry = (*Static)(nil)
	_ Secrets  = (*Static)(nil)
)

// NewStatic returns a registry of self, which knows no others yet.
func NewStatic(self Node, secret []byte) *Static {
	return &Static{
		self: self, secret: slices.Clone(secret),
		nodes: map[string]Node{self.ID: self}, listeners: make(map[*func(Change)]bool),
	}
}

// Self returns the node that was given.
func (s *Static) Self() Node { return s.self }

// Nodes returns all that are there.
func (s *Static) Nodes() []Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Sorted(s.nodes)
}

// Lookup returns the node of an id, without waiting.
func (s *Static) Lookup(_ context.Context, id string) (Node, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.nodes[id]
	return n, ok
}

// Add makes a node known.
func (s *Static) Add(n Node) { s.change(Change{Node: n}) }

// Remove forgets a node.
func (s *Static) Remove(id string) { s.change(Change{Node: Node{ID: id}, Gone: true}) }

func (s *Static) change(c Change) {
	s.mu.Lock()
	known, ok := s.nodes[c.Node.ID]
	if ok == c.Gone {
		if c.Gone {
			c.Node = known
			delete(s.nodes, c.Node.ID)
		} else {
			s.nodes[c.Node.ID] = c.Node
		}
	}
	tell := slices.Collect(maps.Keys(s.listeners))
	s.mu.Unlock()
	if ok != c.Gone {
		return // nothing new
	}
	for _, f := range tell {
		(*f)(c)
	}
}

// OnChange adds a listener.
func (s *Static) OnChange(f func(c Change)) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners[&f] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners, &f)
	}
}

// Secret returns the secret that was given.
func (s *Static) Secret() []byte { return s.secret }

// Accepted returns the same.
func (s *Static) Accepted() [][]byte {
	if s.secret == nil {
		return nil
	}
	return [][]byte{s.secret}
}

// Renew has nowhere to look.
func (s *Static) Renew(context.Context) {}

// Sorted returns nodes in the order of their ids.
func Sorted(all map[string]Node) []Node {
	return slices.SortedFunc(maps.Values(all), func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
}
