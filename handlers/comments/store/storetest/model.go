package storetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// model is what should be stored, kept as simply as can be and counted anew each time.
type model struct {
	*bench
	rand  *rand.Rand
	now   time.Time
	order []string // IDs
	notes map[string]*note
	steps []string // for whoever has to find out what went wrong
}

type note struct {
	parent, page string
	author       string
	state        store.State
	created      time.Time
	votes        map[string]int
	reactions    map[string]map[string]bool
	flags        map[string]bool // false: settled
}

// Whatever happens, in whatever order, what is counted is what a recount says.
func testModel(b *bench) {
	seed := uint64(time.Now().UnixNano())                                                                   // #nosec G115 -- any number will do
	m := &model{bench: b, rand: rand.New(rand.NewPCG(seed, 0)), now: time.Now(), notes: map[string]*note{}} // #nosec G404 -- a mix
	b.Cleanup(func() {
		if b.Failed() {
			b.Logf("seed %d: %s", seed, strings.Join(m.steps, ", "))
		}
	})
	for i := range 200 {
		m.step()
		if i%50 == 49 {
			m.check()
		}
	}
}

func (m *model) user() string { return fmt.Sprint("u_user", m.rand.IntN(6)) }

func (m *model) some() (string, *note) {
	id := m.order[m.rand.IntN(len(m.order))]
	return id, m.notes[id]
}

func (m *model) step() {
	m.Helper()
	n := m.rand.IntN(100)
	if len(m.order) < 5 {
		n = 0
	}
	switch {
	case n < 30:
		m.stepAdd()
	case n < 70:
		m.stepOpinion(n)
	case n < 90:
		m.stepDecide()
	case n < 95:
		m.stepEdit()
	case n < 98:
		m.stepErase()
	default:
		m.stepPurge()
	}
}

func (m *model) stepAdd() {
	m.now = m.now.Add(time.Minute)
	n := &note{
		page: fmt.Sprint("/", m.rand.IntN(2)), author: m.user(), created: m.now, votes: map[string]int{},
		reactions: map[string]map[string]bool{}, flags: map[string]bool{},
		state: []store.State{store.Published, store.Published, store.Pending, store.Rejected}[m.rand.IntN(4)],
	}
	if len(m.order) > 0 && m.rand.IntN(3) > 0 {
		id, parent := m.some()
		n.parent, n.page = id, parent.page
	}
	c := m.add(n.parent, on(n.page), in(n.state), at(n.created), func(c *store.Comment) { c.Author = store.Author{ID: n.author, Name: "x"} })
	m.order, m.notes[c.ID] = append(m.order, c.ID), n
	m.steps = append(m.steps, fmt.Sprintf("%s adds %s under %q", n.author, c.ID, n.parent))
}

func (m *model) stepOpinion(kind int) {
	id, n := m.some()
	user := m.user()
	var err error
	switch kind % 3 {
	case 0:
		value := m.rand.IntN(3) - 1
		n.votes[user] = value
		_, err = m.Vote(m.ctx(), site, id, user, value)
		m.steps = append(m.steps, fmt.Sprintf("%s votes %d for %s", user, value, id))
	case 1:
		reaction, is := []string{"👍", "🎉"}[m.rand.IntN(2)], m.rand.IntN(3) > 0
		if n.reactions[reaction] == nil {
			n.reactions[reaction] = map[string]bool{}
		}
		n.reactions[reaction][user] = is
		_, err = m.React(m.ctx(), site, id, user, reaction, is)
		m.steps = append(m.steps, fmt.Sprintf("%s reacts %s %v to %s", user, reaction, is, id))
	case 2:
		if _, flagged := n.flags[user]; !flagged {
			n.flags[user] = true
			if n.state == store.Published && n.flagged() >= 3 {
				n.state = store.Pending
			}
		}
		_, err = m.Flag(m.ctx(), site, id, user, "rude", 3)
		m.steps = append(m.steps, fmt.Sprintf("%s flags %s", user, id))
	}
	m.must(err)
}

func (n *note) flagged() (count int) {
	for _, counts := range n.flags {
		if counts {
			count++
		}
	}
	return count
}

