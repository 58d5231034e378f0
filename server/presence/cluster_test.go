package presence

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// sea runs a test with nodes a, b and c that know each other.
func sea(t *testing.T, o Options, run func(f *fleet, a, b, c *ship)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1, o)
		defer f.sinkAll()
		a, b, c := f.launch("a"), f.launch("b"), f.launch("c")
		pass(5 * time.Second)
		run(f, a, b, c)
	})
}

func TestAUserIsOneUserOnAllNodes(t *testing.T) {
	sea(t, Options{}, func(f *fleet, a, b, c *ship) {
		a.enter("s1", "lobby", "ann", map[string]string{"nick": "Ann"})
		pass(100 * time.Millisecond)
		for _, s := range f.live() {
			s.want(`join lobby ann {"nick":"Ann"}`)
		}
		b.enter("s2", "lobby", "ann", map[string]string{"nick": "other"})
		pass(2 * time.Second)
		c.wantRoom("lobby", `1/2 ann{"nick":"Ann"}=s1,s2(2)`)
		for _, s := range f.live() {
			s.want("count lobby 1/2")
		}
		a.drop("s1")
		pass(2 * time.Second)
		a.wantRoom("lobby", `1/1 ann{"nick":"Ann"}=s2(1)`)
		for _, s := range f.live() {
			s.want("count lobby 1/1")
		}
		b.exit("s2", "lobby")
		pass(100 * time.Millisecond)
		for _, s := range f.live() {
			s.want(`leave lobby ann {"nick":"Ann"}`)
		}
		f.agree("lobby")
	})
}

func TestWhoIsInARoomIsKnownWithinABatch(t *testing.T) {
	sea(t, Options{}, func(f *fleet, a, b, _ *ship) {
		t := f.t
		for i := range 100 {
			a.enter(fmt.Sprint("s", i), "lobby", fmt.Sprint("u", i), nil)
		}
		before := f.messagesOf(kindDelta)
		pass(batchEvery + f.delay)
		if got := b.Room("lobby").UserCount; got != 100 {
			t.Errorf("%d users, want 100", got)
		}
		if got := f.messagesOf(kindDelta) - before; got != 1 {
			t.Errorf("%d messages, want one", got)
		}
		a.enter("s", "den", "eve", nil)
		a.exit("s", "den")
		pass(time.Second)
		if got := f.messagesOf(kindDelta) - before; got != 1 {
			t.Errorf("%d messages, but what was undone is not told", got)
		}
	})
}

func TestADeadNodeIsGoneWithin15Seconds(t *testing.T) {
	sea(t, Options{Grace: time.Hour}, func(f *fleet, a, b, c *ship) {
		t := f.t
		a.enter("s1", "lobby", "ann", nil)
		a.enter("s2", "lobby", "bea", nil)
		b.enter("s3", "lobby", "ann", nil)
		pass(time.Second)
		for _, s := range f.live() {
			s.events()
		}
		a.sink(false)
		pass(nodeTimeout - beatEvery)
		b.wantRoom("lobby", "2/3 ann=s1,s3(2) bea=s2(1)")
		pass(15*time.Second - nodeTimeout + beatEvery)
		for _, s := range []*ship{b, c} {
			s.want("leave lobby bea")
			s.wantRoom("lobby", "1/1 ann=s3(1)")
		}
		f.agree("lobby")
		if nodes := b.Nodes(); len(nodes) != 1 || nodes[0] != c.Node() {
			t.Errorf("nodes %q, want %q", nodes, c.Node())
		}
	})
}

func TestAStoppedNodesUsersHaveTheGraceToComeBackElsewhere(t *testing.T) {
	sea(t, Options{Grace: 5 * time.Second}, func(f *fleet, a, b, c *ship) {
		a.enter("s1", "lobby", "ann", nil)
		a.enter("s2", "lobby", "bea", nil)
		pass(time.Second)
		for _, s := range f.live() {
			s.events()
		}
		a.drop("s1")
		a.drop("s2")
		a.sink(true)
		pass(2 * time.Second)
		b.enter("s3", "lobby", "ann", nil)
		pass(2 * time.Second)
		c.wantRoom("lobby", "2/1 ann=s3(1) bea=(0)")
		pass(5 * time.Second)
		b.wantKinds("count lobby 2/0", "count lobby 2/1", "leave lobby bea")
		c.wantKinds("count lobby 2/0", "count lobby 2/1", "leave lobby bea")
		f.agree("lobby")
	})
}

func TestANodeThatStartsKnowsWhoIsThere(t *testing.T) {
	sea(t, Options{}, func(f *fleet, a, b, _ *ship) {
		t := f.t
		for i := range 1000 {
			a.enter(fmt.Sprint("s", i), fmt.Sprint("room", i%10), fmt.Sprint("u", i), map[string]int{"n": i})
			b.enter(fmt.Sprint("t", i), fmt.Sprint("room", i%10), fmt.Sprint("u", i+500), nil)
		}
		pass(time.Second)
		d := f.launch("d")
		<-d.Ready()
		f.agree("room0", "room1", "room9")
		if got := d.Room("room3").UserCount; got != 150 {
			t.Errorf("%d users, want 150", got)
		}
		if joined := len(d.events()); joined != 1500 {
			t.Errorf("%d events, want a join of each of 1500", joined)
		}
		if f.messagesOf(kindPage) < 6 {
			t.Errorf("the whole state came in %d pages", f.messagesOf(kindPage))
		}
	})
}

