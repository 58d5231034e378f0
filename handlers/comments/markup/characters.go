package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean is a text with line feeds and tabs as its only control characters, in valid UTF-8.
func clean(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var over stack
	return strings.Map(func(r rune) rune {
		switch {
		case over.full(r):
			return -1
		case r == '\r' || r == '\u2028' || r == '\u2029':
			return '\n'
		case banned(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// cleanInline is what is left of text that an entity may have brought control characters into.
func cleanInline(s string) string {
	var over stack
	return strings.Map(func(r rune) rune {
		switch {
		case over.full(r):
			return -1
		case r == '\n' || r == '\r' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case banned(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

// maxStack is how many marks a letter has over and under it: in no language has one more.
const maxStack = 6

// stack counts the marks of a letter. Hundreds of them cover what others have said.
type stack int

// full counts a character, and reports whether it is a mark too many.
func (n *stack) full(r rune) bool {
	if !unicode.In(r, unicode.Mn, unicode.Me) {
		*n = 0
		return false
	}
	*n++
	return *n > maxStack
}

// banned reports whether a character is never shown: control characters, and those that turn
// around the direction of what follows them, so that text reads as what it is not.
func banned(r rune) bool {
	return r != '\n' && r != '\t' && unicode.IsControl(r) || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff
}

// blank are characters that are letters or symbols to Unicode, and nothing to the eye.
var blank = map[rune]bool{
	0x034f: true, 0x115f: true, 0x1160: true, 0x17b4: true, 0x17b5: true, 0x2800: true, 0x3164: true, 0xffa0: true,
}

// visible reports whether there is anything to see in a text.
func visible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsSpace(r) && !blank[r] &&
			!unicode.In(r, unicode.Cc, unicode.Cf, unicode.Mn, unicode.Me, unicode.Co, unicode.Cs)
	})
}
