package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

var errBroken = errors.New("broken")

// A message was acknowledged that the adapter had refused to pass on.
func TestWhatNobodyHeardIsNotAcknowledgedAndMayBeSaidAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{})
		come(t, h, "s1", "ann", "Ann", "lobby")
		come(t, h, "s2", "bea", "Bea")
		h.ear.heard()
		h.ear.breaks(errBroken)
		if _, err := h.say(h.of("s1"), "lobby", "hello", "k1"); !errors.Is(err, errBroken) {
			t.Errorf("said: %v", err)
		}
		if _, err := h.whisper(h.of("s1"), "bea", "psst", "k2"); !errors.Is(err, errBroken) {
			t.Errorf("whispered: %v", err)
		}
		if view := h.look(h.rooms["lobby"], ""); len(view.Messages) != 0 || h.bytes != 0 || h.written.Len() != 0 {
			t.Errorf("%d messages and %d bytes are kept of what nobody heard", len(view.Messages), h.bytes)
		}
		h.ear.breaks(nil)
		if _, err := h.say(h.of("s1"), "lobby", "hello", "k1"); err != nil {
			t.Error(err)
		}
		if _, err := h.whisper(h.of("s1"), "bea", "psst", "k2"); err != nil {
			t.Error(err)
		}
		h.ear.want(t, "lobby message Ann: hello", "bea,ann private psst")
	})
}

// Who hears less of another node than it says it has told has missed something.
func TestWhoIsInARoomHearsThatMessagesAreMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := open(t, Options{})
		come(t, h, "s1", "ann", "Ann", "lobby")
		come(t, h, "s2", "ann", "Ann", "lobby", "den")
		h.ear.heard()
		start := time.Now()
		at := func(n int) string { return h.ids.next(start.Add(time.Duration(n) * time.Millisecond)) }
		hearOf := func(node string, told int, ids ...string) {
			t.Helper()
			list := make([]string, len(ids))
			for i, id := range ids {
				list[i] = fmt.Sprintf(`{"id":%q,"room":"lobby","user":{"id":"u","nick":"U"},"text":"x"}`, id)
			}
			args, err := wire.ParseJSONList(fmt.Appendf(nil, `[{"v":1,"k":"message","n":%q,"t":%d,"m":[%s]}]`, node, told, strings.Join(list, ",")))
			if err != nil {
				t.Fatal(err)
			}
			h.hear(args)
			synctest.Wait()
		}
		hear := func(told int, ids ...string) {
			t.Helper()
			hearOf("B", told, ids...)
		}
		for _, r := range h.rooms {
			r.complete = true
		}
		hear(7) // heard for the first time
		hear(7)
		hear(8, at(1), at(2))
		hear(7) // overtaken
		hear(8)
		hear(9, at(3))
		h.ear.want(t)
		if r := h.rooms["lobby"]; !r.complete || len(r.log) != 3 {
			t.Errorf("%d messages, complete %v", len(r.log), r.complete)
		}
		last := time.Now()
		<-time.After(time.Hour)
		hear(10) // a message was lost
		heard := h.ear.heard()
		slices.Sort(heard)
		after := idBefore(last.Add(-maxSkew))
		if want := []string{fmt.Sprint("den missed ", missed{"den", after}), fmt.Sprint("lobby missed ", missed{"lobby", after})}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
		if h.rooms["lobby"].complete {
			t.Error("the history is taken for complete")
		}
		hear(10)
		hear(12, at(4)) // and another
		if heard := h.ear.heard(); len(heard) != 2 {
			t.Errorf("heard %q", heard)
		}
		// A node that came while nothing was heard of it.
		hearOf("C", 1)
		if heard := h.ear.heard(); len(heard) != 2 {
			t.Errorf("heard %q", heard)
		}
		hearOf("D", 0)
		hearOf("D", 1, at(5))
		h.ear.want(t)
	})
}

func TestANodeSaysHowManyMessagesItHasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{nodes: true}
		h := openWith(t, Options{}, e)
		come(t, h, "s1", "ann", "Ann", "lobby")
		for _, text := range []string{"a", "b"} {
			if _, err := h.say(h.of("s1"), "lobby", text, ""); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(2*beatEvery + time.Second)
		e.mu.Lock()
		defer e.mu.Unlock()
		var told []uint64
		for _, m := range e.told {
			if m.Kind != kindMessage || m.check() != nil {
				t.Errorf("told %+v", m)
			}
			told = append(told, m.Told)
		}
		if !slices.Equal(told, []uint64{0, 1, 2, 2, 2}) {
			t.Errorf("told %v", told)
		}
	})
}
