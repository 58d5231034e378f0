package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Entries is all that a ledger keeps, by ids. Its maps do not change.
type Entries struct {
	Keys   map[string]APIKey `json:"keys"`
	Blocks map[string]Block  `json:"blocks"`
}

// Backend keeps entries where others find them: a file, or Redis. Its methods may be
// called from any goroutine; those that change something are atomic.
type Backend interface {
	// Load reads everything.
	Load(ctx context.Context) (*Entries, error)
	// PutKey and PutBlock add or replace an entry.
	PutKey(ctx context.Context, id string, k APIKey) error
	PutBlock(ctx context.Context, id string, b Block) error
	// DeleteKey and DeleteBlock return ErrNotFound if there is none.
	DeleteKey(ctx context.Context, id string) error
	DeleteBlock(ctx context.Context, id string) error
	// Watch calls changed when something may have changed, until ctx ends. It is allowed
	// to call too often.
	Watch(ctx context.Context, changed func())
}

// Ledger is the API keys and blocks as this node knows them. It answers from memory;
// what changes in the backend it hears of, and reads all of it again.
//
// Locks: mu is held while memory changes, never while the backend is asked.
type Ledger struct {
	backend Backend // nil: memory only
	log     *slog.Logger
	state   atomic.Pointer[ledgerState]

	mu        sync.Mutex
	changes   uint64 // own changes so far
	listeners map[int]func(id string, b Block)
	nextID    int
	news      []blocked // not told yet
	telling   bool

	dirty   chan struct{}
	stop    context.CancelFunc
	tasks   sync.WaitGroup
	failing bool // owned by the loading goroutine
}

type ledgerState struct {
	Entries
	loaded bool
}

type blocked struct {
	id string
	b  Block
}

var _ Blocks = (*Ledger)(nil)

// NewLedger returns a ledger that knows nothing yet. Without a backend it is kept in
// memory, and everything in it is known. It logs when the backend fails and when it is back.
func NewLedger(b Backend, log *slog.Logger) *Ledger {
	l := &Ledger{backend: b, log: log, listeners: make(map[int]func(string, Block)), dirty: make(chan struct{}, 1), stop: func() {}}
	l.state.Store(&ledgerState{loaded: b == nil})
	return l
}

// Open reads the backend. An error leaves the ledger as it was.
func (l *Ledger) Open(ctx context.Context) error {
	if l.backend == nil {
		return nil
	}
	return l.load(ctx)
}

// Follow hears of changes until Close. It is called once, at most.
func (l *Ledger) Follow(ctx context.Context) {
	if l.backend == nil {
		return
	}
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.tasks.Go(func() { l.backend.Watch(ctx, l.touch) })
	l.tasks.Go(func() { l.follow(ctx) })
}

// Close ends Follow and waits for it, and for calls of listeners.
func (l *Ledger) Close() {
	l.stop()
	l.tasks.Wait()
}

// touch has everything read again.
func (l *Ledger) touch() {
	select {
	case l.dirty <- struct{}{}:
	default: // it will be
	}
}

// Bounds of reading again.
const (
	loadTimeout = 5 * time.Second
	retryPause  = time.Second
)

func (l *Ledger) follow(ctx context.Context) {
	retry := time.NewTimer(0)
	retry.Stop()
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-retry.C:
		case <-l.dirty:
		}
		if l.reload(ctx) != nil {
			retry.Reset(retryPause)
		}
	}
}

func (l *Ledger) reload(ctx context.Context) error {
	loading, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	err := l.load(loading)
	switch {
	case ctx.Err() != nil:
	case err != nil && !l.failing:
		l.log.Warn("API keys and blocks cannot be read: what was known before goes on to count", "error", err)
	case err == nil && l.failing:
		l.log.Info("API keys and blocks can be read again")
	}
	l.failing = err != nil
	return err
}

func (l *Ledger) load(ctx context.Context) error {
	for {
		l.mu.Lock()
		before := l.changes
		l.mu.Unlock()
		e, err := l.backend.Load(ctx)
		if err != nil {
			return err
		}
		l.mu.Lock()
		current := l.changes == before
		if current {
			l.replaceLocked(&ledgerState{Entries: *e, loaded: true})
		}
		l.mu.Unlock()
		if current { // otherwise what was read may be older than what was written since
			return nil
		}
	}
}

// replaceLocked makes a state the one that counts, and tells of who is blocked anew.
func (l *Ledger) replaceLocked(s *ledgerState) {
	now, old := time.Now(), l.state.Swap(s)
	for id, b := range s.Blocks {
		if was, before := old.Blocks[id]; !b.Over(now) && (!before || was.Over(now)) {
			l.news = append(l.news, blocked{id, b})
		}
	}
	for id := range old.Keys {
		if _, still := s.Keys[id]; !still {
			l.news = append(l.news, blocked{KeyIDPrefix + id, revoked})
		}
	}
	if len(l.news) > 0 && !l.telling {
		l.telling = true
		l.tasks.Go(l.tell)
	}
}

