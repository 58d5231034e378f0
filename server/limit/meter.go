package limit

import (
	"context"
	"log/slog"
	"net/netip"
	"time"
)

// Meter counts how often each of many does each of several things: together with other nodes as long as
// they can be asked, and on this node by itself always. What is kept is bounded, as that of a Door is.
type Meter struct {
	table  *table[string]
	shared *breaker
}

// NewMeter returns a Meter. Shared and the logger may be nil.
func NewMeter(s Shared, log *slog.Logger) *Meter {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Meter{table: newTable[string](Rate{}, 0), shared: newBreaker(s, log)}
}

// Take takes one of a rate under a key, and returns 0, or when there is one again. A key always has the
// same rate. It waits for other nodes a tenth of a second at most.
func (m *Meter) Take(ctx context.Context, key string, r Rate) (retryAfter time.Duration) {
	if r.Off() {
		return 0
	}
	now := time.Now()
	m.table.at(key, now, func(e *entry) {
		if e.bucket == nil {
			e.bucket = r.bucket()
		}
		if !e.bucket.AllowN(now, 1) {
			retryAfter = until(e.bucket, now)
		}
	})
	if retryAfter > 0 {
		return retryAfter
	}
	return m.shared.take(ctx, key, r)
}

// KeyOf is what of an address, with a port or without, is counted: all of IPv4, the /64 of
// IPv6, which is what one customer has, and what is no address as it is.
func KeyOf(address string) string {
	if a, err := netip.ParseAddr(address); err == nil {
		return keyOf(a).String()
	}
	if at, err := netip.ParseAddrPort(address); err == nil {
		return keyOf(at.Addr()).String()
	}
	return address
}
