package load

import "bytes"

// A message's payload is a JSON string of fixed length that needs no escaping:
//
//	<12 hex digits: number><8 hex digits: who><filler>
//
// The filler is the same in every message of a run, so that a receiver checks
// the whole payload with one comparison.
const (
	numberDigits = 12
	whoDigits    = 8
	stampLen     = numberDigits + whoDigits
)

// stamper writes and reads payloads of one length.
type stamper struct {
	size   int
	filler []byte // what follows the stamp
}

func newStamper(size int) stamper {
	s := stamper{size: size, filler: make([]byte, size-stampLen)}
	const text = "the quick brown fox jumps over the lazy dog, "
	for i := range s.filler {
		s.filler[i] = text[i%len(text)]
	}
	return s
}

func (s stamper) append(dst []byte, number, who uint64) []byte {
	dst = appendHex(dst, number, numberDigits)
	dst = appendHex(dst, who, whoDigits)
	return append(dst, s.filler...)
}

// read returns the number and who of a payload; ok is false when it is not
// exactly a payload of this run.
func (s stamper) read(p []byte) (number, who uint64, ok bool) {
	if len(p) != s.size || !bytes.Equal(p[stampLen:], s.filler) {
		return 0, 0, false
	}
	number, ok = readHex(p[:numberDigits])
	if !ok {
		return 0, 0, false
	}
	who, ok = readHex(p[numberDigits:stampLen])
	return number, who, ok
}

const hexDigits = "0123456789abcdef"

func appendHex(dst []byte, v uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, hexDigits[v>>(4*i)&15])
	}
	return dst
}

func readHex(p []byte) (uint64, bool) {
	var v uint64
	for _, c := range p {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}
