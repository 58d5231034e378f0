package memory

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// nodes returns the adapters of n namespaces of one server.
func nodes(t *testing.T, n int, r socketio.Recovery) []*Adapter {
	t.Helper()
	srv, err := socketio.New(&socketio.Options{Adapter: New(), Recovery: r})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close(t.Context()) })
	all := make([]*Adapter, n)
	for i := range all {
		a, ok := srv.Of(fmt.Sprint("/", i)).Adapter().(*Adapter)
		if !ok {
			t.Fatal("another adapter")
		}
		all[i] = a
	}
	return all
}

// keeps returns what an adapter keeps.
func (a *Adapter) keeps() (bytes int64, packets, sessions int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.bytes + a.sessions.bytes, a.log.len(), a.sessions.len()
}

// Each namespace used to have a bound of its own, so that a client that made up
// namespaces multiplied it.
func TestAllNamespacesShareOneBound(t *testing.T) {
	const limit = 1_000_000
	all := nodes(t, 50, socketio.Recovery{MaxDisconnection: time.Minute, MaxBytes: limit})
	text := strings.Repeat("x", 1000)
	for range 40 {
		for i, a := range all {
			emit(t, a, text)
			persist(a, fmt.Sprint(i))
			if n := a.budget.held.Load(); n > limit {
				t.Fatalf("%d bytes kept", n)
			}
		}
	}
	total := int64(0)
	for i, a := range all {
		bytes, packets, _ := a.keeps()
		if total += bytes; packets == 0 {
			t.Errorf("namespace %d keeps nothing", i)
		}
	}
	if total != all[0].budget.held.Load() || total < limit/2 {
		t.Errorf("%d bytes kept, %d counted", total, all[0].budget.held.Load())
	}
	for _, a := range all {
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		emit(t, a, text) // is delivered, and not kept
	}
	if n := all[0].budget.held.Load(); n != 0 {
		t.Errorf("%d bytes counted when all are closed", n)
	}
}

// persist keeps a session that nothing was missed of.
func persist(a *Adapter, pid string) {
	a.Persist(func() (*socketio.Session, bool) {
		at, _ := a.Position()
		return &socketio.Session{SID: "s" + pid, PID: pid, Start: at, Last: at}, true
	})
}

func TestBusyNamespaceTakesNothingFromQuietOnes(t *testing.T) {
	const limit = 1_000_000
	all := nodes(t, 3, socketio.Recovery{MaxDisconnection: time.Minute, MaxBytes: limit})
	first, quiet, busy := all[0], all[1], all[2]
	text := strings.Repeat("x", 1000)
	for range 2000 {
		emit(t, first, text)
	}
	persist(quiet, "q") // when there is no room left
	for range 20 {
		emit(t, quiet, text)
	}
	for range 2000 {
		emit(t, busy, text)
	}
	if _, packets, sessions := quiet.keeps(); packets != 20 || sessions != 1 {
		t.Errorf("the quiet one keeps %d packets, %d sessions", packets, sessions)
	}
	st, err := quiet.Restore(t.Context(), "q", "")
	if err != nil || st == nil {
		t.Fatalf("the quiet one's client is not recovered: %v", err)
	}
	for i, a := range []*Adapter{first, busy} {
		if bytes, _, _ := a.keeps(); bytes < limit/4 || bytes > limit {
			t.Errorf("busy namespace %d keeps %d bytes", i, bytes)
		}
	}
}

func TestNamespacesAtTheBoundDoNotWaitForEachOther(t *testing.T) {
	const limit = 200_000
	all := nodes(t, 8, socketio.Recovery{MaxDisconnection: time.Minute, MaxBytes: limit})
	var wg sync.WaitGroup
	for i, a := range all {
		for range 2 {
			wg.Go(func() {
				for n := range 300 {
					p, err := socketio.NewPacket("/", "n", n, "some text")
					if err == nil {
						err = a.Broadcast(p, &socketio.Target{})
					}
					if err != nil {
						t.Error(err)
					}
					pid := fmt.Sprint(i, n)
					persist(a, pid)
					if st, err := a.Restore(t.Context(), pid, ""); err == nil && st != nil {
						a.Release(st)
					}
					_, _ = a.Position()
				}
				if i%2 == 0 {
					_ = a.Close()
				}
			})
		}
	}
	wg.Wait()
	if n := all[0].budget.held.Load(); n < 0 || n > limit {
		t.Errorf("%d bytes kept", n)
	}
}

// A client that comes and goes without a pause used to leave a session behind
// each time, until the first of them was too old.
func TestRestoredSessionsAreLetGo(t *testing.T) {
	a := node(t, socketio.Recovery{MaxDisconnection: time.Minute})
	for range 1000 {
		persist(a, "p")
		if st, err := a.Restore(t.Context(), "p", ""); err != nil || st == nil {
			t.Fatalf("not restored: %v", err)
		}
	}
	persist(a, "p")
	persist(a, "p")
	if n := a.sessions.order.Len(); n != 1 || a.sessions.bytes != sessionOverhead {
		t.Errorf("%d sessions of %d bytes", n, a.sessions.bytes)
	}
}
