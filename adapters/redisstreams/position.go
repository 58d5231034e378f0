package redisstreams

import (
	"fmt"
	"strconv"
	"strings"
)

// entryID is the id of a stream entry: milliseconds since 1970, and a sequence
// within them.
type entryID struct{ ms, seq uint64 }

// parseID reads "1732500000000-0".
func parseID(s string) (entryID, bool) {
	ms, seq, ok := strings.Cut(s, "-")
	if !ok {
		return entryID{}, false
	}
	a, err1 := strconv.ParseUint(ms, 10, 64)
	b, err2 := strconv.ParseUint(seq, 10, 64)
	return entryID{a, b}, err1 == nil && err2 == nil
}

func (a entryID) before(b entryID) bool { return a.ms < b.ms || a.ms == b.ms && a.seq < b.seq }

// String is the form that Redis reads.
func (a entryID) String() string {
	return strconv.FormatUint(a.ms, 10) + "-" + strconv.FormatUint(a.seq, 10)
}

// place is the form in which Redis has ids in order: see keep.go.
func (a entryID) place() string {
	return fmt.Sprintf("%0*d%0*d", msDigits, a.ms, seqDigits, a.seq)
}

// parsePlace is the inverse of place.
func parsePlace(s string) (id entryID, ok bool) {
	if len(s) != elementID {
		return entryID{}, false
	}
	var err1, err2 error
	id.ms, err1 = strconv.ParseUint(s[:msDigits], 10, 64)
	id.seq, err2 = strconv.ParseUint(s[msDigits:], 10, 64)
	return id, err1 == nil && err2 == nil
}

// position is a place in the log: right behind an entry.
type position struct {
	id    entryID
	n     uint64 // how many entries of Sockeye's the log has had up to here
	epoch string // of the log: another one after Redis lost it
}

// zero reports whether the position is none.
func (p position) zero() bool { return p.epoch == "" }

// offset is what a client is told: "m3x9k2a1-2.1f.q3Zt", which is milliseconds and
// sequence of the entry and its number, all in base 36, and the epoch. A sequence of
// 0 is left out with its hyphen.
func (p position) offset() string {
	if p.zero() {
		return ""
	}
	b := make([]byte, 0, 32)
	b = strconv.AppendUint(b, p.id.ms, 36)
	if p.id.seq > 0 {
		b = append(b, '-')
		b = strconv.AppendUint(b, p.id.seq, 36)
	}
	b = append(b, '.')
	b = strconv.AppendUint(b, p.n, 36)
	b = append(b, '.')
	return string(append(b, p.epoch...))
}

// nowhere is instead of a position in what a node tells of packets that are not in the
// log while it has not come to the log at all: nor has it sessions then that are saved.
const nowhere = "0"

// maxOffset bounds what is looked at, in bytes.
const maxOffset = 64

// parseOffset is the inverse of offset.
func parseOffset(s string) (position, bool) {
	if len(s) > maxOffset {
		return position{}, false
	}
	id, rest, ok := strings.Cut(s, ".")
	if !ok {
		return position{}, false
	}
	n, epoch, ok := strings.Cut(rest, ".")
	if !ok || !isEpoch(epoch) {
		return position{}, false
	}
	p := position{epoch: epoch}
	ms, seq, hasSeq := strings.Cut(id, "-")
	var err error
	if p.id.ms, err = strconv.ParseUint(ms, 36, 64); err != nil {
		return position{}, false
	}
	if hasSeq {
		if p.id.seq, err = strconv.ParseUint(seq, 36, 64); err != nil {
			return position{}, false
		}
	}
	if p.n, err = strconv.ParseUint(n, 36, 64); err != nil {
		return position{}, false
	}
	return p, true
}

// epochLen is the length of an epoch's name, in base64url characters: 24 bits.
const epochLen = 4

func isEpoch(s string) bool {
	if len(s) != epochLen {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}
