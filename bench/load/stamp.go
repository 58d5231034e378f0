package load

import (
	"bytes"
	"math/rand/v2"
)

// A message's payload has a fixed length and, as a string, needs no escaping:
//
//	<12 hex digits: number><8 hex digits: who><filler>
//
// The filler follows from the number, so that a receiver checks the whole payload
// with one comparison.
const (
	numberDigits = 12
	whoDigits    = 8
	stampLen     = numberDigits + whoDigits
)

// stamper writes and reads payloads of one length.
type stamper struct {
	size    int
	fillers [][]byte // what follows the stamp, by number modulo their count
}

func newStamper(w Work) stamper {
	size := w.Payload - stampLen
	s := stamper{size: w.Payload}
	switch {
	case w.Deflate:
		s.fillers = comments(size)
	case w.Binary:
		s.fillers = [][]byte{octets(size)}
	default:
		const text = "the quick brown fox jumps over the lazy dog, "
		filler := make([]byte, size)
		for i := range filler {
			filler[i] = text[i%len(text)]
		}
		s.fillers = [][]byte{filler}
	}
	return s
}

// octets has every value of a byte, and is no UTF-8.
func octets(size int) []byte {
	filler := make([]byte, size)
	for i := range filler {
		filler[i] = byte(255 - i*7)
	}
	return filler
}

// comments is text that deflates about as that of comments in JSON does. What was
// sent within a window of 32 KiB does not come again, so that a server that keeps
// its context gains by it what it would in use. The quotes are single ones: a string
// in JSON holds them as they are.
func comments(size int) [][]byte {
	words := []string{
		"about", "again", "always", "answer", "because", "better", "comment", "could", "every", "first", "found",
		"great", "here", "idea", "just", "know", "later", "maybe", "never", "often", "other", "people", "question",
		"really", "should", "something", "thanks", "there", "think", "today", "until", "would", "the", "of", "and",
		"to", "in", "that", "it", "is", "was", "for", "on", "with", "as", "this", "not", "be", "at", "by", "we",
	}
	names := []string{"ada", "boris", "chen", "dana", "emil", "fatima", "greta", "hugo", "ines", "jonas"}
	random := rand.New(rand.NewPCG(3, 4))
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	fillers := make([][]byte, min(2*windowSize/size+1, 4096))
	for i := range fillers {
		var b []byte
		for len(b) < size {
			b = append(b, "{'id':'"...)
			b = appendHex(b, random.Uint64(), 16)
			b = append(b, "','author':'"...)
			b = append(b, pick(names)...)
			b = append(b, "','likes':"...)
			b = append(b, '0'+byte(random.IntN(10)))
			b = append(b, ",'text':'"...)
			for range 8 + random.IntN(24) {
				b = append(append(b, pick(words)...), ' ')
			}
			b = append(b, "'},"...)
		}
		fillers[i] = b[:size]
	}
	return fillers
}

func (s stamper) append(dst []byte, number, who uint64) []byte {
	dst = appendHex(dst, number, numberDigits)
	dst = appendHex(dst, who, whoDigits)
	return append(dst, s.fillers[number%uint64(len(s.fillers))]...)
}

// read returns the number and who of a payload; ok is false when it is not
// exactly a payload of this run.
func (s stamper) read(p []byte) (number, who uint64, ok bool) {
	if len(p) != s.size {
		return 0, 0, false
	}
	number, ok = readHex(p[:numberDigits])
	if !ok || !bytes.Equal(p[stampLen:], s.fillers[number%uint64(len(s.fillers))]) {
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
