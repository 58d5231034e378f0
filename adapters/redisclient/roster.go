package redisclient

import (
	"context"
	"strings"
	"sync"
)

var escaper = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`)

// Escape makes text stand for itself in a pattern.
func Escape(text string) string { return escaper.Replace(text) }

// Roster knows which nodes there are by the channels on which each hears alone: a
// prefix, the id of the node and "#". Its methods may be called from any goroutine.
type Roster struct {
	count        *Counter
	prefix, self string

	mu     sync.Mutex
	others []string // when Redis was asked last
}

// NewRoster returns the roster of the nodes on the channels of a prefix, but for self.
func NewRoster(k *Counter, prefix, self string) *Roster {
	return &Roster{count: k, prefix: prefix, self: self}
}

// Nodes returns the ids of the other nodes there are now. It costs what
// Counter.Channels costs.
func (r *Roster) Nodes(ctx context.Context) ([]string, error) {
	names, err := r.count.Channels(ctx, Escape(r.prefix)+"*")
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range names {
		id, isOne := strings.CutSuffix(strings.TrimPrefix(name, r.prefix), "#")
		if isOne && id != "" && id != r.self && !strings.Contains(id, "#") {
			ids = append(ids, id)
		}
	}
	r.mu.Lock()
	r.others = ids
	r.mu.Unlock()
	return ids, nil
}

// Missing names the nodes that were there when Nodes was called last, and are not in
// answered. It does not wait.
func (r *Roster) Missing(answered map[string]bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, id := range r.others {
		if !answered[id] {
			ids = append(ids, id)
		}
	}
	return ids
}
