package chat

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/server/presence"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// ear is a voice that writes down what is said, as "room event who".
type ear struct {
	mu    sync.Mutex
	said  []string
	fails error // of all that is said to clients
	nodes bool  // there are others
	told  []*nodeMessage
}

func (e *ear) toRoom(room, event string, payload any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fails != nil {
		return e.fails
	}
	switch p := payload.(type) {
	case *Message:
		e.said = append(e.said, fmt.Sprintf("%s %s %s: %s", room, event, p.User.Nick, p.Text))
	case whereabouts:
		e.said = append(e.said, fmt.Sprintf("%s %s %s", room, event, p.User.Nick))
	case renamed:
		e.said = append(e.said, fmt.Sprintf("%s %s %s to %s", room, event, p.Was, p.User.Nick))
	case crowd:
		e.said = append(e.said, fmt.Sprintf("%s %s %d, %d listed", room, event, p.Count, len(p.Users)))
	default:
		e.said = append(e.said, fmt.Sprintf("%s %s %v", room, event, payload))
	}
	return nil
}

func (e *ear) note(room, event string, payload any) { _ = e.toRoom(room, event, payload) }

func (e *ear) toUsers(event string, payload any, ids ...string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.fails != nil {
		return e.fails
	}
	text := ""
	if p, ok := payload.(*Private); ok {
		text = " " + p.Text
	}
	e.said = append(e.said, fmt.Sprintf("%s %s%s", strings.Join(ids, ","), event, text))
	return nil
}

func (e *ear) toNodes(m *nodeMessage) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, m)
	return nil
}

func (e *ear) alone() bool { return !e.nodes }

// breaks makes what is said to clients fail from now on.
func (e *ear) breaks(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fails = err
}

// heard returns what was said since the last call.
func (e *ear) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	said := e.said
	e.said = nil
	return said
}

// want waits until nothing is left to say.
func (e *ear) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := e.heard(); !slices.Equal(got, want) {
		t.Errorf("heard\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// tester is a hall of which a test knows the connections.
type tester struct {
	*hall
	ear   *ear
	conns map[string]*conn
}

// conn stands for a socket.
type conn struct {
	id    string
	ended atomic.Bool
}

func (c *conn) ID() string      { return c.id }
func (c *conn) Connected() bool { return !c.ended.Load() }

// open opens a hall, which ends with the test.
func open(t *testing.T, o Options) *tester {
	t.Helper()
	return openWith(t, o, &ear{})
}

// openWith is open with a voice.
func openWith(t *testing.T, o Options, e *ear) *tester {
	t.Helper()
	o = o.withDefaults()
	srv, err := socketio.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	ns := srv.Of(Namespace)
	h := newHall(o, e, presence.New(ns, presence.Options{Grace: o.LeaveGrace, MaxMembers: o.MaxListed, MaxMembersOf: listed}))
	ns.OnClose(h.close)
	t.Cleanup(func() {
		if err := srv.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &tester{h, e, make(map[string]*conn)}
}

// of returns a connection, which is made if need be.
func (h *tester) of(socketID string) *conn {
	if h.conns[socketID] == nil {
		h.conns[socketID] = &conn{id: socketID}
	}
	return h.conns[socketID]
}

// comes brings a connection in.
func (h *tester) comes(t *testing.T, socketID, id, nick string) User {
	t.Helper()
	return h.comesAs(t, socketID, owner{id: id, nick: nick})
}

// look is what a connection that enters a room is told.
func (h *tester) look(r *room, after string) joinedRoom {
	return h.hall.look(r, h.people.Room(r.name), after)
}

func (h *tester) comesAs(t *testing.T, socketID string, who owner) User {
	t.Helper()
	u, err := h.arrive(h.of(socketID), who)
	if err != nil {
		t.Fatalf("%s arrives: %v", who.nick, err)
	}
	return u
}

// enter puts a connection into a room and has it appear there.
func (h *tester) enter(c *conn, name string) (*room, error) {
	r, err := h.hall.enter(c, name)
	if err != nil {
		return nil, err
	}
	return r, h.appear(c, r)
}

// goes ends a connection.
func (h *tester) goes(socketID string) {
	c := h.of(socketID)
	c.ended.Store(true)
	h.people.Lose(c)
	h.lose(c)
	delete(h.conns, socketID)
}

// come brings a connection in and puts it into rooms.
func come(t *testing.T, h *tester, socketID, id, nick string, rooms ...string) {
	t.Helper()
	h.comes(t, socketID, id, nick)
	for _, name := range rooms {
		if _, err := h.enter(h.of(socketID), name); err != nil {
			t.Fatalf("%s enters %s: %v", nick, name, err)
		}
	}
	synctest.Wait()
}

func codeOf(err error) string {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused.code
	}
	return ""
}

func TestAUserIsCountedOnceForAllTabs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{LeaveGrace: 5 * time.Second})
		come(t, h, "s1", "ann", "Ann", "lobby")
		come(t, h, "s2", "ann", "Ann", "lobby")
		come(t, h, "s3", "bea", "Bea", "lobby")
		h.ear.want(t, "lobby joined Ann", "lobby joined Bea")
		if users := h.look(h.rooms["lobby"], "").Users; len(users) != 2 {
			t.Errorf("users %v, want Ann and Bea", users)
		}
		h.goes("s1")
		<-time.After(time.Minute)
		synctest.Wait()
		h.ear.want(t)
		if err := h.leave(h.of("s2"), "lobby"); err != nil {
			t.Fatal(err)
		}
		h.ear.want(t, "lobby left Ann")
	})
}

