package chat

import (
	"errors"
	"fmt"
	"slices"
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
		hear := func(format string, a ...any) {
			t.Helper()
			args, err := wire.ParseJSONList(fmt.Appendf(nil, format, a...))
			if err != nil {
				t.Fatal(err)
			}
			h.hear(args)
			synctest.Wait()
		}
		beat := func(node string, told int) { t.Helper(); hear(`[{"v":1,"k":"beat","n":%q,"t":%d}]`, node, told) }
		said := func(node string, number int) {
			t.Helper()
			m := fmt.Sprintf(`{"id":%q,"room":"lobby","user":{"id":"u","nick":"U"},"text":"x"}`, h.ids.next(time.Now()))
			hear(`[{"v":1,"k":"message","n":%q,"t":%d,"m":[%s]}]`, node, number, m)
		}
		misses := func(want bool, after string) {
			t.Helper()
			heard := h.ear.heard()
			slices.Sort(heard)
			var all []string
			if want {
				all = []string{fmt.Sprint("den missed ", missed{"den", after}), fmt.Sprint("lobby missed ", missed{"lobby", after})}
			}
			if !slices.Equal(heard, all) {
				t.Errorf("heard %q, want %q", heard, all)
			}
			if h.rooms["lobby"].complete == want {
				t.Error("whether the history is complete is not known")
			}
			h.rooms["lobby"].complete = true
		}
		h.rooms["lobby"].complete = true
		beat("B", 7) // heard for the first time
		said("B", 8)
		said("B", 10) // rooms speak at the same time
		said("B", 9)
		beat("B", 9) // others may be on their way
		beat("B", 10)
		misses(false, "")
		last := time.Now()
		<-time.After(5 * time.Minute)
		beat("B", 11) // a message was lost
		misses(true, idBefore(last.Add(-maxSkew)))
		beat("B", 11)
		said("B", 13)
		misses(false, "")
		beat("B", 12) // and another
		misses(true, idBefore(time.Now().Add(-maxSkew)))
		beat("B", 13)
		misses(false, "")
		// A node that came while nothing was heard of it, and one that comes.
		beat("C", 1)
		misses(true, idBefore(h.started.Add(-maxSkew)))
		beat("D", 0)
		said("D", 1)
		beat("D", 1)
		misses(false, "")
		h.mu.Lock()
		defer h.mu.Unlock()
		for node, of := range h.heard {
			if len(of.ahead) != 0 {
				t.Errorf("of %s %v is kept", node, of.ahead)
			}
		}
	})
}

func TestANodeSaysHowFarItIsAndForgetsThoseThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &ear{nodes: true}
		h := openWith(t, Options{}, e)
		come(t, h, "s1", "ann", "Ann", "lobby")
		h.heard["gone"] = &heard{at: time.Now()}
		for _, text := range []string{"a", "b"} {
			if _, err := h.say(h.of("s1"), "lobby", text, ""); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(2*beatEvery + time.Second)
		e.mu.Lock()
		var told []string
		for _, m := range e.told {
			if m.check() != nil {
				t.Errorf("told %+v", m)
			}
			told = append(told, fmt.Sprint(m.Kind, " ", m.Told))
		}
		e.mu.Unlock()
		// Each beat says what was so at the one before.
		if want := []string{"beat 0", "message 1", "message 2", "beat 0", "beat 2"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
		<-time.After(forgetAfter + beatEvery)
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.heard) != 0 {
			t.Errorf("%v is remembered", h.heard)
		}
	})
}

// Who came back to a node that reached no other yet never saw what had been said there.
func TestWhoEnteredWhileNobodyAnsweredIsToldOfWhatIsFoundLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := openWith(t, Options{}, &ear{nodes: true})
		come(t, h, "s1", "ann", "Ann", "lobby")
		h.ear.heard()
		r := h.rooms["lobby"]
		asked := func(answered bool, found ...*Message) {
			t.Helper()
			if mine, _ := h.beginFetch(r); !mine {
				t.Fatal("nobody is asked")
			}
			h.merge("lobby", "", answered, found)
			h.endFetch(r, answered)
			synctest.Wait()
		}
		said := &Message{ID: h.ids.next(time.Now()), Room: "lobby", User: User{ID: "bea"}, Text: "x"}
		asked(false)
		asked(false)
		if heard := h.ear.heard(); len(heard) != 0 || !r.owed {
			t.Errorf("heard %q; to be asked again: %t", heard, r.owed)
		}
		asked(true, said)
		want := fmt.Sprint("lobby missed ", missed{"lobby", idBefore(time.UnixMilli(timeOf(said.ID)))})
		if heard := h.ear.heard(); !slices.Equal(heard, []string{want}) || r.owed || !r.complete {
			t.Errorf("heard %q, want %q; to be asked again: %t", heard, want, r.owed)
		}
	})
}
