package memory

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// keepers returns n namespaces of one server that keep the history of every room.
func keepers(t testing.TB, n int, limits socketio.HistoryLimits, bytes int64) []*socketio.Namespace {
	t.Helper()
	srv, err := socketio.New(&socketio.Options{
		Adapter: New(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute}, HistoryBytes: bytes,
		History: func(string, string) (socketio.HistoryLimits, bool) { return limits, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close(t.Context()) })
	all := make([]*socketio.Namespace, n)
	for i := range all {
		all[i] = srv.Of(fmt.Sprint("/", i))
	}
	return all
}

func say(t testing.TB, n *socketio.Namespace, room string, args ...any) {
	t.Helper()
	if err := n.To(room).Emit("n", args...); err != nil {
		t.Fatal(err)
	}
}

func ask(t testing.TB, n *socketio.Namespace, since string, rooms ...string) *socketio.History {
	t.Helper()
	h, err := n.History(t.Context(), socketio.HistoryQuery{Rooms: rooms, Since: since, Limit: socketio.MaxHistoryLimit})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHistoryGoesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := keepers(t, 1, socketio.HistoryLimits{Age: time.Hour}, 0)[0]
		start := ask(t, n, "", "r").Offset
		say(t, n, "r", 1)
		<-time.After(40 * time.Minute) // in a bubble: no time passes
		say(t, n, "r", 2)
		if h := ask(t, n, start, "r"); len(h.Messages) != 2 || !h.Complete || h.Messages[1].Time-h.Messages[0].Time != (40*time.Minute).Milliseconds() {
			t.Errorf("before: %+v", h)
		}
		<-time.After(40 * time.Minute)
		if h := ask(t, n, start, "r"); len(h.Messages) != 1 || h.Complete {
			t.Errorf("when the first is too old: %+v", h)
		}
		seen := ask(t, n, start, "r").Offset
		<-time.After(40 * time.Minute)
		if h := ask(t, n, start, "r"); len(h.Messages) != 0 || h.Complete {
			t.Errorf("when all are too old: %+v", h)
		}
		if h := ask(t, n, seen, "r"); len(h.Messages) != 0 || !h.Complete {
			t.Errorf("nothing was missed, but: %+v", h)
		}
		a, ok := n.Adapter().(*Adapter)
		if !ok {
			t.Fatal("another adapter")
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if len(a.histories.rooms) != 0 || a.histories.held.Load() != 0 || a.histories.budget.held.Load() != 0 || a.timer != nil {
			t.Errorf("%d rooms and %d bytes are kept", len(a.histories.rooms), a.histories.held.Load())
		}
	})
}

// What clients can make the server keep is bounded, however many rooms they make up; who
// asks for what had to go is told so.
func TestHistoriesOfAllRoomsShareOneBound(t *testing.T) {
	const limit = 1_000_000
	all := keepers(t, 2, socketio.HistoryLimits{}, limit)
	start := ask(t, all[0], "", "quiet").Offset
	say(t, all[0], "quiet", "x")
	text := strings.Repeat("x", 1000)
	a, ok := all[0].Adapter().(*Adapter)
	if !ok {
		t.Fatal("another adapter")
	}
	for i := range 2000 {
		say(t, all[0], fmt.Sprint("room ", i), text)
		say(t, all[1], "busy", text)
		if held := a.histories.budget.held.Load(); held > limit {
			t.Fatalf("%d bytes kept", held)
		}
	}
	if held := a.histories.budget.held.Load(); held < limit/2 {
		t.Errorf("only %d bytes kept", held)
	}
	if h := ask(t, all[0], start, "quiet"); h.Complete {
		t.Errorf("what had to go is not missed: %+v", h)
	}
	if h := ask(t, all[0], start, "room 1999"); h.Complete || len(h.Messages) != 1 {
		t.Errorf("the newest room: %+v", h)
	}
	h := ask(t, all[1], "", "busy")
	if len(h.Messages) < 200 || h.Complete {
		t.Errorf("the only room of its namespace has %d messages", len(h.Messages))
	}
	seen := h.Messages[len(h.Messages)-2].Offset
	if h = ask(t, all[1], seen, "busy"); len(h.Messages) != 1 || !h.Complete {
		t.Errorf("the last one: %+v", h)
	}
	for _, n := range all {
		if err := n.Adapter().Close(); err != nil {
			t.Fatal(err)
		}
	}
	if held := a.histories.budget.held.Load(); held != 0 {
		t.Errorf("%d bytes counted when all are closed", held)
	}
}

// BenchmarkBroadcastToARoom is an event to a room without members.
func BenchmarkBroadcastToARoom(b *testing.B) {
	in, err := socketio.NewRaw(map[string]any{"room": "a", "text": "some text of usual length"})
	if err != nil {
		b.Fatal(err)
	}
	for name, keeps := range map[string]func(string, string) (socketio.HistoryLimits, bool){
		"off":  nil,
		"none": func(string, string) (socketio.HistoryLimits, bool) { return socketio.HistoryLimits{}, false },
		"kept": func(string, string) (socketio.HistoryLimits, bool) { return socketio.HistoryLimits{}, true },
	} {
		b.Run(name, func(b *testing.B) {
			srv, err := socketio.New(&socketio.Options{
				Adapter: New(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute}, History: keeps,
			})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = srv.Close(b.Context()) })
			to := srv.To("room")
			b.ReportAllocs()
			for b.Loop() {
				if err := to.Emit("n", in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
