package wire

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// appendUnquoted appends what a scanned JSON string (with its quotes) says. A lone surrogate escape becomes
// U+FFFD.
func appendUnquoted(dst, quoted []byte) []byte {
	s := quoted[1 : len(quoted)-1]
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		if c != 'u' {
			dst = append(dst, unescaped(c))
			s = s[i+2:]
			continue
		}
		r := hex4(s[i+2 : i+6])
		s = s[i+6:]
		if utf16.IsSurrogate(r) {
			low := rune(-1)
			if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
				low = hex4(s[2:6])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				s = s[6:]
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

// hex4 reads four hexadecimal digits, -1 if they are none.
func hex4(d []byte) rune {
	var r rune
	for _, c := range d[:4] {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// isKey says whether a scanned JSON string is the word, however it is escaped.
func isKey(quoted []byte, word string) bool {
	in := quoted[1 : len(quoted)-1]
	if len(in) == len(word) {
		return string(in) == word
	}
	if len(in) < len(word) || len(in) > 6*len(word) || bytes.IndexByte(in, '\\') < 0 {
		return false
	}
	var room [6 * len("_placeholder")]byte
	return string(appendUnquoted(room[:0], quoted)) == word
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string, as short as JavaScript writes it. Bytes that are not UTF-8 become
// U+FFFD.
func appendQuoted[T string | []byte](dst []byte, s T) []byte {
	dst = append(append(dst, '"'), s...)
	at := len(dst) - len(s)
	checked := plain(dst, at) - at // nothing to escape up to here
	if checked == len(s) {
		return append(dst, '"')
	}
	dst = dst[:at]
	from := 0
	for i := checked; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, s[from:i]...)
			dst = appendEscaped(dst, c)
			i++
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, s[from:i]...)
			dst = append(dst, "\ufffd"...)
			from = i + 1
		}
		i += n
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendNumber appends a finite number as JavaScript prints it (ECMA-262, Number::toString).
func appendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0') // -0 too
	}
	if abs := math.Abs(f); abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	if n := len(dst); n >= 4 && dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// unquoted gives what a scanned JSON string says: a part of it where nothing is escaped, else appended to room.
func unquoted(room, quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	return appendUnquoted(room, quoted)
}
