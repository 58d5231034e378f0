package store

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// The alphabet is in the order of ASCII, so that texts are in the order of the bytes.
var idEncoding = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// NewID makes an ID of a comment of a time: 48 bits of milliseconds, 52 of chance. Later ones are greater, and of
// the same millisecond any may be.
func NewID(created time.Time) string {
	var b [13]byte
	binary.BigEndian.PutUint64(b[:8], uint64(max(created.UnixMilli(), 0))<<16) // #nosec G115 -- not below 0
	_, _ = rand.Read(b[6:])                                                    // never fails
	return idEncoding.EncodeToString(b[:])[:20]
}
