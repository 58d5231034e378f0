package comments

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// How often a feed tells what it tells, at most. Content waits longer the more there are to be
// told.
const (
	minContent    = 50 * time.Millisecond
	maxContent    = 200 * time.Millisecond
	contentReader = 50 * time.Microsecond // for each client on the largest page that changed
	tallyEvery    = time.Second
	countsEvery   = time.Second
	viewersEvery  = time.Second
	typingEvery   = time.Second
)

// Bounds of what a feed reads at once.
const (
	readChanges   = 200
	readTallies   = 500
	readDecisions = 50
	maxBehind     = 10 // reads; who is further behind is told to get a snapshot
)

// feed tells the clients of this node what changed on a site. It is there while somebody
// listens. told and the flags are guarded by the site's mutex; the rest is its goroutine's.
type feed struct {
	s      *site
	cancel context.CancelFunc
	wake   chan struct{} // holds one when there may be something to tell
	ready  chan struct{} // closed when told is known

	told   cursor      // up to where everything was told
	floor  int64       // that was told
	polled atomic.Bool // the store was asked how far the site is; decisions may have come

	decision int64 // the last that was told, with the site's mutex
	next     struct{ content, tally, counts, viewers, typing, beat time.Time }
}

// listenLocked begins a feed, if there is none.
func (s *site) listenLocked() {
	if s.feed != nil {
		s.wakeLocked()
		return
	}
	ctx, cancel := context.WithCancel(s.c.ended)
	f := &feed{s: s, cancel: cancel, wake: make(chan struct{}, 1), ready: make(chan struct{})}
	s.feed = f
	s.c.begin(func() { f.run(ctx) })
}

// idleLocked ends the feed when nobody listens any more.
func (s *site) idleLocked() {
	if len(s.sessions) > 0 || s.feed == nil {
		return
	}
	s.feed.cancel()
	s.feed = nil
	for page, l := range s.pages {
		if l.here <= 0 {
			delete(s.pages, page)
		}
	}
	clear(s.others)
	clear(s.countDue)
	clear(s.typists)
	clear(s.typingDue)
}

// wakeLocked has the feed look whether there is something to tell.
func (s *site) wakeLocked() {
	if s.feed == nil {
		return
	}
	select {
	case s.feed.wake <- struct{}{}:
	default:
	}
}

