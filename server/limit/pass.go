package limit

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// streakTime is how long a client may go on over a limit before it is disconnected.
const streakTime = 10 * time.Second

// maxStep is how many tokens are taken from a bucket at once, which is to ask the clock
// that much less often.
const maxStep = 32

// Pass is what a connection has of a Door. Buckets are made when there is something to
// count, so that an idle connection holds next to nothing.
type Pass struct {
	door   *Door
	remote string
	ip     netip.Addr // counted; invalid where it is an exception
	share  float64    // of its bursts, which the connection begins with

	bytes  atomic.Pointer[rate.Limiter]
	paused atomic.Int64 // Unix seconds in which a pause was last counted
	events *flood       // owned by who calls Packet

	mu     sync.Mutex
	left   bool
	users  []string // counted
	asking []*turn  // whether they may be
}

// turn is the one question whether a connection may be one of a user. Namespaces that are
// joined meanwhile get its answer too.
type turn struct {
	user string
	done chan struct{} // closed when there is an answer
	err  error         // the answer
}

// Read counts n bytes that the client sent, and returns for how long it should send
// nothing more. It may be called from any goroutine.
func (p *Pass) Read(n int) time.Duration {
	r := p.door.opts.Bytes
	if r.Off() {
		return 0
	}
	l := p.bytes.Load()
	if l == nil {
		p.bytes.CompareAndSwap(nil, p.begun(r, 0))
		l = p.bytes.Load()
	}
	now := time.Now()
	var wait time.Duration
	for n > 0 {
		k := min(n, l.Burst())
		wait = l.ReserveN(now, k).DelayFrom(now)
		n -= k
	}
	if second := now.Unix(); wait > 0 && p.paused.Swap(second) != second {
		p.door.hit(Bytes, Paused, p.remote)
	}
	return wait
}

// begun is the bucket of a connection that begins. Who opens one after the other, for the
// burst that each begins with, gets as much less of it as its address has come too often,
// but least, if the burst has that many.
func (p *Pass) begun(r Rate, least float64) *rate.Limiter {
	l := r.bucket()
	burst := float64(l.Burst())
	l.AllowN(time.Now(), int(burst-min(burst, max(p.share*burst, least))))
	return l
}

// flood is what is known of how fast a client sends events.
type flood struct {
	bucket *rate.Limiter
	step   int       // tokens are taken that many at once, while there are
	credit int       // and so many of them are left
	second int64     // Unix seconds, in which
	over   int       // so many were refused
	since  time.Time // since when some were refused in each second; zero: they are not
	last   time.Time // when one was refused
	told   time.Time // when Notify said yes
}

// Packet counts one packet of the client, and returns 0 or when one may be sent again.
// expel says that it went on for too long, or is far over the limit. Packet and Notify
// are for one goroutine at a time.
func (p *Pass) Packet() (retryAfter time.Duration, expel bool) {
	r := p.door.opts.Events
	if r.Off() {
		return 0, false
	}
	f := p.events
	if f == nil {
		// What is above the rate is refused, and who comes last of a crowd behind one address
		// has done nothing wrong: a second's worth is there for what an app says first.
		f = &flood{bucket: p.begun(r, r.PerSecond), step: max(min(r.Burst/10, maxStep), 1)}
		p.events = f
	}
	if f.credit > 0 {
		f.credit--
		return 0, false
	}
	now := time.Now()
	if f.bucket.AllowN(now, f.step) {
		f.credit = f.step - 1
		return 0, false
	}
	if f.step > 1 && f.bucket.AllowN(now, 1) {
		return 0, false
	}
	expel = f.refused(now, r)
	if expel {
		p.door.hit(Events, Disconnected, p.remote)
	} else {
		p.door.hit(Events, Refused, p.remote)
	}
	return until(f.bucket, now), expel
}

// refused notes a refusal, and reports whether it is one too many. In one second there may
// be ten times the rate and a burst: by default what an app that sends 120 a second has
// gathered when its network is back just before its heartbeat would have been missed.
func (f *flood) refused(now time.Time, r Rate) (expel bool) {
	if f.since.IsZero() || now.Sub(f.last) > time.Second {
		f.since = now
	}
	f.last = now
	if second := now.Unix(); f.second != second {
		f.second, f.over = second, 0
	}
	f.over++
	return now.Sub(f.since) >= streakTime || float64(f.over) >= abuseFactor*max(r.PerSecond, 1)+float64(r.Burst)
}

// Notify reports whether the client should be told now of what was refused: at most
// once a second.
func (p *Pass) Notify() bool {
	if p.events == nil {
		return true
	}
	now := time.Now()
	if now.Sub(p.events.told) < time.Second {
		return false
	}
	p.events.told = now
	return true
}

// begin returns the turn in which it is found out whether the connection may be one of a
// user, and whether it is the caller's to find out; nil if it is one, or over.
func (p *Pass) begin(user string) (t *turn, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left || slices.Contains(p.users, user) {
		return nil, false
	}
	if i := slices.IndexFunc(p.asking, func(t *turn) bool { return t.user == user }); i >= 0 {
		return p.asking[i], false
	}
	t = &turn{user: user, done: make(chan struct{})}
	p.asking = append(p.asking, t)
	return t, true
}

// settle ends a turn with its answer, of which nil has counted the connection.
func (p *Pass) settle(t *turn, err error) {
	p.mu.Lock()
	p.asking = slices.DeleteFunc(p.asking, func(o *turn) bool { return o == t })
	gone := p.left
	if err == nil && !gone {
		p.users = append(p.users, t.user)
	}
	p.mu.Unlock()
	if err == nil && gone {
		p.door.users.leave(t.user) // Leave did not know yet
	}
	t.err = err
	close(t.done)
}

// Leave gives the Pass back. It is idempotent.
func (p *Pass) Leave() {
	p.mu.Lock()
	first := !p.left
	p.left = true
	users := p.users
	p.users = nil
	p.mu.Unlock()
	if !first {
		return
	}
	p.door.open.Add(-1)
	if p.ip.IsValid() {
		p.door.ips.leave(p.ip)
	}
	for _, user := range users {
		p.door.users.leave(user)
	}
}
