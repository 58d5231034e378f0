package notifications

import (
	"container/list"
	"slices"
	"sort"
	"sync"
	"time"
)

// boxes is what this node keeps for users. Its methods may be called from any goroutine.
type boxes struct {
	opts Options // with defaults
	now  func() time.Time

	mu     sync.Mutex
	byUser map[string]*box
	recent *list.List // of *box; of whom something was heard last is first, who has nothing is last
	bytes  int64
	last   int64 // time of the last notification, in milliseconds since 1970
}

// maxSkew is how far the clock of another node may be ahead of this one's, and this one
// still dates what follows after what it has heard.
const maxSkew = time.Minute

// stamp returns a time for a notification that is after all that this node has heard of, so
// that what follows on something comes after it.
func (b *boxes) stamp() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = max(b.last+1, b.now().UnixMilli())
	return b.last
}

// box is what is kept for one user.
type box struct {
	user  string
	place *list.Element
	kept  []*Notification     // oldest first
	early map[string]struct{} // ids that were read, as another node said, before they were heard of

	complete bool          // the other nodes were asked, and nothing was missed since
	asking   chan struct{} // not nil while they are; closed after it
}

func newBoxes(o Options) *boxes {
	return &boxes{opts: o, now: time.Now, byUser: make(map[string]*box), recent: list.New()}
}

// boxLocked returns the box of a user. With something in it, it is the one heard of last;
// those who have nothing push out nobody who has.
func (b *boxes) boxLocked(user string) *box {
	u := b.byUser[user]
	if u != nil {
		b.expireLocked(u)
		if len(u.kept) > 0 {
			b.recent.MoveToFront(u.place)
		}
		return u
	}
	u = &box{user: user}
	u.place = b.recent.PushBack(u)
	b.byUser[user] = u
	b.bytes += overhead
	b.shrinkLocked(u)
	return u
}

// expireLocked drops what is too old.
func (b *boxes) expireLocked(u *box) {
	oldest := b.now().Add(-b.opts.Age).UnixMilli()
	for len(u.kept) > 0 && u.kept[0].Time < oldest {
		b.dropLocked(u)
	}
}

// dropLocked drops the oldest.
func (b *boxes) dropLocked(u *box) {
	b.bytes -= u.kept[0].size()
	u.kept[0] = nil
	u.kept = u.kept[1:]
}

// shrinkLocked forgets users of whom nothing was heard for longest until what is kept is
// within its bounds. but is spared.
func (b *boxes) shrinkLocked(but *box) {
	oldest := b.now().Add(-b.opts.Age).UnixMilli()
	for {
		back := b.recent.Back()
		if back == but.place {
			back = back.Prev()
		}
		if back == nil {
			return
		}
		u, isBox := back.Value.(*box)
		if !isBox {
			return
		}
		stale := len(u.kept) > 0 && u.kept[len(u.kept)-1].Time < oldest
		if !stale && len(b.byUser) <= b.opts.Users && b.bytes <= int64(b.opts.Bytes) {
			return
		}
		for len(u.kept) > 0 {
			b.dropLocked(u)
		}
		b.bytes -= overhead
		b.recent.Remove(back)
		delete(b.byUser, u.user)
	}
}

// add keeps a notification for users, and returns those of them who did not have it.
func (b *boxes) add(n *Notification, users ...string) (news []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, user := range users {
		if b.addLocked(b.boxLocked(user), n) {
			news = append(news, user)
		}
	}
	return news
}

func (b *boxes) addLocked(u *box, n *Notification) (added bool) {
	for _, k := range u.kept {
		if k.ID == n.ID {
			fresh := n.Read && !k.Read
			k.Read = k.Read || n.Read
			return fresh
		}
	}
	if n.Time > b.last && n.Time <= b.now().Add(maxSkew).UnixMilli() {
		b.last = n.Time
	}
	own := *n
	if _, read := u.early[n.ID]; read {
		own.Read = true
		delete(u.early, n.ID)
	}
	at := sort.Search(len(u.kept), func(i int) bool { return own.before(u.kept[i]) })
	u.kept = slices.Insert(u.kept, at, &own)
	b.bytes += own.size()
	b.recent.MoveToFront(u.place)
	for len(u.kept) > b.opts.PerUser {
		b.dropLocked(u)
	}
	b.expireLocked(u)
	b.shrinkLocked(u)
	return true
}

// remove undoes add.
func (b *boxes) remove(id string, users []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, user := range users {
		u := b.boxLocked(user)
		u.kept = slices.DeleteFunc(u.kept, func(n *Notification) bool {
			if n.ID == id {
				b.bytes -= n.size()
			}
			return n.ID == id
		})
	}
}

// read notes that a user has read some, and reports whether any of them was unread.
func (b *boxes) read(user string, ids []string) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.boxLocked(user)
	for _, id := range ids {
		at := slices.IndexFunc(u.kept, func(n *Notification) bool { return n.ID == id })
		switch {
		case at >= 0:
			changed = changed || !u.kept[at].Read
			u.kept[at].Read = true
		case len(u.early) < b.opts.PerUser:
			if u.early == nil {
				u.early = make(map[string]struct{})
			}
			u.early[id] = struct{}{}
		}
	}
	return changed
}

// view is what a tab is told that has just come.
type view struct {
	User          string         `json:"user"`
	Notifications []Notification `json:"notifications"`
	Unread        int            `json:"unread"`
	Visitor       bool           `json:"visitor,omitempty"`
}

// of returns what is kept for a user.
func (b *boxes) of(user string) view {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.boxLocked(user)
	v := view{User: user, Notifications: make([]Notification, len(u.kept)), Unread: u.unread()}
	for i, n := range u.kept {
		v.Notifications[i] = *n
	}
	return v
}

// unread counts.
func (b *boxes) unread(user string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.boxLocked(user).unread()
}

func (u *box) unread() (count int) {
	for _, n := range u.kept {
		if !n.Read {
			count++
		}
	}
	return count
}

// unreadIDs lists what a user has not read.
func (b *boxes) unreadIDs(user string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := []string{}
	for _, n := range b.boxLocked(user).kept {
		if !n.Read {
			ids = append(ids, n.ID)
		}
	}
	return ids
}

// beginAsking says whether the caller is to ask the other nodes about a user, and whom to
// wait for or, if the caller asks, to end; neither, if there is nothing to ask.
func (b *boxes) beginAsking(user string) (mine bool, asking chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.boxLocked(user)
	switch {
	case u.complete:
		return false, nil
	case u.asking != nil:
		return false, u.asking
	}
	u.asking, u.complete = make(chan struct{}), true // until something is missed
	return true, u.asking
}

// endAsking merges what the others had. failed says that some did not answer.
func (b *boxes) endAsking(user string, asking chan struct{}, had []Notification, failed bool) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(asking)
	u := b.boxLocked(user)
	for i := range had {
		changed = b.addLocked(u, &had[i]) || changed
	}
	if u.asking == asking { // or it was forgotten meanwhile, and made anew
		u.asking, u.complete = nil, u.complete && !failed
	}
	return changed
}

// missed says that what is kept may lack something, and lists the users.
func (b *boxes) missed() (users []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for user, u := range b.byUser {
		u.complete = false
		users = append(users, user)
	}
	return users
}