// following waits until the site's feed follows, and returns up to where it has told
// everything.
func (s *site) following(ctx context.Context) (cursor, error) {
	s.mu.Lock()
	f := s.feed
	s.mu.Unlock()
	if f == nil {
		return cursor{}, context.Canceled // the client is gone, and was the last
	}
	select {
	case <-f.ready:
	case <-ctx.Done():
		return cursor{}, errors.New("the store did not say in time how far the site is")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.told, nil
}

// run is the goroutine of the feed.
func (f *feed) run(ctx context.Context) {
	if !f.start(ctx) {
		return
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var failed bool
	for ctx.Err() == nil {
		next, err := f.turn(ctx)
		if err != nil && ctx.Err() == nil {
			if !failed {
				f.s.c.opts.Logger.Warn("comments: what changed could not be read; it is tried again", slog.String("site", f.s.name), slog.Any("error", err))
			}
			next = time.Now().Add(time.Second)
		}
		failed = err != nil
		var due <-chan time.Time
		if !next.IsZero() {
			timer.Reset(max(time.Until(next), time.Millisecond))
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-due:
		case <-f.wake:
			if err != nil { // not again and again
				select {
				case <-ctx.Done():
				case <-due:
				}
			}
		}
	}
	f.bye()
}

// start finds out from where on to tell.
func (f *feed) start(ctx context.Context) bool {
	for {
		heads, err := f.s.c.store.Heads(ctx)
		var last int64
		if err == nil {
			last, err = f.s.lastDecision(ctx)
		}
		if err == nil {
			head := heads[f.s.name]
			f.s.mu.Lock()
			f.told, f.floor, f.decision = cursor{head.Seq, head.Tally}, head.Floor, last
			f.s.head.Seq, f.s.head.Tally, f.s.head.Floor = max(head.Seq, f.s.head.Seq), max(head.Tally, f.s.head.Tally), max(head.Floor, f.s.head.Floor)
			f.s.mu.Unlock()
			close(f.ready)
			return true
		}
		if ctx.Err() == nil {
			f.s.c.opts.Logger.Warn("comments: how far a site is could not be read", slog.String("site", f.s.name), slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Second):
		}
	}
}

// turn tells what is due, and returns when something will be; zero is when woken.
func (f *feed) turn(ctx context.Context) (next time.Time, err error) {
	s := f.s
	later := func(at time.Time) {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	now := time.Now()
	s.mu.Lock()
	head, told, floor := s.head, f.told, f.floor
	s.mu.Unlock()
	if head.Floor > floor {
		f.skip(cursor{head.Seq, head.Tally}, head.Floor)
		told = f.told
	}
	if head.Seq > told.seq {
		if !now.Before(f.next.content) {
			size, err := f.content(ctx, head.Seq)
			if err != nil {
				return next, err
			}
			wait := min(max(minContent, time.Duration(size)*contentReader), maxContent)
			f.next.content = time.Now().Add(wait)
		} else {
			later(f.next.content)
		}
	}
	if head.Tally > told.tally {
		if !now.Before(f.next.tally) {
			if err := f.tallies(ctx, head.Tally); err != nil {
				return next, err
			}
			f.next.tally = time.Now().Add(tallyEvery)
		} else {
			later(f.next.tally)
		}
	}
	if f.polled.Swap(false) {
		if err := f.decisions(ctx); err != nil {
			return next, err
		}
	}
	for _, part := range []struct {
		next  *time.Time
		every time.Duration
		tell  func(now time.Time) (more time.Time)
		due   func(now time.Time) bool
	}{
		{&f.next.counts, countsEvery, f.counts, f.countsDue},
		{&f.next.viewers, viewersEvery, f.viewers, f.viewersDue},
		{&f.next.typing, typingEvery, f.typing, f.typingDue},
	} {
		if !part.due(now) {
			continue
		}
		if now.Before(*part.next) {
			later(*part.next)
			continue
		}
		*part.next = now.Add(part.every)
		if more := part.tell(now); !more.IsZero() {
			later(more)
		}
	}
	return next, nil
}

// content tells comments and pages that changed, in the order of the store, up to where the
// site was known to be, or further. It returns how many clients are on the largest page of these.
func (f *feed) content(ctx context.Context, known int64) (size int, err error) {
	s := f.s
	for range maxBehind {
		comments, pages, more, err := s.c.store.Changes(ctx, s.name, "", f.told.seq, readChanges)
		if err != nil {
			return size, err
		}
		upTo := readUpTo(f.told.seq, comments, pages)
		if !more { // the last change may have taken away what showed it
			upTo = max(upTo, known)
		}
		size = max(size, f.tell(comments, pages, upTo))
		f.toldUpTo(upTo, 0)
		if err := f.tellQueue(ctx, comments); err != nil {
			return size, err
		}
		f.polled.Store(true) // there may be decisions about them
		if !more {
			return size, nil
		}
	}
	heads, err := s.c.store.Heads(ctx)
	if err != nil {
		return size, err
	}
	f.skip(cursor{seq: heads[s.name].Seq}, 0)
	return size, nil
}

// toldUpTo notes that everything was told up to there.
func (f *feed) toldUpTo(seq, tally int64) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.told = cursor{max(f.told.seq, seq), max(f.told.tally, tally)}
}

// readUpTo is up to where a read of changes is complete.
func readUpTo(after int64, comments []store.Comment, pages []store.Page) int64 {
	if len(comments) > 0 {
		after = max(after, comments[len(comments)-1].Seq)
	}
	if len(pages) > 0 {
		after = max(after, pages[len(pages)-1].Seq)
	}
	return after
}

// skip tells who is on a page to get a snapshot, instead of all that changed.
func (f *feed) skip(to cursor, floor int64) {
	s := f.s
	s.mu.Lock()
	f.told = cursor{max(f.told.seq, to.seq), max(f.told.tally, to.tally)}
	f.floor = max(f.floor, floor)
	pages := make([]string, 0, len(s.pages))
	for page, l := range s.pages {
		l.loaded = false
		if l.here > 0 {
			pages = append(pages, page)
		}
	}
	s.mu.Unlock()
	for _, page := range pages {
		f.toPage(page, f.told, "reset", map[string]string{"page": page})
	}
	if f.followed() {
		f.toSite(f.told, "reset", map[string]string{"page": ""})
	}
}

// tallies tells what is counted of comments: each once, as it is now.
func (f *feed) tallies(ctx context.Context, known int64) error {
	s := f.s
	for range maxBehind {
		comments, more, err := s.c.store.Tallies(ctx, s.name, "", f.told.tally, readTallies)
		if err != nil {
			return err
		}
		upTo := f.told.tally
		for i := range comments {
			upTo = max(upTo, comments[i].Tally)
		}
		if !more {
			upTo = max(upTo, known)
		}
		f.tellTallies(comments, upTo)
		f.toldUpTo(0, upTo)
		if !more {
			return nil
		}
	}
	heads, err := s.c.store.Heads(ctx)
	if err != nil {
		return err
	}
	f.skip(cursor{tally: heads[s.name].Tally}, 0)
	return nil
}
