package history

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/spaces"
)

// maxKnown bounds the namespaces that are remembered with their rules: clients can make
// them up.
const maxKnown = 1000

// rules are the compiled rooms of one key.
type rules struct {
	exact    map[string]Room
	patterns []pattern // the narrowest first
}

type pattern struct {
	fits auth.Patterns
	room Room
}

func compile(rs Rooms) *rules {
	c := &rules{exact: make(map[string]Room)}
	for _, key := range slices.SortedFunc(maps.Keys(rs), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	}) {
		if strings.Contains(key, "*") {
			c.patterns = append(c.patterns, pattern{auth.Patterns{key}, rs[key]})
		} else {
			c.exact[key] = rs[key]
		}
	}
	return c
}

func (c *rules) of(name string) (Room, bool) {
	if c == nil {
		return Room{}, false
	}
	if r, ok := c.exact[name]; ok {
		return r, !r.Off
	}
	for i := range c.patterns {
		if c.patterns[i].fits.Match(name) {
			return c.patterns[i].room, !c.patterns[i].room.Off
		}
	}
	return Room{}, false
}

// Limits returns what socketio.Options.History asks, nil if nothing is kept. The
// configuration is valid.
func (c Config) Limits() func(namespace, room string) (socketio.HistoryLimits, bool) {
	if !c.On() {
		return nil
	}
	var known sync.Map // *rules, by the name of a namespace
	var n atomic.Int64
	find := c.finder()
	return func(namespace, room string) (socketio.HistoryLimits, bool) {
		v, ok := known.Load(namespace)
		if !ok {
			v = find(namespace)
			if n.Add(1) <= maxKnown {
				known.Store(namespace, v)
			}
		}
		of, _ := v.(*rules) // nothing else is stored
		r, ok := of.of(room)
		return socketio.HistoryLimits{Length: r.Length, Age: r.Age, Bytes: int64(r.Bytes)}, ok
	}
}

// finder returns what finds the rules of a namespace, nil for none.
func (c Config) finder() func(namespace string) *rules {
	type space struct {
		name  *regexp.Regexp
		rules *rules
	}
	var all []space
	for _, key := range spaces.Sorted(maps.Keys(c.Namespaces)) {
		if re, err := spaces.Compile(key); err == nil {
			all = append(all, space{re, compile(c.Namespaces[key])})
		}
	}
	return func(namespace string) *rules {
		for _, s := range all {
			if s.name.MatchString(namespace) {
				return s.rules
			}
		}
		return nil
	}
}