func (m *model) stepDecide() {
	actions := map[store.Action]store.State{
		store.Approve: store.Published, store.Reject: store.Rejected, store.Delete: store.Deleted,
		store.Restore: store.Published, store.Unflag: "", store.Pin: "", store.Unpin: "",
	}
	names := slices.Sorted(maps.Keys(actions))
	action := names[m.rand.IntN(len(names))]
	var chosen []string
	for range 1 + m.rand.IntN(3) {
		id, n := m.some()
		chosen = append(chosen, id)
		if n.state == store.Deleted {
			continue
		}
		if state := actions[action]; state != "" {
			n.state = state
		}
		if action == store.Approve || action == store.Restore || action == store.Unflag {
			for user := range n.flags {
				n.flags[user] = false
			}
		}
	}
	m.moderate(action, chosen...)
	m.steps = append(m.steps, fmt.Sprintf("%s %v", action, chosen))
}

func (m *model) stepEdit() {
	id, n := m.some()
	if n.state == store.Deleted {
		return
	}
	e := store.Edit{Text: "edited", State: store.Pending, Delete: m.rand.IntN(2) == 0}
	n.state = store.Pending
	if e.Delete {
		n.state = store.Deleted
	}
	_, err := m.Edit(m.ctx(), site, id, e)
	m.must(err)
	m.steps = append(m.steps, fmt.Sprintf("edit %s to %s", id, n.state))
}

func (m *model) stepErase() {
	user := m.user()
	for _, n := range m.notes {
		if n.author == user {
			n.author, n.state = "", store.Deleted
		}
		delete(n.votes, user)
		delete(n.flags, user)
		for _, users := range n.reactions {
			delete(users, user)
		}
	}
	_, err := m.Erase(m.ctx(), site, user, store.Decision{})
	m.must(err)
	m.steps = append(m.steps, "erase "+user)
}

func (m *model) root(id string) string {
	for m.notes[id].parent != "" {
		id = m.notes[id].parent
	}
	return id
}

func (m *model) stepPurge() {
	before := m.now.Add(-20 * time.Minute)
	young := map[string]bool{}
	for id, n := range m.notes {
		if !n.created.Before(before) {
			young[m.root(id)] = true
		}
	}
	keep := m.order[:0:0]
	var gone []string
	for _, id := range m.order {
		n := m.notes[id]
		switch {
		case !young[m.root(id)]:
			gone = append(gone, id)
			continue
		case n.created.Before(before) && (n.state != store.Deleted || n.author != ""):
			*n = note{parent: n.parent, page: n.page, created: n.created, state: store.Deleted, votes: map[string]int{}, reactions: map[string]map[string]bool{}, flags: map[string]bool{}}
		}
		keep = append(keep, id)
	}
	for _, id := range gone {
		delete(m.notes, id)
	}
	m.order = keep
	_, err := m.Purge(m.ctx(), site, before)
	m.must(err)
	m.steps = append(m.steps, "purge")
}

// line is what is compared of a comment.
func line(id string, n *note) string {
	up, down, reactions := 0, 0, map[string]int{}
	for _, v := range n.votes {
		if v > 0 {
			up++
		}
		if v < 0 {
			down++
		}
	}
	for reaction, users := range n.reactions {
		for _, is := range users {
			if is {
				reactions[reaction]++
			}
		}
	}
	return fmt.Sprintln(id, n.parent, n.page, n.author, n.state, up, down, reactions, n.flagged())
}

func (m *model) check() {
	m.Helper()
	var got, want strings.Builder
	for _, c := range m.all(site, "") {
		fmt.Fprintln(&got, c.ID, c.Parent, c.Page, c.Author.ID, c.State, c.Up, c.Down, c.Reactions, c.Flags)
	}
	published, visible := map[string]int{}, map[string]bool{}
	pending, flagged := 0, 0
	for _, id := range m.order {
		n := m.notes[id]
		want.WriteString(line(id, n))
		switch n.state {
		case store.Published:
			published[n.page]++
			if n.flagged() > 0 {
				flagged++
			}
			for up := id; up != ""; up = m.notes[up].parent {
				visible[up] = true
			}
		case store.Pending:
			pending++
		default:
		}
	}
	if got.String() != want.String() {
		m.Fatalf("got\n%s\nwant\n%s", got.String(), want.String())
	}
	counts, err := m.Counts(m.ctx(), site, []string{"/0", "/1"})
	m.must(err)
	m.equal(counts, published)
	p, f, err := m.Waiting(m.ctx(), site)
	m.must(err)
	m.equal([]int{p, f}, []int{pending, flagged})
	shown := map[string]bool{}
	for _, key := range []string{"/0", "/1"} {
		all, next, err := m.Threads(m.ctx(), store.ThreadQuery{Site: site, Page: key, Limit: 1000})
		m.must(err)
		m.equal(next, "")
		for _, c := range all {
			shown[c.ID] = true
		}
	}
	m.equal(shown, visible)
}
