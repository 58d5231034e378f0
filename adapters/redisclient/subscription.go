package redisclient

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// How a connection of subscriptions is watched.
const (
	quietAfter = 10 * time.Second // without a word Redis is asked whether it is there
	deadAfter  = 5 * time.Second  // and without an answer it is not
	goodAfter  = 5 * time.Second  // a connection that lived so long was a good one
	perRequest = 128              // names in one SUBSCRIBE
)

// firstUp is how long Await waits for a connection that was never there.
const firstUp = 2 * time.Second

// Topic is some channels and patterns that are heard together. Its functions are
// called on one goroutine, in the order of what happens, and must not wait for the
// Subscription.
type Topic struct {
	Channels, Patterns []string
	// Receive gets each message. payload is the Topic's to keep.
	Receive func(channel string, payload []byte)
	// Up is called when all names are subscribed. again says that they were before,
	// so that messages have been missed.
	Up func(again bool)
	// Lost is called when the connection is lost, or cannot be had at the start, once
	// until the next Up.
	Lost func(err error)

	calling sync.Mutex  // held while a function runs
	removed atomic.Bool // none is called any more

	begin sync.Once     // closes begun
	begun chan struct{} // closed when Up or Lost was called first; made by Add

	// Guarded by Subscription.mu.
	open int  // names that are not confirmed
	was  bool // Up was called once
	up   bool
	lost bool // Lost was called since the last Up
}

// Subscription hears channels and patterns of Redis on one connection. It reads as
// fast as messages are taken and drops none itself; while the connection is lost,
// messages are. It is restored by itself, with growing pauses between the attempts.
//
// Its methods may be called from any goroutine. It has one goroutine, and another one
// while it is connected.
type Subscription struct {
	client    redis.UniversalClient
	quiet     time.Duration // quietAfter
	dead      time.Duration // deadAfter
	connected func()        // for tests: called with every new connection

	mu      sync.Mutex
	names   map[name]*Topic
	asked   map[name]int  // confirmations that are to come on this connection
	changes []change      // to be sent to the server, in order; nil while not connected
	changed chan struct{} // receives when there are changes
	online  bool          // changes are taken
	closed  bool

	heard   atomic.Int64 // counts what the server says
	busy    atomic.Bool  // a topic's function runs
	closing chan struct{}
	ended   chan struct{}
}

// name is a channel or a pattern.
type name struct {
	pattern bool
	text    string
}

func (t *Topic) names() []name {
	all := make([]name, 0, len(t.Channels)+len(t.Patterns))
	for _, text := range t.Channels {
		all = append(all, name{false, text})
	}
	for _, text := range t.Patterns {
		all = append(all, name{true, text})
	}
	return all
}

// change is names to subscribe to, or no longer.
type change struct {
	remove             bool
	channels, patterns []string
}

// Subscribe returns a Subscription that connects by itself. c must not be closed
// before it is.
func Subscribe(c redis.UniversalClient) *Subscription {
	s := newSubscription(c)
	go s.run()
	return s
}

func newSubscription(c redis.UniversalClient) *Subscription {
	return &Subscription{
		client: c, quiet: quietAfter, dead: deadAfter, connected: func() {},
		names: make(map[name]*Topic), asked: make(map[name]int),
		changed: make(chan struct{}, 1), closing: make(chan struct{}), ended: make(chan struct{}),
	}
}

// Add begins to hear a topic. It does not wait. A name can be in one topic only; one
// that is in use is an error.
func (s *Subscription) Add(t *Topic) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range t.names() {
		if s.names[n] != nil && !s.closed {
			return fmt.Errorf("redis: %q is subscribed to already", n.text)
		}
	}
	return s.addLocked(t)
}

// Take is Add that removes the topics which have names of t.
func (s *Subscription) Take(t *Topic) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range t.names() {
		if other := s.names[n]; other != nil {
			s.removeLocked(other)
		}
	}
	return s.addLocked(t)
}

func (s *Subscription) addLocked(t *Topic) error {
	if s.closed {
		return ErrClosed
	}
	names := t.names()
	for _, n := range names {
		s.names[n] = t
		s.asked[n]++
	}
	t.open, t.up, t.begun = len(names), false, make(chan struct{})
	s.changeLocked(change{channels: t.Channels, patterns: t.Patterns})
	return nil
}