// What classic Pub/Sub loses is asked for at the next beat; a few lost batches are
// repeated and not everything.
func TestALostMessageIsRepairedWithinABeat(t *testing.T) {
	sea(t, Options{}, func(f *fleet, a, b, c *ship) {
		t := f.t
		a.enter("s1", "lobby", "ann", nil)
		pass(time.Second)
		pages := f.messagesOf(kindPage)
		f.weather(1, time.Millisecond)
		a.enter("s2", "lobby", "bea", nil)
		a.exit("s1", "lobby")
		pass(time.Second)
		b.wantRoom("lobby", "1/1 ann=s1(1)")
		f.weather(0, time.Millisecond)
		pass(beatEvery + 100*time.Millisecond)
		f.agree("lobby")
		c.wantSorted("join lobby ann", "join lobby bea", "leave lobby ann")
		if f.messagesOf(kindPage) != pages {
			t.Error("everything was repeated for one batch")
		}
		// A lost batch shows in the next one, before any beat.
		f.weather(1, time.Millisecond)
		a.enter("s3", "lobby", "cleo", nil)
		pass(100 * time.Millisecond)
		f.weather(0, time.Millisecond)
		a.enter("s4", "lobby", "dora", nil)
		pass(200 * time.Millisecond)
		f.agree("lobby")
	})
}

func TestAfterACutBothSidesAgreeAgain(t *testing.T) {
	sea(t, Options{}, func(f *fleet, a, b, c *ship) {
		a.enter("s1", "lobby", "ann", nil)
		b.enter("s2", "lobby", "bea", nil)
		c.enter("s3", "lobby", "cleo", nil)
		pass(time.Second)
		for _, s := range f.live() {
			s.events()
		}
		f.cut(a, b, true)
		f.cut(a, c, true)
		pass(15 * time.Second)
		a.wantRoom("lobby", "1/1 ann=s1(1)")
		b.wantRoom("lobby", "2/2 bea=s2(1) cleo=s3(1)")
		a.enter("s4", "lobby", "dora", nil)
		b.drop("s2")
		f.cut(a, b, false)
		f.cut(a, c, false)
		pass(beatEvery + time.Second)
		f.agree("lobby")
		a.wantSorted("leave lobby bea", "leave lobby cleo", "join lobby dora", "join lobby cleo")
		c.wantSorted("leave lobby ann", "leave lobby bea", "join lobby ann", "join lobby dora")
	})
}

// While the adapter itself is cut off, every node would look dead.
func TestNobodyIsGivenUpWhileTheAdapterIsCutOff(t *testing.T) {
	sea(t, Options{}, func(f *fleet, a, b, c *ship) {
		a.enter("s1", "lobby", "ann", nil)
		b.enter("s2", "lobby", "bea", nil)
		pass(time.Second)
		for _, s := range f.live() {
			s.events()
			s.adapterEvent(down)
		}
		f.weather(1, time.Millisecond)
		pass(time.Minute)
		b.exit("s2", "lobby")
		pass(time.Minute)
		b.want("leave lobby bea")
		a.want()
		f.weather(0, time.Millisecond)
		for _, s := range f.live() {
			s.adapterEvent(up)
		}
		pass(time.Second)
		f.agree("lobby")
		a.want("leave lobby bea")
		c.want("leave lobby bea")
		b.want()
		b.sink(false)
		pass(15 * time.Second)
		if nodes := a.Nodes(); len(nodes) != 1 {
			f.t.Errorf("nodes %q, after one died", nodes)
		}
	})
}

func TestAGapIsRepairedAtOnce(t *testing.T) {
	sea(t, Options{}, func(f *fleet, a, b, _ *ship) {
		f.weather(1, time.Millisecond)
		a.enter("s1", "lobby", "ann", nil)
		pass(100 * time.Millisecond)
		f.weather(0, time.Millisecond)
		b.adapterEvent(gap)
		pass(100 * time.Millisecond)
		b.wantRoom("lobby", "1/1 ann=s1(1)")
	})
}

func TestTheLastMetaWrittenWinsAndStays(t *testing.T) {
	sea(t, Options{}, func(f *fleet, a, b, c *ship) {
		t := f.t
		a.enter("s1", "lobby", "ann", "first")
		pass(time.Second)
		b.enter("s2", "den", "ann", nil)
		pass(time.Second)
		if err := a.SetMeta("ann", "second"); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		if err := c.SetMeta("ann", "third"); err == nil {
			t.Error("a node without the user wrote the meta")
		}
		c.wantSorted(`join lobby ann "first"`, `join den ann "first"`, `update lobby ann "second" was "first"`, `update den ann "second" was "first"`)
		// The node that wrote it goes; the other has taken it over.
		a.sink(false)
		pass(15 * time.Second)
		c.want(`leave lobby ann "second"`)
		c.wantRoom("den", `1/1 ann"second"=s2(1)`)
		d := f.launch("d")
		<-d.Ready()
		d.wantRoom("den", `1/1 ann"second"=s2(1)`)
		// Two write at once.
		d.enter("s3", "lobby", "ann", "default of d")
		_, _ = b.SetMeta("ann", "x"), d.SetMeta("ann", "y")
		pass(time.Second)
		for _, s := range f.live() {
			if u, _ := s.User("ann"); string(u.Meta) != `"y"` {
				t.Errorf("node %s: meta %s", s.name, u.Meta)
			}
		}
	})
}