func TestAReloadMakesNoNotice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{LeaveGrace: 5 * time.Second})
		come(t, h, "s1", "ann", "Ann", "lobby", "den")
		h.ear.heard()
		for i := range 5 {
			h.goes(fmt.Sprint("s", i+1))
			<-time.After(4 * time.Second)
			come(t, h, fmt.Sprint("s", i+2), "ann", "Ann", "lobby")
		}
		h.ear.want(t, "den left Ann") // which no later tab entered
		h.goes("s6")
		<-time.After(6 * time.Second)
		synctest.Wait()
		h.ear.want(t, "lobby left Ann")
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.claims)+len(h.nicks)+len(h.tabs)+len(h.rooms) != 0 {
			t.Errorf("the hall is not empty: %d claims, %d nicks, %d tabs, %d rooms", len(h.claims), len(h.nicks), len(h.tabs), len(h.rooms))
		}
	})
}

func TestNicknamesAreOneUsersAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{MaxNick: 8})
		h.comes(t, "s1", "ann", "Ann")
		if got := h.comes(t, "s2", "bea", "ann").Nick; got != "ann 2" {
			t.Errorf("the second ann is called %q", got)
		}
		if got := h.comes(t, "s3", "cleo", "\u202e"); !strings.HasPrefix(got.Nick, "Guest ") {
			t.Errorf("a user without a name is called %q", got.Nick)
		}
		if got := h.comes(t, "s4", "ann", "Other").Nick; got != "Ann" {
			t.Errorf("the second tab of Ann is called %q", got)
		}
		come(t, h, "s5", "dora", "longname", "lobby")
		if got := h.comes(t, "s6", "eve", "LONGNAME").Nick; got != "LONGNA 2" {
			t.Errorf("the second longname is called %q", got)
		}
		h.ear.heard()
		for nick, want := range map[string]string{"ANN": "nick_taken", "ａｎｎ": "nick_taken", " ": "bad_nick", "ninechars": "bad_nick", "a\x00b": "bad_nick"} {
			if _, err := h.rename(h.of("s5"), nick); codeOf(err) != want {
				t.Errorf("renaming to %q: %v, want %s", nick, err, want)
			}
		}
		if got, err := h.rename(h.of("s5"), "  Dora  "); err != nil || got.Nick != "Dora" {
			t.Errorf("renamed to %q, %v", got.Nick, err)
		}
		synctest.Wait()
		heard := h.ear.heard()
		slices.Sort(heard)
		if !slices.Equal(heard, []string{"dora you", "lobby renamed longname to Dora"}) {
			t.Errorf("heard %q", heard)
		}
		if _, err := h.rename(h.of("s5"), "DORA"); err != nil {
			t.Errorf("a change of case: %v", err)
		}
		if got := h.comes(t, "s7", "fay", "longname").Nick; got != "longname" {
			t.Errorf("a name that is free again was given as %q", got)
		}
	})
}

// A Katakana middle dot needs a Japanese letter beside it, so no shorter part of
// this name is a name: looking for one that is free never came to an end, and
// neither did the hall.
func TestANicknameThatCannotBeCutHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{})
		nick := strings.Repeat("・", 31) + "あ"
		names := map[string]bool{}
		for i := range 2 * maxNumbered {
			id := fmt.Sprintf("user%012d", i)
			names[h.comes(t, fmt.Sprintf("tab%d", i), id, nick).Nick] = true
		}
		if len(names) != 2*maxNumbered {
			t.Errorf("%d users have %d nicknames", 2*maxNumbered, len(names))
		}
	})
}

func TestHistoryIsBoundedAndSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{History: 3})
		come(t, h, "s1", "ann", "Ann", "lobby")
		ids := make([]string, 6)
		for i := range ids {
			answer, err := h.say(h.of("s1"), "lobby", fmt.Sprint(i), "")
			if err != nil {
				t.Fatal(err)
			}
			ids[i] = answer.ID
		}
		if !slices.IsSorted(ids) || ids[0] == ids[1] || len(ids[0]) != len(ids[5]) {
			t.Errorf("ids %v do not ascend", ids)
		}
		r := h.rooms["lobby"]
		for after, want := range map[string]struct {
			texts string
			gap   bool
		}{
			"":     {"3 4 5", false},
			ids[0]: {"3 4 5", true},
			ids[2]: {"3 4 5", false},
			ids[3]: {"4 5", false},
			ids[5]: {"", false},
			"~":    {"", false},
			"0":    {"3 4 5", true},
		} {
			view := h.look(r, after)
			texts := make([]string, len(view.Messages))
			for i, m := range view.Messages {
				texts[i] = m.Text
			}
			if got := strings.Join(texts, " "); got != want.texts || view.Gap != want.gap {
				t.Errorf("after %q: %q, gap %v; want %q, %v", after, got, view.Gap, want.texts, want.gap)
			}
		}
	})
}

func TestARepeatedMessageIsPassedOnOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{})
		come(t, h, "s1", "ann", "Ann", "lobby")
		come(t, h, "s2", "bea", "Bea", "lobby")
		h.ear.heard()
		first, err := h.say(h.of("s1"), "lobby", "hello", "k1")
		if err != nil {
			t.Fatal(err)
		}
		second, err := h.say(h.of("s1"), "lobby", "hello", "k1")
		if err != nil || second != first {
			t.Errorf("the repeat was answered %v, %v; want %v", second, err, first)
		}
		if other, _ := h.say(h.of("s2"), "lobby", "hello too", "k1"); other.ID == first.ID {
			t.Error("another user's key was taken for a repeat")
		}
		p1, err := h.whisper(h.of("s1"), "bea", "psst", "k2")
		if err != nil {
			t.Fatal(err)
		}
		if p2, err := h.whisper(h.of("s1"), "bea", "psst", "k2"); err != nil || p2 != p1 {
			t.Errorf("the private repeat was answered %v, %v; want %v", p2, err, p1)
		}
		h.ear.want(t, "lobby message Ann: hello", "lobby message Bea: hello too", "bea,ann private psst")
	})
}

func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 20_000
		h := open(t, Options{HistoryBytes: limit, MaxRooms: 10, RoomsPerTab: 1000})
		h.comes(t, "s1", "ann", "Ann")
		text := strings.Repeat("x", 500)
		for i := range 40 {
			name := fmt.Sprint("room ", i)
			if _, err := h.enter(h.of("s1"), name); err != nil {
				t.Fatalf("room %d: %v", i, err)
			}
			for range 20 {
				if _, err := h.say(h.of("s1"), name, text, ""); err != nil {
					t.Fatal(err)
				}
			}
			if i >= 5 { // stay in the first five
				if err := h.leave(h.of("s1"), name); err != nil {
					t.Fatal(err)
				}
			}
		}
		var bytes int64
		for _, r := range h.rooms {
			for _, m := range r.log {
				bytes += m.size()
			}
		}
		if bytes != h.bytes || bytes > limit {
			t.Errorf("%d bytes are kept, counted as %d; the limit is %d", bytes, h.bytes, limit)
		}
		if len(h.rooms) > 10 {
			t.Errorf("%d rooms are kept; the limit is 10", len(h.rooms))
		}
		for i := range 5 {
			if h.rooms[fmt.Sprint("room ", i)] == nil {
				t.Errorf("room %d was closed with somebody in it", i)
			}
		}
		if listed := h.written.Len(); listed > len(h.rooms) {
			t.Errorf("%d rooms are listed as written in, of %d", listed, len(h.rooms))
		}
	})
}

// A text used to keep the space around it in memory, which nothing counted.
func TestSpaceAroundATextIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{})
		h.comes(t, "tab", "user", "ann")
		if _, err := h.enter(h.of("tab"), "lobby"); err != nil {
			t.Fatal(err)
		}
		held := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := held()
		for i := range 50 {
			if _, err := h.say(h.of("tab"), "lobby", strings.Repeat(" ", 500_000)+strconv.Itoa(i), ""); err != nil {
				t.Fatal(err)
			}
		}
		if now := held(); now > before+5_000_000 {
			t.Errorf("50 messages of two characters hold %d bytes", now-before)
		}
		runtime.KeepAlive(h)
	})
}

func TestFullServerRefusesRoomsAndKeepsTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{MaxRooms: 2, RoomsPerTab: 3})
		come(t, h, "s1", "ann", "Ann", "a", "b")
		if _, err := h.enter(h.of("s1"), "c"); codeOf(err) != "rooms_full" {
			t.Errorf("a third room: %v, want rooms_full", err)
		}
		h2 := open(t, Options{RoomsPerTab: 2})
		come(t, h2, "s1", "ann", "Ann", "a", "b", "b")
		if _, err := h2.enter(h2.of("s1"), "c"); codeOf(err) != "too_many_rooms" {
			t.Errorf("a third room of a tab: %v, want too_many_rooms", err)
		}
	})
}

func TestIdleRoomsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{IdleRoom: time.Hour})
		come(t, h, "s1", "ann", "Ann", "old", "lobby")
		answer, err := h.say(h.of("s1"), "old", "words", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := h.leave(h.of("s1"), "old"); err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		if _, err := h.enter(h.of("s1"), "new"); err != nil {
			t.Fatal(err)
		}
		if h.rooms["old"] != nil || h.bytes != 0 {
			t.Errorf("the old room is still there, with %d bytes", h.bytes)
		}
		r, err := h.enter(h.of("s1"), "old")
		if err != nil {
			t.Fatal(err)
		}
		if view := h.look(r, answer.ID); !view.Gap || len(view.Messages) != 0 {
			t.Errorf("who knew the old room is told gap %v and %d messages", view.Gap, len(view.Messages))
		}
	})
}

func TestARoomHearsEverythingInOneOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{History: 1000, MaxText: 10})
		const users, each = 8, 50
		var wg sync.WaitGroup
		for u := range users {
			id := fmt.Sprint("u", u)
			come(t, h, "s"+id, id, id, "lobby")
			c := h.of("s" + id)
			wg.Go(func() {
				for i := range each {
					if _, err := h.say(c, "lobby", fmt.Sprint(i), ""); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var want []string
		for _, m := range h.look(h.rooms["lobby"], "").Messages {
			want = append(want, fmt.Sprintf("lobby message %s: %s", m.User.Nick, m.Text))
		}
		got := slices.DeleteFunc(h.ear.heard(), func(s string) bool { return strings.Contains(s, " joined ") })
		if len(want) != users*each || !slices.Equal(got, want) {
			t.Errorf("%d messages were heard in another order than the %d of the history", len(got), len(want))
		}
	})
}

func TestTextsAndKeysAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{MaxText: 5})
		come(t, h, "s1", "ann", "Ann", "lobby")
		for text, want := range map[string]string{"": "empty", " \n ": "empty", "\x00\x1b": "empty", "sixsix": "too_long", "fünf!": ""} {
			if _, err := h.say(h.of("s1"), "lobby", text, ""); codeOf(err) != want {
				t.Errorf("saying %q: %v, want %q", text, err, want)
			}
		}
		if _, err := h.say(h.of("s1"), "lobby", "x", strings.Repeat("k", 65)); codeOf(err) != "too_long" {
			t.Errorf("a long key: %v, want too_long", err)
		}
		if _, err := h.say(h.of("s1"), "den", "x", ""); codeOf(err) != "not_in_room" {
			t.Errorf("a room outside: %v, want not_in_room", err)
		}
		if _, err := h.whisper(h.of("s1"), "nobody", "x", ""); codeOf(err) != "not_here" {
			t.Errorf("a private message to nobody: %v, want not_here", err)
		}
		if _, err := h.say(h.of("s9"), "lobby", "x", ""); codeOf(err) != "not_here" {
			t.Errorf("a connection that is gone: %v, want not_here", err)
		}
	})
}

func TestTheIDOfAUserComesFromTheSecretAlone(t *testing.T) {
	a, err := userID("a secret of enough length")
	if err != nil || len(a) != 16 {
		t.Errorf("id %q, %v; want 16 characters", a, err)
	}
	if b, _ := userID("a secret of enough length"); b != a {
		t.Errorf("the same secret gave %q and %q", a, b)
	}
	if b, _ := userID("a secret of enough lengtH"); b == a {
		t.Errorf("another secret gave %q too", a)
	}
	for _, secret := range []string{"", "too short", strings.Repeat("x", 129)} {
		if _, err := userID(secret); codeOf(err) != "bad_secret" {
			t.Errorf("the secret %q: %v, want bad_secret", secret, err)
		}
	}
}

func TestRoomsHaveOneFormOfTheirName(t *testing.T) {
	for name, want := range map[string]string{"Lobby": "lobby", "  Ｌｏｂｂｙ ": "lobby", "river  bank": "river bank", "smörgås": "smörgås"} {
		if got, err := checkRoom(name, 64); err != nil || got != want {
			t.Errorf("room %q is %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", " ", "a\nb", "a\u202eb", strings.Repeat("x", 65), strings.Repeat("x", 100000)} {
		if _, err := checkRoom(name, 64); codeOf(err) != "bad_room" {
			t.Errorf("room %.20q…: %v, want bad_room", name, err)
		}
	}
}