// tell calls the listeners, for as long as there is something to tell.
func (l *Ledger) tell() {
	for {
		l.mu.Lock()
		news := l.news
		l.news = nil
		if len(news) == 0 {
			l.telling = false
			l.mu.Unlock()
			return
		}
		listeners := make([]func(string, Block), 0, len(l.listeners))
		for _, f := range l.listeners {
			listeners = append(listeners, f)
		}
		l.mu.Unlock()
		for _, n := range news {
			for _, f := range listeners {
				f(n.id, n.b)
			}
		}
	}
}

// OnBlocked has f called for each principal that becomes blocked. See Blocks.
func (l *Ledger) OnBlocked(f func(id string, b Block)) (remove func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := l.nextID
	l.nextID++
	l.listeners[id] = f
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.listeners, id)
	}
}

func (l *Ledger) snapshot() (e Entries, loaded bool) {
	s := l.state.Load()
	return s.Entries, s.loaded
}

// revoked is the block of an API key that there is no more.
var revoked = Block{Reason: "the API key was revoked"}

// Blocked answers from memory. See Blocks. An API key that was revoked is blocked.
func (l *Ledger) Blocked(id string) (Block, bool) {
	s := l.state.Load()
	if key, is := strings.CutPrefix(id, KeyIDPrefix); is && s.loaded {
		if _, known := s.Keys[key]; !known {
			return revoked, true
		}
	}
	b, ok := s.Blocks[id]
	if !ok || b.Over(time.Now()) {
		return Block{}, false
	}
	return b, true
}

// List returns the blocks that hold. See Blocks.
func (l *Ledger) List() map[string]Block {
	e, _ := l.snapshot()
	now, held := time.Now(), make(map[string]Block)
	for id, b := range e.Blocks {
		if !b.Over(now) {
			held[id] = b
		}
	}
	return held
}

// maxReason is the most bytes of a block's reason.
const maxReason = 256

// Block blocks a principal. See Blocks.
func (l *Ledger) Block(ctx context.Context, id string, until time.Time, reason string) error {
	now := time.Now()
	b := Block{Reason: reason, Since: now.UTC().Truncate(time.Second)}
	switch {
	case id == "" || len(id) > MaxID || !utf8.ValidString(id):
		return fmt.Errorf("an id has 1 to %d bytes of UTF-8", MaxID)
	case len(reason) > maxReason || !utf8.ValidString(reason):
		return fmt.Errorf("a reason has at most %d bytes of UTF-8", maxReason)
	case !until.IsZero() && !until.After(now):
		return errors.New("the block would be over already")
	}
	if !until.IsZero() {
		b.Until = until.UTC()
	}
	return l.change(
		func() error { return l.backend.PutBlock(ctx, id, b) },
		func(e *Entries) error { e.Blocks[id] = b; return nil })
}

// Unblock takes a block back. See Blocks.
func (l *Ledger) Unblock(ctx context.Context, id string) error {
	return l.change(
		func() error { return l.backend.DeleteBlock(ctx, id) },
		func(e *Entries) error { return remove(e.Blocks, id) })
}

// Keys returns the API keys by their ids.
func (l *Ledger) Keys() map[string]APIKey {
	e, _ := l.snapshot()
	return maps.Clone(e.Keys)
}

// Loaded reports whether the backend was read. Until then there may be more than is known.
func (l *Ledger) Loaded() bool { return l.state.Load().loaded }

// HasKeys reports whether there are API keys at all.
func (l *Ledger) HasKeys() bool { return len(l.state.Load().Keys) > 0 }

// AddKey keeps a key that NewKey made.
func (l *Ledger) AddKey(ctx context.Context, id string, k APIKey) error {
	return l.change(
		func() error { return l.backend.PutKey(ctx, id, k) },
		func(e *Entries) error { e.Keys[id] = k; return nil })
}

// RevokeKey forgets a key; ErrNotFound says that there is none. Who has shown it counts
// as blocked from then on.
func (l *Ledger) RevokeKey(ctx context.Context, id string) error {
	return l.change(
		func() error { return l.backend.DeleteKey(ctx, id) },
		func(e *Entries) error { return remove(e.Keys, id) })
}

// change does in the backend, and then in memory, what others will read from there.
func (l *Ledger) change(kept func() error, memory func(e *Entries) error) error {
	if l.backend != nil {
		if err := kept(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changes++
	s := l.state.Load()
	e := Entries{Keys: maps.Clone(s.Keys), Blocks: maps.Clone(s.Blocks)}
	if e.Keys == nil {
		e.Keys = make(map[string]APIKey)
	}
	if e.Blocks == nil {
		e.Blocks = make(map[string]Block)
	}
	if err := memory(&e); err != nil {
		if l.backend == nil {
			return err
		}
		return nil // it was there, and not known here yet
	}
	l.replaceLocked(&ledgerState{Entries: e, loaded: s.loaded})
	return nil
}

func remove[T any](m map[string]T, id string) error {
	if _, ok := m[id]; !ok {
		return ErrNotFound
	}
	delete(m, id)
	return nil
}
