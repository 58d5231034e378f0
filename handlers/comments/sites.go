package comments

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unique"

	"github.com/sockeye-io/sockeye/handlers/comments/guard"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/auth/token"
	"github.com/sockeye-io/sockeye/server/origin"
)

// tokenLeeway is how far the clock of a site may be ahead.
const tokenLeeway = 10 * time.Second

// about is what is known of a site itself. It does not change: a change makes another one.
type about struct {
	store.Site
	origins *origin.Policy
	tokens  *token.Verifier
	guard   *guard.Guard
}

// site is a site on this node. It is one value for as long as the site is there.
type site struct {
	c     *Comments
	name  string
	about atomic.Pointer[about]

	mu       sync.Mutex
	gone     bool       // from the store
	head     store.Head // as far as it is known here
	sessions map[*session]struct{}
	pages    map[string]*livePage // that somebody here is on
	feed     *feed                // nil while nobody listens
	others   map[string]*otherNode
	watched  map[string]int // pages of which somebody here hears the count, by how many
	countDue map[string]int // counts to be told
	pageDue  bool           // a page is to be told
	crowd    bool           // viewers of a page are to be told

	typists   map[string]map[string]typist // by page and user
	typingDue map[string]bool              // pages of which it is to be told who types
}

// newAbout reads what is stored. was is what was known before, or nil.
func (c *Comments) newAbout(s *store.Site, was *about) (*about, error) {
	a := &about{Site: *s}
	var err error
	if a.origins, err = origin.Parse(s.Origins); err != nil {
		return nil, fmt.Errorf("origins: %w", err)
	}
	a.guard = c.guard
	if was != nil && was.Secret == s.Secret {
		a.tokens = was.tokens
		return a, nil
	}
	secret, err := token.NewSecret([]byte(s.Secret))
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	a.tokens = token.NewVerifier(token.Options{Keys: token.Keys{secret}, Leeway: tokenLeeway})
	return a, nil
}

// keyed is what only who knows the site's secret can compute of a text.
func (a *about) keyed(text string) []byte {
	mac := hmac.New(sha256.New, []byte(a.Secret))
	mac.Write([]byte("sockeye:" + text))
	return mac.Sum(nil)
}

// site returns a site that there is, or store.ErrNotFound.
func (c *Comments) site(ctx context.Context, name string) (*site, error) {
	if s := c.known(name); s != nil {
		return s, nil
	}
	if !validSite(name) {
		return nil, store.ErrNotFound
	}
	stored, err := c.store.Site(ctx, name)
	if err != nil {
		return nil, err
	}
	return c.learn(&stored)
}

// known returns a site that is known here, or nil.
func (c *Comments) known(name string) *site {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sites[name]
}

// validSite reports whether a text can be the name of a site.
func validSite(name string) bool {
	for _, r := range []byte(name) {
		if r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return name != "" && len(name) <= 64
}

// learn takes what is stored of a site, if it is newer than what is known.
func (c *Comments) learn(stored *store.Site) (*site, error) {
	s := c.known(stored.Name)
	var was *about
	if s != nil {
		was = s.about.Load()
		switch {
		case !was.Created.Equal(stored.Created): // another one of the same name
			c.forget(s)
			was = nil
		case was.Version >= stored.Version:
			return s, nil
		}
	}
	now, err := c.newAbout(stored, was)
	if err != nil {
		return nil, fmt.Errorf("site %q: %w", stored.Name, err)
	}
	c.mu.Lock()
	s = c.sites[stored.Name]
	fresh := s == nil
	if fresh {
		s = &site{
			c: c, name: stored.Name, sessions: make(map[*session]struct{}), pages: make(map[string]*livePage),
			others: make(map[string]*otherNode), watched: make(map[string]int), countDue: make(map[string]int),
			typists: make(map[string]map[string]typist), typingDue: make(map[string]bool),
		}
		c.sites[stored.Name] = s
	}
	was = s.about.Load()
	newer := was == nil || was.Version < now.Version
	if newer {
		s.about.Store(now)
	}
	c.mu.Unlock()
	if newer && !fresh {
		s.changed(was, now)
	}
	return s, nil
}

// changed tells who is there that the settings have changed. Who came with a token that was
// signed with another secret is nobody any more.
func (s *site) changed(was, now *about) {
	if was.Secret != now.Secret {
		for _, one := range s.everybody() {
			one.believe()
		}
	}
	_ = s.c.ns.To(s.room(roomAll, "")).Local().Emit("settings", map[string]any{"site": publicSettings(now)}) // fails when the namespace ends
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wakeLocked()
}

// everybody lists the sessions that are there.
func (s *site) everybody() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*session, 0, len(s.sessions))
	for one := range s.sessions {
		all = append(all, one)
	}
	return all
}

// headOf is how far a site is, as far as it is known here: what this node has written
// itself, what others have told, and what the store said last.
func headOf(s *site) store.Head {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head
}

