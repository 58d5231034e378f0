package redisstreams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Defaults of Options.
const (
	DefaultPrefix          = "socket.io" // as in Node: streamName and channelPrefix
	DefaultRequestsTimeout = 5 * time.Second
	DefaultMaxBytes        = 64 << 20
	DefaultUnloggedMax     = 16 << 20
	DefaultHold            = 2 * time.Second
)

// minRetention is how long entries are kept at least, for nodes that are behind.
const minRetention = time.Minute

// Options configure a Hub. The zero value of each field but NodeID means its default.
type Options struct {
	// NodeID is this node's name among the others, another one after each start.
	NodeID string
	// Prefix is the name of the stream, and the beginning of every other name (socket.io).
	Prefix string
	// RequestsTimeout bounds how long other nodes may take to answer (5 s).
	RequestsTimeout time.Duration
	// MaxBytes bounds what the log takes in Redis, and again what is kept of it in the
	// memory of this node (64 MiB). Clients that need what is gone are not recovered.
	MaxBytes int64
	// UnloggedMax bounds what goes out to the node's own clients while the log cannot be
	// written, in bytes from one loss of Redis to its return (16 MiB). Beyond it Emit
	// fails.
	UnloggedMax int64
	// Hold is how long an Emit waits for a lost connection to come back before its
	// packet goes out without the log (2 s).
	Hold   time.Duration
	Logger *slog.Logger
	// Observer hears of the messages; nil is nobody.
	Observer cluster.Observer
}

// Hub is what the namespaces of one server share: the log, and who reads and writes
// it. Its methods may be called from any goroutine.
type Hub struct {
	o     Options
	redis redis.UniversalClient
	log   *slog.Logger

	append  *appender
	saver   *saver
	recent  recent
	ends    sync.WaitGroup // of sessions that are lost, or were taken over
	pubsub  *pubsub
	foreign atomic.Bool // an entry that is not Sockeye's was seen

	at      atomic.Pointer[position] // up to where everything was delivered
	current atomic.Pointer[position] // that, or the entry that is being delivered
	owed    owed

	histories histories
	hellos    uint64      // owned by the reader, as checked
	checked   time.Time   // when Redis had this log
	rejoin    atomic.Bool // Redis has another log: the reader must join it

	ctx  context.Context //nolint:containedctx // ends with the hub
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu       sync.Mutex
	adapters map[string]*Adapter
	up       bool
	ever     bool          // was up once
	risen    chan struct{} // closed when the log can be read and written; nil if nobody waits
	moved    chan struct{}
	unlogged int64 // bytes that went out without the log since it was lost
	closed   bool
}

// New returns a hub that joins the log in the background: it does not wait for Redis,
// which may come later. Close it after the server that uses it.
func New(client redis.UniversalClient, o Options) (*Hub, error) {
	o.Prefix = cmp.Or(o.Prefix, DefaultPrefix)
	o.RequestsTimeout = cmp.Or(o.RequestsTimeout, DefaultRequestsTimeout)
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	o.UnloggedMax = cmp.Or(o.UnloggedMax, DefaultUnloggedMax)
	o.Hold = cmp.Or(o.Hold, DefaultHold)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = cluster.NopObserver{}
	}
	switch {
	case o.NodeID == "" || o.NodeID == emitterID:
		return nil, errors.New("redisstreams: Options.NodeID: each node needs a name of its own")
	case o.MaxBytes < 0 || o.UnloggedMax < 0 || o.Hold < 0 || o.RequestsTimeout < 0:
		return nil, errors.New("redisstreams: limits and durations must not be negative")
	}
	h := &Hub{o: o, redis: client, log: o.Logger, adapters: make(map[string]*Adapter), moved: make(chan struct{})}
	h.moveTo(position{})
	h.owed.commands = make(chan command, maxOwed)
	h.recent.limit = o.MaxBytes
	h.ctx, h.stop = context.WithCancel(context.Background())
	h.append = newAppender(h)
	h.saver = newSaver(h)
	var err error
	if h.pubsub, err = newPubSub(h); err != nil {
		return nil, err
	}
	h.wg.Go(h.read)
	h.wg.Go(h.append.run)
	h.wg.Go(h.saver.run)
	h.wg.Go(h.renew)
	h.wg.Go(h.trim)
	return h, nil
}

// Factory is for socketio.Options.Adapter.
func (h *Hub) Factory() socketio.AdapterFactory {
	return func(l *socketio.Local) (socketio.Adapter, error) { return h.open(l) }
}

// Up reports whether the log can be read and written.
func (h *Hub) Up() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.up
}

// await waits for the log, for at most Hold where it was lost or this node has just
// started: who returns now is better served late than told that all is lost.
func (h *Hub) await(ctx context.Context) bool {
	h.mu.Lock()
	if h.up {
		h.mu.Unlock()
		return true
	}
	if h.risen == nil {
		h.risen = make(chan struct{})
	}
	risen := h.risen
	h.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, h.o.Hold)
	defer cancel()
	select {
	case <-risen:
		return true
	case <-ctx.Done():
		return false
	}
}