// Await waits, where a topic has only just been added, until it is heard or cannot be: two
// seconds at most. The only error is that of ctx.
func (s *Subscription) Await(ctx context.Context, t *Topic) error {
	late := time.NewTimer(firstUp)
	defer late.Stop()
	select {
	case <-t.begun:
	case <-late.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// call calls one of the topic's functions, unless it was removed.
func (t *Topic) call(f func()) {
	t.calling.Lock()
	defer t.calling.Unlock()
	if !t.removed.Load() {
		f()
	}
}

// begins lets Await return.
func (t *Topic) begins() { t.begin.Do(func() { close(t.begun) }) }

// Wait waits until no function of a removed topic runs any more. It must not be called
// from one.
func (t *Topic) Wait() {
	t.calling.Lock()
	defer t.calling.Unlock()
}

// Remove stops hearing a topic: none of its functions is called any more when it
// returns, except one that is running: see Topic.Wait. A topic cannot be added again.
func (s *Subscription) Remove(t *Topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeLocked(t)
}

func (s *Subscription) removeLocked(t *Topic) {
	c := change{remove: true}
	for _, n := range t.names() {
		if s.names[n] != t { // another topic has it by now
			continue
		}
		delete(s.names, n)
		if n.pattern {
			c.patterns = append(c.patterns, n.text)
		} else {
			c.channels = append(c.channels, n.text)
		}
	}
	t.up = false
	t.removed.Store(true)
	if len(c.patterns)+len(c.channels) > 0 {
		s.changeLocked(c)
	}
}

func (s *Subscription) changeLocked(c change) {
	if !s.online { // what is wanted is sent with the next connection
		return
	}
	s.changes = append(s.changes, c)
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Up reports whether a topic is heard now.
func (s *Subscription) Up(t *Topic) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.up
}

// Close ends the connection. No function of a topic is called any more when it has
// returned; it must not be called from one.
func (s *Subscription) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	<-s.ended
}

// run keeps the connection.
func (s *Subscription) run() {
	defer close(s.ended)
	turn := turn()
	for attempt := 0; ; turn++ {
		err := s.session(turn, &attempt)
		if s.isClosed() {
			return
		}
		s.lose(err)
		reload(context.Background(), s.client)
		select {
		case <-s.closing:
			return
		case <-time.After(backoff(attempt)):
		}
		attempt++
	}
}

func (s *Subscription) isClosed() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// session is one connection, from its beginning to its end. It sets attempt to 0 if it
// was a good one: one that is refused at once is not tried again and again.
func (s *Subscription) session(turn int, attempt *int) error {
	ctx := context.Background() // the client's own time-outs bound it
	c, err := server(ctx, s.client, "", turn)
	if err != nil {
		return err
	}
	ps := c.Subscribe(ctx) // without names it does not connect
	all := s.begin()
	defer s.offline()
	err = send(ctx, ps, all)
	if err == nil {
		err = ps.Ping(ctx) // there may be nothing to hear yet
	}
	if err != nil {
		_ = ps.Close() // the first error says more
		return err
	}
	s.connected()
	failed := make(chan error, 1)
	go func() { failed <- s.read(ctx, ps) }()
	began := time.Now()
	err = s.keep(ctx, ps, failed)
	_ = ps.Close() // a second time, perhaps
	if reading := <-failed; err == nil {
		err = reading
	}
	if time.Since(began) > goodAfter {
		*attempt = 0
	}
	return err
}

// begin makes everything unconfirmed and returns what is to be subscribed.
func (s *Subscription) begin() change {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes, s.online = nil, true
	clear(s.asked)
	for t := range s.topicsLocked() {
		t.open, t.up = 0, false
	}
	var all change
	for n, t := range s.names {
		t.open++
		s.asked[n] = 1
		if n.pattern {
			all.patterns = append(all.patterns, n.text)
		} else {
			all.channels = append(all.channels, n.text)
		}
	}
	return all
}

func (s *Subscription) offline() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes, s.online = nil, false
}

