package guard

import (
	"unicode"
	"unicode/utf8"
)

// maxEmoji is how long an emoji may be, in bytes: a family of four with tones of skin has 41.
const maxEmoji = 64

const (
	joiner   = 0x200d
	keycap   = 0x20e3
	selector = 0xfe0f
)

// isEmoji reports whether a text is one emoji, as UTS 51 puts them together: a symbol with what changes it, several
// that are joined, a flag of two letters, or a key of a telephone.
func isEmoji(s string) bool {
	if s == "" || len(s) > maxEmoji || !utf8.ValidString(s) {
		return false
	}
	r := []rune(s)
	switch {
	case len(r) == 2 && isRegional(r[0]) && isRegional(r[1]):
		return true
	case r[0] == '#' || r[0] == '*' || r[0] >= '0' && r[0] <= '9':
		return len(r) == 2 && r[1] == keycap || len(r) == 3 && r[1] == selector && r[2] == keycap
	}
	for {
		n := element(r)
		if n == 0 {
			return false
		}
		if r = r[n:]; len(r) == 0 {
			return true
		}
		if r[0] != joiner {
			return false
		}
		r = r[1:]
	}
}

// element is how many characters the symbol at the beginning has, with what changes it; 0: there is none.
func element(r []rune) int {
	if len(r) == 0 || !isPictograph(r[0]) {
		return 0
	}
	n := 1
	for n < len(r) && (r[n] == selector || r[n] >= 0x1f3fb && r[n] <= 0x1f3ff || r[n] >= 0xe0020 && r[n] <= 0xe007f) {
		n++
	}
	return n
}

func isPictograph(r rune) bool {
	switch {
	case r == 0xa9 || r == 0xae || r == 0x203c || r == 0x2049: // ©, ®, and two exclamations
		return true
	case r < 0x2000 || isRegional(r):
		return false
	}
	return unicode.Is(unicode.So, r) || r >= 0x2190 && unicode.Is(unicode.Sm, r) // arrows are mathematics
}

func isRegional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }
