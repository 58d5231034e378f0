package memory

import (
	"crypto/rand"
	"encoding/base64"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// Adapter is the adapter of one namespace.
type Adapter struct {
	*socketio.Local

	epoch  string  // of the offsets, with its dot
	budget *budget // shared with the other namespaces

	assigned  atomic.Uint64 // the last number given out; written under mu
	delivered atomic.Uint64 // up to where recipients were found; written under mu
	gone      atomic.Uint64 // up to where packets are no longer kept; written under mu
	held      atomic.Int64  // bytes of log and sessions; written under mu

	mu        sync.Mutex // the delivery lock: recovery's order of packets
	recovery  *socketio.Recovery
	keep      time.Duration // how long packets are kept
	log       packetLog
	sessions  sessionKeep
	histories histories
	timer     *time.Timer // drops what is too old; nil while nothing is kept
	closed    bool
}

var _ socketio.RecoveryAdapter = (*Adapter)(nil)

// New returns the factory for socketio.Options.Adapter. Each namespace keeps at
// most its Recovery.MaxBytes, and all namespaces that one factory opens keep no
// more together than the largest of these. So it is with histories.
func New() socketio.AdapterFactory {
	recovery, history := new(budget), new(budget)
	return func(l *socketio.Local) (socketio.Adapter, error) { return open(l, recovery, history), nil }
}

func open(l *socketio.Local, recovery, history *budget) *Adapter {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	a := &Adapter{Local: l, epoch: base64.RawURLEncoding.EncodeToString(b[:]) + ".", budget: recovery}
	a.histories.budget, a.histories.mu = history, &a.mu
	return a
}

// EnableRecovery turns recovery on.
func (a *Adapter) EnableRecovery(r socketio.Recovery) error {
	a.budget.join(a, r.MaxBytes)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recovery = &r
	// A cut is noticed late: the client may have missed packets since then, too.
	a.keep = r.MaxDisconnection + a.Namespace().Server().HeartbeatSpan()
	return nil
}

// Broadcast delivers p to the sockets that t names, and keeps it for replay
// unless it is volatile or local.
func (a *Adapter) Broadcast(p *socketio.Packet, t *socketio.Target) error {
	return a.order(p, t, func(track bool) (func(), error) { return a.Deliver(p, t, track) })
}

// EmitTo delivers p to one socket. What a socket that is gone does not get is
// not kept either: the caller is told.
func (a *Adapter) EmitTo(s *socketio.Socket, p *socketio.Packet, f socketio.Flags) error {
	t := &socketio.Target{Rooms: []string{s.ID()}, Flags: f}
	return a.order(p, t, func(track bool) (func(), error) { return a.DeliverTo(s, p, f, track) })
}

// order gives the packet its offset and delivers it, as one step.
func (a *Adapter) order(p *socketio.Packet, t *socketio.Target, deliver func(track bool) (func(), error)) error {
	a.mu.Lock()
	on := a.recovery != nil && !a.closed
	a.mu.Unlock()
	if !on {
		return after(deliver(false))
	}
	held, err := p.Freeze()
	if err != nil {
		return err
	}
	a.mu.Lock()
	if t.Flags.Volatile || t.Flags.Local {
		p.SetOffset(a.offset(a.assigned.Load()))
		f, err := deliver(false)
		a.mu.Unlock()
		return after(f, err)
	}
	n := a.assigned.Load() + 1
	p.SetOffset(a.offset(n))
	a.assigned.Store(n)
	f, err := deliver(true)
	if err != nil { // it reached nobody
		a.assigned.Store(n - 1)
		a.mu.Unlock()
		return err
	}
	a.delivered.Store(n)
	p.DropEncodings() // the outboxes have them
	if !a.closed {
		a.keepLocked(entry{n: n, packet: p, rooms: t.Rooms, except: t.Except, at: time.Now()}, held)
	}
	a.shrinkLocked(a.recovery.MaxBytes)
	a.scheduleLocked()
	a.mu.Unlock()
	a.budget.settle()
	a.histories.budget.settle()
	return after(f, nil)
}

// keepLocked keeps a packet that holds so many bytes, for replay and in histories.
func (a *Adapter) keepLocked(e entry, held int) {
	a.log.append(e, held)
	if a.histories.keeps != nil && len(e.rooms) > 0 {
		a.histories.noteLocked(e.n, e.packet, e.rooms, held, e.at)
	}
}

func after(f func(), err error) error {
	if f != nil {
		f()
	}
	return err
}

// Position returns where deliveries stand.
func (a *Adapter) Position() (delivered, assigned string) {
	// In this order: between the two, the second may only grow.
	d := a.delivered.Load()
	return a.offset(d), a.offset(a.assigned.Load())
}

// Forgotten reports whether every packet up to a position is gone.
func (a *Adapter) Forgotten(position string) bool {
	n, foreign, ok := a.number(position)
	return ok && !foreign && n <= a.gone.Load()
}

// Begin makes a new socket live between two deliveries.
func (a *Adapter) Begin(_ *socketio.Socket, live func(position string)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	live(a.offset(a.assigned.Load()))
}

// Close drops what is kept.
func (a *Adapter) Close() error {
	a.budget.leave(a)
	a.histories.budget.leave(&a.histories)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.timer != nil {
		a.timer.Stop()
	}
	a.log = packetLog{}
	a.sessions = sessionKeep{}
	a.histories.closeLocked()
	a.accountLocked()
	return nil
}

// scheduleLocked sees to it that what is kept goes in time.
func (a *Adapter) scheduleLocked() {
	if a.timer == nil && !a.closed && (a.log.len() > 0 || a.sessions.len() > 0 || len(a.histories.due) > 0) {
		a.timer = time.AfterFunc(max(a.keep/4, time.Millisecond), a.expire)
	}
}

func (a *Adapter) expire() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = nil
	now := time.Now()
	a.log.expire(now.Add(-a.keep))
	a.sessions.expire(now)
	a.histories.expireLocked(now)
	a.shrinkLocked(a.recovery.MaxBytes)
	a.scheduleLocked()
}

// shrinkLocked drops the oldest until at most limit bytes are kept: first of the
// sessions, if they take more than their share, then of the packets.
func (a *Adapter) shrinkLocked(limit int64) {
	a.sessions.dropFront(func(*kept) bool {
		return a.sessions.bytes > limit/sessionShare && a.sessions.bytes+a.log.bytes > limit
	})
	a.log.shrink(limit - a.sessions.bytes)
	a.gone.Store(a.log.gone)
	if a.log.len() == 0 {
		a.gone.Store(a.assigned.Load())
	}
	a.accountLocked()
}

// accountLocked tells the budget what is held.
func (a *Adapter) accountLocked() {
	n := a.sessions.bytes + a.log.bytes
	a.budget.held.Add(n - a.held.Swap(n))
}

// offset is the offset of packet n.
func (a *Adapter) offset(n uint64) string {
	return a.epoch + strconv.FormatUint(n, 36)
}

// number is the inverse of offset. foreign says that the offset is one, but of
// another epoch; ok that it is one at all.
func (a *Adapter) number(offset string) (n uint64, foreign, ok bool) {
	epoch, digits, found := strings.Cut(offset, ".")
	if !found || len(epoch)+1 != len(a.epoch) {
		return 0, false, false
	}
	n, err := strconv.ParseUint(digits, 36, 64)
	if err != nil {
		return 0, false, false
	}
	return n, epoch+"." != a.epoch, true
}
