package metrics

import (
	"strings"
	"sync"
)

// other is the label that the rest share.
const other = "other"

// labels are the values of a label that others make up as they go: the first max
// have a series of their own, and the rest share one. It may be used by any number
// of goroutines at once.
type labels struct {
	max int

	mu    sync.Mutex
	known map[string]bool
}

// of returns the label for a value, made UTF-8, without which a label panics.
func (l *labels) of(value string) string {
	value = strings.ToValidUTF8(value, "\uFFFD")
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.known[value]:
	case len(l.known) < l.max:
		if l.known == nil {
			l.known = make(map[string]bool)
		}
		l.known[value] = true
	default:
		return other
	}
	return value
}
