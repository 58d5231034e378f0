package memory

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

func packet(t *testing.T) *socketio.Packet {
	t.Helper()
	p, err := socketio.NewPacket("/", "n")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLogKnowsWhetherItIsComplete(t *testing.T) {
	var l packetLog
	for n := uint64(1); n <= 200; n++ {
		l.append(entry{n: n, packet: packet(t), at: time.Now()}, 100)
	}
	size := l.entries[0].size
	l.shrink(50 * size)
	if l.len() != 50 || l.bytes != 50*size {
		t.Fatalf("%d entries, %d bytes", l.len(), l.bytes)
	}
	for _, tc := range []struct {
		since uint64
		n     int
		ok    bool
	}{{200, 0, true}, {199, 1, true}, {150, 50, true}, {149, 0, false}, {0, 0, false}, {999, 0, true}} {
		got, ok := l.since(tc.since)
		if len(got) != tc.n || ok != tc.ok {
			t.Errorf("since %d: %d entries, %v", tc.since, len(got), ok)
		}
		if len(got) > 0 && got[0].n != tc.since+1 {
			t.Errorf("since %d begins with %d", tc.since, got[0].n)
		}
	}
	l.shrink(0)
	if got, ok := l.since(200); !ok || len(got) != 0 || l.bytes != 0 {
		t.Errorf("emptied: %d entries, %v, %d bytes", len(got), ok, l.bytes)
	}
	if _, ok := l.since(199); ok {
		t.Error("emptied, and still complete")
	}
}

// node returns an adapter with recovery as a namespace has it.
func node(t testing.TB, r socketio.Recovery) *Adapter {
	t.Helper()
	srv, err := socketio.New(&socketio.Options{Adapter: New(), Recovery: r})
	if err != nil {
		t.Fatal(err)
	}
	a, ok := srv.Of("/").Adapter().(*Adapter)
	if !ok {
		t.Fatal("another adapter")
	}
	t.Cleanup(func() { _ = srv.Close(t.Context()) })
	return a
}

func emit(t testing.TB, a *Adapter, args ...any) {
	t.Helper()
	p, err := socketio.NewPacket("/", "n", args...)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Broadcast(p, &socketio.Target{}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsKeptGoesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := node(t, socketio.Recovery{MaxDisconnection: 2 * time.Minute})
		emit(t, a, "one")
		a.Persist(func() (*socketio.Session, bool) {
			return &socketio.Session{SID: "s", PID: "p", Start: a.offset(0), Last: a.offset(1)}, true
		})
		kept := func() (packets, sessions int) {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.log.len(), a.sessions.len()
		}
		<-time.After(119 * time.Second) // in a bubble: no time passes
		if p, s := kept(); p != 1 || s != 1 {
			t.Errorf("just before: %d packets, %d sessions", p, s)
		}
		<-time.After(time.Minute + 45*time.Second)
		if p, s := kept(); p != 0 || s != 0 {
			t.Errorf("afterwards: %d packets, %d sessions", p, s)
		}
		a.mu.Lock()
		if a.timer != nil {
			t.Error("a timer runs for nothing")
		}
		a.mu.Unlock()
	})
}

func TestBytesAreBounded(t *testing.T) {
	const limit = 100_000
	a := node(t, socketio.Recovery{MaxDisconnection: time.Minute, MaxBytes: limit})
	for i := range 2000 {
		emit(t, a, i, "some text")
		a.Persist(func() (*socketio.Session, bool) {
			return &socketio.Session{
				SID: "s", PID: string(rune(i)), Rooms: []string{"room"}, Start: a.offset(0), Last: a.offset(1),
			}, true
		})
		if n := a.log.bytes + a.sessions.bytes; n > limit {
			t.Fatalf("%d bytes kept", n)
		}
	}
	if a.log.len() == 0 || a.sessions.len() == 0 {
		t.Errorf("%d packets, %d sessions", a.log.len(), a.sessions.len())
	}
}

// A join and a delivery at the same moment: it is not known whether the packet
// found the socket in the room, so the session is not recovered.
func TestUncertainMembershipIsNotRecovered(t *testing.T) {
	a := node(t, socketio.Recovery{MaxDisconnection: time.Minute})
	for range 3 {
		p, err := socketio.NewPacket("/", "n")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Broadcast(p, &socketio.Target{Rooms: []string{"r"}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		change socketio.RoomChange
		missed int // -1: not recovered
	}{
		"before": {socketio.RoomChange{Room: "r", Joined: true, After: a.offset(0), Until: a.offset(0)}, 3},
		"after":  {socketio.RoomChange{Room: "r", Joined: true, After: a.offset(3), Until: a.offset(3)}, 0},
		"sure":   {socketio.RoomChange{Room: "r", Joined: true, After: a.offset(1), Until: a.offset(1)}, 2},
		"unsure": {socketio.RoomChange{Room: "r", Joined: true, After: a.offset(1), Until: a.offset(2)}, -1},
		"other":  {socketio.RoomChange{Room: "q", Joined: true, After: a.offset(1), Until: a.offset(2)}, 3},
	} {
		a.Persist(func() (*socketio.Session, bool) {
			return &socketio.Session{
				SID: "s", PID: name, Rooms: []string{"r"}, Start: a.offset(0), Last: a.offset(3),
				Changed: []socketio.RoomChange{tc.change},
			}, true
		})
		st, err := a.Restore(t.Context(), name, "")
		if err != nil && !errors.Is(err, socketio.MissIncomplete) {
			t.Fatal(err)
		}
		switch {
		case st == nil:
			if tc.missed != -1 {
				t.Errorf("%s: not recovered", name)
			}
		case tc.missed == -1:
			t.Errorf("%s: recovered", name)
		default:
			if k, ok := st.Kept.(*kept); !ok || len(k.missed) != tc.missed {
				t.Errorf("%s: %d missed", name, len(k.missed))
			}
		}
	}
}
