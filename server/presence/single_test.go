package presence

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

var (
	down = socketio.AdapterEvent{Kind: socketio.AdapterState}
	up   = socketio.AdapterEvent{Kind: socketio.AdapterState, Up: true}
	gap  = socketio.AdapterEvent{Kind: socketio.AdapterGap}
)

// alone runs a test with one node on an adapter that knows no others.
func alone(t *testing.T, o Options, run func(s *ship)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, 1, o)
		s := &ship{Presence: inMoments(o), fleet: f, name: "a", socks: make(map[string]*sock), mine: make(map[string]map[seating]bool)}
		s.OnChange(func(e Event) {
			s.log.Lock()
			defer s.log.Unlock()
			s.heard = append(s.heard, e)
		})
		f.nodes = []*ship{s}
		defer s.sink(true)
		s.start()
		<-s.Ready()
		run(s)
	})
}

func TestPresenceOfOneNode(t *testing.T) {
	alone(t, Options{Grace: 5 * time.Second}, func(s *ship) {
		t := s.fleet.t
		s.enter("s1", "lobby", "ann", map[string]string{"nick": "Ann"})
		s.enter("s2", "lobby", "ann", nil)
		s.enter("s3", "lobby", "bea", nil)
		s.enter("s3", "den", "bea", nil)
		settle()
		s.wantSorted(`join lobby ann {"nick":"Ann"}`, "join lobby bea", "join den bea")
		s.wantRoom("lobby", `2/3 ann{"nick":"Ann"}=s1,s2(2) bea=s3(1)`)
		u, ok := s.User("bea")
		if !ok || !slices.Equal(u.Rooms, []string{"den", "lobby"}) || !slices.Equal(u.Sockets, []string{"s3"}) || u.SocketCount != 1 {
			t.Errorf("bea is %+v", u)
		}
		if _, ok := s.User("eve"); ok {
			t.Error("eve is here")
		}
		// A reload makes no event but of the count.
		s.drop("s3")
		pass(4 * time.Second)
		s.enter("s4", "lobby", "bea", nil)
		pass(10 * time.Second)
		s.wantSorted("count lobby 2/2", "count lobby 2/3", "count den 1/0", "leave den bea")
		// Leaving on purpose is at once.
		s.exit("s4", "lobby")
		settle()
		s.want("leave lobby bea")
		s.drop("s1")
		s.drop("s2")
		pass(6 * time.Second)
		s.wantSorted("count lobby 1/0", `leave lobby ann {"nick":"Ann"}`)
		s.audit()
		if len(s.rooms)+len(s.people)+len(s.sockets)+len(s.self.parts)+len(s.self.profiles) != 0 {
			t.Errorf("something is left: %v %v %v", s.rooms, s.people, s.sockets)
		}
	})
}

func TestASocketMayBecomeAnotherUsers(t *testing.T) {
	alone(t, Options{Grace: time.Minute}, func(s *ship) {
		t := s.fleet.t
		s.enter("s1", "lobby", "", nil)
		s.enter("s1", "lobby", "ann", nil)
		s.enter("s1", "lobby", "bea", nil)
		settle()
		s.want("join lobby bea")
		// A socket that recovery gave the id of an earlier one.
		old := s.socks["s1"]
		later := &sock{id: "s1"}
		if err := s.Track(later, "lobby", "bea", nil); err != nil {
			t.Fatal(err)
		}
		s.Lose(old)
		s.Untrack(old, "lobby")
		s.wantRoom("lobby", "1/1 bea=s1(1)")
		s.Lose(later)
		s.wantRoom("lobby", "1/0 bea=(0)")
	})
}

func TestWhatIsRefused(t *testing.T) {
	alone(t, Options{MaxTracked: 2}, func(s *ship) {
		t := s.fleet.t
		long := strings.Repeat("x", MaxName+1)
		one := &sock{id: "s1"}
		for name, err := range map[string]error{
			"a long room":   s.Track(one, long, "ann", nil),
			"a long user":   s.Track(one, "lobby", long, nil),
			"no text":       s.Track(one, "a\xff", "ann", nil),
			"an empty user": s.SetMeta("", 1),
		} {
			if err == nil {
				t.Errorf("%s was taken", name)
			}
		}
		if _, err := encodeMeta(strings.Repeat("x", MaxMeta)); err == nil || !strings.Contains(err.Error(), "512") {
			t.Errorf("a long meta: %v", err)
		}
		if _, err := encodeMeta(make(chan int)); err == nil {
			t.Error("a channel is a meta")
		}
		if err := s.SetMeta("ann", 1); !errors.Is(err, ErrUnknown) {
			t.Errorf("a meta of nobody: %v", err)
		}
		gone := &sock{id: "s2"}
		gone.gone.Store(true)
		if err := s.Track(gone, "lobby", "ann", nil); !errors.Is(err, socketio.ErrDisconnected) {
			t.Errorf("a socket that is gone: %v", err)
		}
		s.enter("s1", "a", "ann", nil)
		s.enter("s1", "b", "ann", nil)
		if err := s.Track(s.socks["s1"], "c", "ann", nil); !errors.Is(err, ErrFull) {
			t.Errorf("a third room: %v", err)
		}
		s.Close()
		if err := s.Track(s.socks["s1"], "b", "ann", nil); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		if err := s.SetMeta("ann", 1); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		s.Close()
	})
}