// advanced notes that a site is further, and has it told here and on other nodes.
func (s *site) advanced(seq, tally int64) {
	s.mu.Lock()
	s.advanceLocked(seq, tally)
	s.mu.Unlock()
	s.c.nudge(&nodeMessage{Site: s.name, Seq: seq, Tally: tally})
	if seq > 0 {
		s.c.hooks.wake()
	}
}

func (s *site) advanceLocked(seq, tally int64) {
	if seq > s.head.Seq || tally > s.head.Tally {
		s.head.Seq, s.head.Tally = max(seq, s.head.Seq), max(tally, s.head.Tally)
		s.wakeLocked()
	}
}

// AllowsOrigin reports whether pages of this origin belong to a site.
func (c *Comments) AllowsOrigin(of string) bool {
	if of == "" {
		return false
	}
	r := requestOf(of)
	for _, s := range c.all() {
		if s.about.Load().origins.Allow(r) {
			return true
		}
	}
	return false
}

// all lists the sites.
func (c *Comments) all() []*site {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Values(c.sites))
}

// requestOf is a request of a page of another origin.
func requestOf(from string) *http.Request {
	return &http.Request{Header: http.Header{"Origin": {from}}}
}

// follow asks the store how far the sites are, again and again.
func (c *Comments) follow() {
	tick := time.NewTicker(c.pollEvery)
	defer tick.Stop()
	var failed bool
	for n := 1; ; n++ {
		select {
		case <-c.ended.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(c.ended, patience)
		err := c.poll(ctx)
		if n%recheckEvery == 0 {
			for _, s := range c.all() {
				s.recheck(ctx)
			}
		}
		cancel()
		switch {
		case err == nil && failed:
			c.opts.Logger.Info("comments: the store answers again")
		case err != nil && !failed && c.ended.Err() == nil:
			c.opts.Logger.Warn("comments: the store does not say how far the sites are", slog.Any("error", err))
		}
		failed = err != nil
	}
}

// poll learns how far the sites are, and which there are. A site that cannot be is left as it
// was, and the log says so once.
func (c *Comments) poll(ctx context.Context) error {
	heads, err := c.store.Heads(ctx)
	if err != nil {
		return err
	}
	for name, head := range heads {
		s := c.known(name)
		if s == nil || s.about.Load().Version != head.Version || !s.about.Load().Created.Equal(head.Created) {
			if _, err = c.reload(ctx, name); err != nil {
				c.cannotBe(ctx, name, head.Version, err)
			}
			s = c.known(name)
		}
		if s != nil {
			s.reached(head)
		}
	}
	for _, s := range c.all() {
		if _, there := heads[s.name]; there {
			continue
		}
		if _, err := c.store.Site(ctx, s.name); errors.Is(err, store.ErrNotFound) { // not only made since
			c.forget(s)
		}
	}
	return nil
}

// cannotBe logs that a site cannot be read, once for each of its versions.
func (c *Comments) cannotBe(ctx context.Context, name string, version int64, err error) {
	c.mu.Lock()
	last, logged := c.broken[name]
	c.broken[name] = version
	c.mu.Unlock()
	if ctx.Err() == nil && !errors.Is(err, store.ErrNotFound) && (!logged || last != version) {
		c.opts.Logger.Error("comments: a site cannot be served as it is stored", slog.String("site", name), slog.Any("error", err))
	}
}

// reload reads a site anew.
func (c *Comments) reload(ctx context.Context, name string) (*site, error) {
	stored, err := c.store.Site(ctx, name)
	if err != nil {
		return nil, err
	}
	return c.learn(&stored)
}

// forget takes a site away that is not there any more, with who is on it.
func (c *Comments) forget(s *site) {
	c.mu.Lock()
	if c.sites[s.name] == s {
		delete(c.sites, s.name)
	}
	c.mu.Unlock()
	s.mu.Lock()
	s.gone = true
	s.mu.Unlock()
	for _, one := range s.everybody() {
		one.socket.End("unknown_site", "this site has no comments any more")
	}
}

// reached takes what the store says of how far a site is, unless that is said of another one that had its name.
func (s *site) reached(head store.Head) {
	if !s.about.Load().Created.Equal(head.Created) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if head.Floor > s.head.Floor || head.Version > s.head.Version {
		s.head.Floor, s.head.Version = max(head.Floor, s.head.Floor), head.Version
		s.wakeLocked()
	}
	s.advanceLocked(head.Seq, head.Tally)
	if s.feed != nil {
		s.feed.polled.Store(true)
		s.wakeLocked()
	}
}

// The rooms of a site. Those of pages and users have a name behind it.
const (
	roomAll   = "all"
	roomSite  = "site"  // who follows all pages as the public does
	roomPage  = "page"  // who sees a page as the public does
	roomStaff = "staff" // who sees a page as moderators do
	roomWatch = "watch" // moderators who hear what is to be decided
	roomUser  = "user"
	roomCount = "count" // who hears the count of a page
)

// room is the name of a room, one text for all who are in it.
func (s *site) room(kind, name string) string {
	return unique.Make(kind + ":" + s.name + ":" + name).Value()
}
