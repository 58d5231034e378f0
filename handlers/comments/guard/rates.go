package guard

import (
	"context"
	"net/netip"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/limit"
)

// perMinute is so many a minute, and so many at once.
func perMinute(n float64, burst int) limit.Rate { return limit.Rate{PerSecond: n / 60, Burst: burst} }

// rates are how often a user may do something. What is not here is as frequent as votes.
var rates = map[string]limit.Rate{
	"post":    perMinute(6, 5),
	"edit":    perMinute(12, 10),
	"flag":    perMinute(12, 20),
	"preview": perMinute(60, 30),
	"login":   perMinute(12, 10),
	"vote":    perMinute(60, 60),
}

// sharing is how many users' worth an address may do: people share one, and guests cost nothing.
const sharing = 4

// rateOf is the rate of an action.
func rateOf(action string) (name string, r limit.Rate) {
	if r, ok := rates[action]; ok {
		return action, r
	}
	return "vote", rates["vote"]
}

// Take counts something that a user does: "post", "edit", "vote", "flag", "preview", or "login", for which the
// user may be "". It returns 0, or when there is one again. The address may have a port. Addresses of
// this machine are not counted, but for logins: behind them are proxies, or whoever runs it.
func (g *Guard) Take(ctx context.Context, site *store.Site, action, user, address string) time.Duration {
	name, r := rateOf(action)
	key := "comments:" + name + ":" + site.Name
	if user != "" {
		if wait := g.meter.Take(ctx, key+":user:"+user, r); wait > 0 {
			return wait
		}
	}
	address = limit.KeyOf(address)
	if address == "" || name != "login" && isLoopback(address) {
		return 0
	}
	if name != "login" {
		r.PerSecond, r.Burst = sharing*r.PerSecond, sharing*r.Burst
	}
	return g.meter.Take(ctx, key+":ip:"+address, r)
}

func isLoopback(address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && (a.IsLoopback() || address == "::") // the /64 of ::1
}