func TestCountOnlyOnOneNode(t *testing.T) {
	alone(t, Options{MaxMembers: 3, MaxMembersOf: func(room string) int {
		if room == "hall" {
			return 100
		}
		return 0
	}}, func(s *ship) {
		t := s.fleet.t
		for i := range 5 {
			s.enter(fmt.Sprint("s", i), "lobby", fmt.Sprint("u", i), nil)
			s.enter(fmt.Sprint("s", i), "hall", fmt.Sprint("u", i), nil)
		}
		pass(2 * time.Second)
		s.wantRoom("lobby", "5/5 only")
		if got := s.Room("hall"); got.CountOnly || len(got.Users) != 5 {
			t.Errorf("the hall is %s", textOf(got))
		}
		if u, ok := s.User("u4"); !ok || !slices.Equal(u.Rooms, []string{"hall", "lobby"}) {
			t.Errorf("u4 is %+v", u)
		}
		s.events()
		for i := range 3 {
			s.drop(fmt.Sprint("s", i))
		}
		settle()
		s.wantSorted("list lobby u3 u4", "leave hall u0", "leave hall u1", "leave hall u2")
		s.audit()
	})
}

// A handler that hangs hears of the outcome, and what it misses is not kept.
func TestASlowHandlerMakesNothingGrow(t *testing.T) {
	alone(t, Options{}, func(s *ship) {
		t := s.fleet.t
		hold := make(chan struct{})
		off := s.OnChange(func(Event) { <-hold })
		s.enter("keeper", "lobby", "keeper", nil)
		settle()
		for i := range 10_000 {
			sid := fmt.Sprint("s", i)
			s.enter(sid, "lobby", sid, nil)
			if i%100 != 0 {
				s.exit(sid, "lobby")
			}
		}
		s.mu.Lock()
		r := s.rooms["lobby"]
		if len(r.residents) > 101 || len(r.dirty) > 300 {
			t.Errorf("%d residents and %d marks are kept of 101 users", len(r.residents), len(r.dirty))
		}
		s.mu.Unlock()
		close(hold)
		settle()
		if got := s.events(); len(got) != 101 {
			t.Errorf("%d events, want 101 joins", len(got))
		}
		off()
		s.drop("keeper")
		settle()
		s.want("leave lobby keeper")
		s.audit()
	})
}

func TestHandlersMayAskAndPanic(t *testing.T) {
	alone(t, Options{}, func(s *ship) {
		t := s.fleet.t
		var seen []string
		s.OnChange(func(e Event) {
			seen = append(seen, textOf(s.Room(e.Room)))
			_ = s.SetMeta(e.User, "seen")
			panic("a handler's own")
		})
		s.enter("s1", "lobby", "ann", nil)
		settle()
		s.want("join lobby ann", `update lobby ann "seen"`)
		if len(seen) != 2 || seen[1] != `1/1 ann"seen"=s1(1)` {
			t.Errorf("saw %q", seen)
		}
	})
}

func TestWhoListensLaterHearsWhatChangesThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &ship{Presence: newPresence(Options{}), fleet: newFleet(t, 1, Options{}), socks: make(map[string]*sock), mine: make(map[string]map[seating]bool)}
		s.start()
		defer s.Close()
		s.enter("s1", "lobby", "ann", nil)
		s.enter("s2", "lobby", "bea", nil)
		s.drop("s2")
		var got []string
		off := s.OnChange(func(e Event) { got = append(got, fmt.Sprint(e.Kind, " ", e.User)) })
		s.enter("s3", "lobby", "cleo", nil)
		s.drop("s1")
		settle()
		if !slices.Equal(got, []string{"join cleo", "leave ann"}) {
			t.Errorf("heard %q", got)
		}
		off()
		s.drop("s3")
		settle()
		s.audit()
		if len(got) != 2 || len(s.rooms) != 0 {
			t.Errorf("heard %q after it was taken back; %d rooms are left", got, len(s.rooms))
		}
	})
}
