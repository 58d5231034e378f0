package guard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

const (
	stampTime, stampMAC = 8, 16 // bytes of a stamp
	// stampLife is for how long a stamp holds: pages stay open for days.
	stampLife = 30 * 24 * time.Hour
)

// Stamp says since when a page is open, so that it can be told again after a reconnect, to any node. It
// is signed with what only who knows the site's secret can compute.
func (*Guard) Stamp(site *store.Site, since time.Time) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, stampTime+stampMAC), uint64(since.UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(b, sign(site, b)...))
}

// Since reads a stamp of a site. One that is none, is of another site or of the future, or is older than a
// month, is as old as now.
func (*Guard) Since(site *store.Site, stamp string) time.Time {
	now := time.Now()
	b, err := base64.RawURLEncoding.DecodeString(stamp) // passes over ends of lines
	if err != nil || len(b) != stampTime+stampMAC || !hmac.Equal(b[stampTime:], sign(site, b[:stampTime])) {
		return now
	}
	since := time.UnixMilli(int64(binary.BigEndian.Uint64(b))) //nolint:gosec // it was written so
	if since.After(now) || now.Sub(since) > stampLife {
		return now
	}
	return since
}

// sign is what is behind the time in a stamp. Its key is the site's secret for this use alone.
func sign(site *store.Site, b []byte) []byte {
	key := hmac.New(sha256.New, []byte(site.Secret))
	key.Write([]byte("sockeye comments stamp\n" + site.Name))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write(b)
	return mac.Sum(nil)[:stampMAC]
}
