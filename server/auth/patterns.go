package auth

import (
	"fmt"
	"strings"
)

// Patterns are names of rooms, in which "*" stands for any number of characters:
// "news:*", "user:7", "*". For MatchFor "{id}" stands for the id of a principal:
// "user:{id}". Nil matches nothing.
type Patterns []string

// placeholder stands for the id of a principal.
const placeholder = "{id}"

// maxPattern is the length of a pattern in bytes.
const maxPattern = 256

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

// MatchFor is Match for a principal's id. Where there is none, or where it has a "*" in
// it, a pattern with "{id}" fits nothing: an id is never a pattern.
func (ps Patterns) MatchFor(id, name string) bool {
	for _, p := range ps {
		if strings.Contains(p, placeholder) {
			if id == "" || strings.Contains(id, "*") {
				continue
			}
			p = strings.ReplaceAll(p, placeholder, id)
		}
		if fits(p, name) {
			return true
		}
	}
	return false
}

// covers reports whether everything that a pattern fits is fitted by these, for a
// principal's id. It may say no where it is so in a roundabout way.
func (ps Patterns) covers(id, pattern string) bool {
	// A "*" of the pattern, read as a character, can only be taken by one of these: so
	// whatever it stands for would be taken, too.
	return ps.MatchFor(id, strings.ReplaceAll(pattern, placeholder, id))
}

// All reports whether one of the patterns fits every name.
func (ps Patterns) All() bool {
	for _, p := range ps {
		if p != "" && strings.Trim(p, "*") == "" {
			return true
		}
	}
	return false
}

// Validate reports each pattern that cannot fit a room; key names where they are.
func (ps Patterns) Validate(key string) error {
	for _, p := range ps {
		switch {
		case p == "":
			return fmt.Errorf("%s: a pattern is empty; write a room's name, such as \"news\", or one with stars, such as \"news:*\"", key)
		case len(p) > maxPattern:
			return fmt.Errorf("%s: the pattern %.20q… is longer than %d bytes", key, p, maxPattern)
		}
	}
	return nil
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