func (s *Subscription) topicsLocked() map[*Topic]struct{} {
	all := make(map[*Topic]struct{})
	for t := range maps.Values(s.names) {
		all[t] = struct{}{}
	}
	return all
}

// send subscribes to what a change says. Patterns come first: who counts a channel's
// subscribers counts those that hear the patterns, too.
func send(ctx context.Context, ps *redis.PubSub, c change) error {
	byPattern, byName := ps.PSubscribe, ps.Subscribe
	if c.remove {
		byPattern, byName = ps.PUnsubscribe, ps.Unsubscribe
	}
	if err := inPieces(ctx, c.patterns, byPattern); err != nil {
		return err
	}
	return inPieces(ctx, c.channels, byName)
}

func inPieces(ctx context.Context, names []string, f func(context.Context, ...string) error) error {
	for len(names) > 0 {
		n := min(len(names), perRequest)
		if err := f(ctx, names[:n]...); err != nil {
			return err
		}
		names = names[n:]
	}
	return nil
}

var errSilent = errors.New("redis does not answer on the connection of subscriptions")

// keep sends changes and sees that the connection lives. It returns nil when reading
// has failed or the Subscription ends, and otherwise why the connection is of no use.
func (s *Subscription) keep(ctx context.Context, ps *redis.PubSub, failed chan error) error {
	quiet := time.NewTimer(s.quiet)
	defer quiet.Stop()
	heard, asked := s.heard.Load(), false
	for {
		select {
		case err := <-failed:
			failed <- err
			return nil
		case <-s.closing:
			return nil
		case <-s.changed:
			s.mu.Lock()
			changes := s.changes
			s.changes = nil
			s.mu.Unlock()
			for _, c := range changes {
				if err := send(ctx, ps, c); err != nil {
					return err
				}
			}
		case <-quiet.C:
			now := s.heard.Load()
			switch {
			case now != heard, s.busy.Load():
				heard, asked = now, false
				quiet.Reset(s.quiet)
			case asked:
				return errSilent
			default:
				if err := ps.Ping(ctx); err != nil {
					return err
				}
				asked = true
				quiet.Reset(s.dead)
			}
		}
	}
}

// read reads until it fails. Messages are never dropped here: a server that has to
// wait too long for them to be taken cuts the connection, and that is noticed.
func (s *Subscription) read(ctx context.Context, ps *redis.PubSub) error {
	for {
		v, err := ps.Receive(ctx)
		if err != nil {
			return err
		}
		s.heard.Add(1)
		switch v := v.(type) {
		case *redis.Message:
			if t := s.topic(v); t != nil {
				s.busy.Store(true)
				t.call(func() { t.Receive(v.Channel, []byte(v.Payload)) })
				s.busy.Store(false)
			}
		case *redis.Subscription:
			s.confirm(v)
		}
	}
}

func (s *Subscription) topic(m *redis.Message) *Topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil
	case m.Pattern != "":
		return s.names[name{true, m.Pattern}]
	}
	return s.names[name{false, m.Channel}]
}

// confirm notes that the server has subscribed to a name.
func (s *Subscription) confirm(c *redis.Subscription) {
	if c.Kind != "subscribe" && c.Kind != "psubscribe" {
		return
	}
	n := name{c.Kind == "psubscribe", c.Channel}
	s.mu.Lock()
	t := s.names[n]
	if s.asked[n]--; s.asked[n] > 0 { // it was removed and added again
		s.mu.Unlock()
		return
	}
	delete(s.asked, n)
	if t == nil || s.closed {
		s.mu.Unlock()
		return
	}
	t.open--
	up, again := t.open == 0 && !t.up, t.was
	if up {
		t.up, t.was, t.lost = true, true, false
	}
	s.mu.Unlock()
	if up && t.Up != nil {
		t.call(func() { t.Up(again) })
	}
	if up {
		t.begins()
	}
}

// lose tells every topic once that the connection is lost.
func (s *Subscription) lose(err error) {
	s.mu.Lock()
	told := s.topicsLocked()
	for t := range told {
		if t.lost {
			delete(told, t)
		}
		t.up, t.lost = false, true
	}
	s.mu.Unlock()
	for t := range told {
		if t.Lost != nil {
			t.call(func() { t.Lost(err) })
		}
		t.begins()
	}
}
