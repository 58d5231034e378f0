package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Hash is the same for texts that differ in what does not matter only: case, white space, punctuation, and the ways
// in which Unicode writes the same. "" is of a text in which there is nothing else.
func Hash(plain string) string {
	s := fold(plain)
	kept := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsPunct(r) {
			return -1
		}
		return r
	}, s)
	if kept == "" { // only punctuation, which matters then
		kept = strings.Join(strings.Fields(s), "")
	}
	if kept == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(kept))
	return hex.EncodeToString(sum[:16])
}

// fold is a text in one form: composed, without case, without what cannot be seen.
func fold(s string) string {
	seen := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Cc) && !unicode.IsSpace(r) || isSelector(r) {
			return -1
		}
		return r
	}, s)
	// Folding may undo what NFKC has done, as with dotted capital I.
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(seen)))
}

// isSelector reports whether a character only chooses how the one before looks, or is blank.
func isSelector(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r == 0x034f || r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0
}

// alike are letters of other scripts that look like Latin ones, in lower case.
var alike = map[rune]rune{
	'а': 'a', 'в': 'b', 'с': 'c', 'ԁ': 'd', 'е': 'e', 'ё': 'e', 'һ': 'h', 'н': 'h', 'і': 'i', 'ї': 'i', 'ј': 'j', 'к': 'k', 'ӏ': 'l', 'м': 'm', 'о': 'o',
	'р': 'p', 'ԛ': 'q', 'г': 'r', 'ѕ': 's', 'т': 't', 'υ': 'u', 'ѵ': 'v', 'ν': 'v', 'ԝ': 'w', 'ѡ': 'w', 'х': 'x', 'у': 'y', 'ү': 'y', 'з': 'z',
	'α': 'a', 'β': 'b', 'ε': 'e', 'η': 'n', 'ι': 'i', 'κ': 'k', 'ο': 'o', 'ρ': 'p', 'τ': 't', 'χ': 'x', 'γ': 'y', 'ω': 'w', 'ѐ': 'e', 'п': 'n', 'и': 'u',
	'ı': 'i', 'ɑ': 'a', 'ɡ': 'g', 'ɩ': 'i', 'ʏ': 'y', 'ʀ': 'r', 'ɴ': 'n', 'ɪ': 'i', 'ѳ': 'o', 'ɵ': 'o',
}

// words are the words of a text, in one form, with a space around each.
func words(text string) string {
	var b strings.Builder
	b.WriteByte(' ')
	for _, w := range strings.FieldsFunc(fold(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	}) {
		if w = plainLetters(w); w != "" {
			b.WriteString(w)
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// plainLetters is a word without marks that belong to no letter, and in Latin letters where it mixes them with
// others that look like them.
func plainLetters(w string) string {
	latin := strings.ContainsFunc(w, func(r rune) bool { return r >= 'a' && r <= 'z' })
	return strings.Map(func(r rune) rune {
		if r >= 0x0300 && r <= 0x036f {
			return -1
		}
		if like, ok := alike[r]; ok && latin {
			return like
		}
		return r
	}, w)
}

// withoutSpaces reports whether a text is in scripts that put no spaces between words.
func withoutSpaces(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan)
	})
}
