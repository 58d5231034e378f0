package store

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// The alphabet is in the order of ASCII, so that texts are in the order of the bytes.
const idAlphabet = "0123456789abcdefghijklmnopqrstuv"

var idEncoding = base32.NewEncoding(idAlphabet).WithPadding(base32.NoPadding)

// NewID makes an ID of a comment of a time: 48 bits of milliseconds, 52 of chance. Later ones are greater, and of
// the same millisecond any may be.
func NewID(created time.Time) string {
	var b [13]byte
	binary.BigEndian.PutUint64(b[:8], uint64(max(created.UnixMilli(), 0))<<16) // #nosec G115 -- not below 0
	_, _ = rand.Read(b[6:])                                                    // never fails
	return idEncoding.EncodeToString(b[:])[:20]
}

// ids makes IDs, each above the ones of the same millisecond before.
type ids struct {
	last    string
	created int64
}

func (g *ids) next(created time.Time) string {
	if ms := created.UnixMilli(); ms != g.created || g.last == "" {
		g.created, g.last = ms, NewID(created)
		return g.last
	}
	b := []byte(g.last)
	for i := len(b) - 1; i >= 0; i-- {
		at := strings.IndexByte(idAlphabet, b[i])
		b[i] = idAlphabet[(at+1)%len(idAlphabet)]
		if at+1 < len(idAlphabet) {
			break
		}
	}
	g.last = string(b)
	return g.last
}

func validID(id string) bool {
	return len(id) == 20 && strings.Trim(id, idAlphabet) == ""
}