func TestOneNodeSpeaksForAUser(t *testing.T) {
	sea(t, Options{}, func(f *fleet, a, b, c *ship) {
		t := f.t
		a.enter("s1", "lobby", "ann", nil)
		b.enter("s2", "den", "ann", nil)
		pass(time.Second)
		speakers := func() (n int) {
			for _, s := range f.live() {
				if s.SpeaksFor("ann") {
					n++
				}
			}
			return n
		}
		if n := speakers(); n != 1 || c.SpeaksFor("ann") {
			t.Errorf("%d nodes speak for ann", n)
		}
		a.sink(true)
		pass(time.Second)
		if n := speakers(); n != 1 {
			t.Errorf("%d nodes speak for ann when one has stopped", n)
		}
	})
}

func TestALargeRoomIsCountedOnAllNodes(t *testing.T) {
	sea(t, Options{MaxMembers: 8}, func(f *fleet, a, b, c *ship) {
		t := f.t
		for i := range 5 {
			a.enter(fmt.Sprint("a", i), "lobby", fmt.Sprint("u", i), nil)
			b.enter(fmt.Sprint("b", i), "lobby", fmt.Sprint("u", i+3), nil)
		}
		pass(2 * time.Second)
		f.agree("lobby")
		c.wantRoom("lobby", "8/10 u0=a0(1) u1=a1(1) u2=a2(1) u3=a3,b0(2) u4=a4,b1(2) u5=b2(1) u6=b3(1) u7=b4(1)")
		for _, s := range f.live() {
			s.events()
		}
		c.enter("c", "lobby", "u8", nil)
		pass(3 * time.Second)
		f.agree("lobby")
		c.wantRoom("lobby", "11/11 only") // u3 and u4 twice
		last := a.events()
		if len(last) == 0 || last[len(last)-1] != "count lobby 11/11 only" {
			t.Errorf("heard %q", last)
		}
		a.mu.Lock()
		for _, n := range a.others {
			if pt := n.parts["lobby"]; pt != nil && len(pt.members) > 0 {
				t.Error("members of a count-only room are kept")
			}
		}
		a.mu.Unlock()
		// Counts come at most once a second.
		before := f.messagesOf(kindDelta)
		b.events()
		for i := range 100 {
			a.enter(fmt.Sprint("x", i), "lobby", fmt.Sprint("x", i), nil)
			pass(100 * time.Millisecond)
		}
		if n := f.messagesOf(kindDelta) - before; n > 11 {
			t.Errorf("%d messages in 10 s", n)
		}
		if n := len(b.events()); n < 8 || n > 11 {
			t.Errorf("%d count events in 10 s", n)
		}
		for i := range 100 {
			a.drop(fmt.Sprint("x", i))
		}
		b.drop("b0")
		b.drop("b1")
		pass(3 * time.Second)
		f.agree("lobby")
		c.wantRoom("lobby", "9/9 only") // still: three quarters of 8 are 6
		for _, sid := range []string{"a0", "a1"} {
			a.drop(sid)
		}
		b.drop("b2")
		pass(3 * time.Second)
		f.agree("lobby")
		c.wantRoom("lobby", "6/6 u2=a2(1) u3=a3(1) u4=a4(1) u6=b3(1) u7=b4(1) u8=c(1)")
		last = b.events()
		if len(last) == 0 || last[len(last)-1] != "list lobby u2 u3 u4 u6 u7 u8" {
			t.Errorf("heard %q", last)
		}
		f.sinkAll()
	})
}

func TestSocketsOfNobodyAreCounted(t *testing.T) {
	sea(t, Options{MaxMembers: 10}, func(f *fleet, a, b, c *ship) {
		t := f.t
		a.enter("s1", "page", "", nil)
		b.enter("s2", "page", "", nil)
		b.enter("s3", "page", "ann", nil)
		pass(time.Second)
		c.wantRoom("page", "1/3 ann=s3(1) nobody=s1,s2")
		f.agree("page")
		a.exit("s1", "page")
		pass(2 * time.Second)
		if heard := c.events(); heard[len(heard)-1] != "count page 1/2" || !slices.Contains(heard, "join page ann") {
			t.Errorf("heard %q", heard)
		}
		for i := range 50 {
			c.enter(fmt.Sprint("c", i), "page", "", nil)
		}
		pass(2 * time.Second)
		f.agree("page")
		a.wantRoom("page", "1/52 only")
	})
}
