package auth

import "strings"

// Patterns are names of rooms, in which "*" stands for any number of characters:
// "news:*", "user:7", "*". Nil matches nothing.
type Patterns []string

// Everything matches every room.
func Everything() Patterns { return Patterns{"*"} }

// Match reports whether one of the patterns fits the whole name.
func (ps Patterns) Match(name string) bool {
	for _, p := range ps {
		if fits(p, name) {
			return true
		}
	}
	return false
}

// fits takes the leftmost place for each piece between two stars, which is enough:
// a later place would leave less for what follows. The time is bounded by
// len(pattern) × len(name).
func fits(pattern, name string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, head)
	for ok {
		var piece string
		piece, rest, star = strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, piece)
		}
		_, name, ok = strings.Cut(name, piece)
	}
	return false
}