// Close ends the hub: what is queued for Redis still goes there, for at most two
// seconds if it does not answer. It is idempotent.
func (h *Hub) Close() error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil
	}
	h.closed = true
	h.mu.Unlock()
	h.append.close()
	h.saver.close()
	h.pubsub.close()
	h.stop()
	h.wg.Wait()
	h.ends.Wait()
	return nil
}

// stream is the key of the log; logKey and seqKey are in its slot.
func (h *Hub) stream() string            { return h.o.Prefix }
func (h *Hub) logKey() string            { return "{" + h.o.Prefix + "}:log" }
func (h *Hub) seqKey() string            { return h.logKey() + ":" + h.o.NodeID }
func (h *Hub) historyKey() string        { return "{" + h.o.Prefix + "}:history" }
func (h *Hub) session(sid string) string { return h.o.Prefix + ":session:" + sid }

func (h *Hub) adapter(namespace string) *Adapter {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.adapters[namespace]
}

func (h *Hub) all() []*Adapter {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*Adapter, 0, len(h.adapters))
	for _, a := range h.adapters {
		out = append(out, a)
	}
	return out
}

// notify tells the log and every namespace. cause is the error behind e, or nil.
func (h *Hub) notify(e socketio.AdapterEvent, cause error) {
	switch {
	case e.Kind == socketio.AdapterGap:
		h.log.Error("packets of other nodes may have been missed: everybody is disconnected, to start anew", "why", e.Why)
	case e.Up:
		h.log.Info("Redis is there: the log can be read and written")
	default:
		redisclient.Advised(h.log, cause).Error("Redis is away: packets reach the clients of this node only", "why", e.Why)
	}
	for _, a := range h.all() {
		a.NotifySoon(e)
	}
}

// lost notes that the log cannot be read or written.
func (h *Hub) lost(err error) {
	h.mu.Lock()
	was := h.up || !h.ever
	first := !h.ever
	h.up, h.ever = false, true
	h.mu.Unlock()
	if was && h.ctx.Err() == nil {
		why := err.Error()
		if first {
			why = "at the start: " + why
		}
		h.notify(socketio.AdapterEvent{Kind: socketio.AdapterState, Why: why}, err)
	}
}

// found notes that it can be again.
func (h *Hub) found() {
	h.mu.Lock()
	was := h.up
	h.up, h.ever, h.unlogged = true, true, 0
	risen := h.risen
	h.risen = nil
	h.mu.Unlock()
	if risen != nil {
		close(risen)
	}
	if !was {
		h.notify(socketio.AdapterEvent{Kind: socketio.AdapterState, Up: true}, nil)
	}
}

// takeUnlogged reports whether so many bytes may go out without the log.
func (h *Hub) takeUnlogged(bytes int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.unlogged+int64(bytes) > h.o.UnloggedMax {
		return false
	}
	h.unlogged += int64(bytes)
	return true
}

// moveTo notes how far deliveries are, and wakes who waits for that.
func (h *Hub) moveTo(p position) {
	h.at.Store(&p)
	h.current.Store(&p)
	h.mu.Lock()
	moved := h.moved
	if moved != nil {
		h.moved = nil
	}
	h.mu.Unlock()
	if moved != nil {
		close(moved)
	}
}

// reach waits until everything up to an entry was delivered.
func (h *Hub) reach(ctx context.Context, id entryID) error {
	for h.at.Load().id.before(id) {
		if err := h.next(ctx); err != nil && h.at.Load().id.before(id) {
			return fmt.Errorf("redisstreams: waiting for the log to get to %s: %w", id, err)
		}
	}
	return nil
}

// next waits until something more was delivered, a moment at most.
func (h *Hub) next(ctx context.Context) error {
	h.mu.Lock()
	if h.moved == nil {
		h.moved = make(chan struct{})
	}
	moved := h.moved
	h.mu.Unlock()
	moment := time.NewTimer(20 * time.Millisecond) // it may have happened before
	defer moment.Stop()
	select {
	case <-moved:
		return nil
	case <-moment.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// catchUp waits until everything that is in the log now was delivered here, for at most
// reachPatience: who starts anew may have seen it elsewhere, and must not get it again.
func (h *Hub) catchUp(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	err := h.reachEnd(ctx)
	if err != nil {
		h.log.Debug("a client that starts anew may have seen more than this node", "error", err)
	}
	return err == nil
}

// reachEnd is reach for the last entry there is.
func (h *Hub) reachEnd(ctx context.Context) error {
	last, err := lastScript.Run(ctx, h.redis, []string{h.stream()}).Text()
	switch {
	case errors.Is(err, redis.Nil):
		return nil // the log is empty
	case err != nil:
		return err
	}
	id, ok := parseID(last)
	if !ok {
		return fmt.Errorf("redisstreams: the log ends at %q", last)
	}
	return h.reach(ctx, id)
}

// retention is how long the log is kept.
func (h *Hub) retention() time.Duration {
	d := minRetention
	for _, a := range h.all() {
		d = max(d, a.keeps())
	}
	return d
}
