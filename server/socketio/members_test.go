package socketio

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A model of the member list: a snapshot never changes, whatever happens to the
// list afterwards.
func TestMembersAgainstAModel(t *testing.T) {
	t.Run("from empty", func(t *testing.T) { walkMembers(t, 0, 20) })
	// Where a second group begins and ends.
	t.Run("around a group", func(t *testing.T) { walkMembers(t, groupLen*chunkLen-200, 1000) })
}

// walkMembers adds and removes members in a room that begins with so many, and takes a
// snapshot at about every so many steps.
func walkMembers(t *testing.T, begin, every int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	r := room{}
	var model []*Socket
	for range begin {
		model = append(model, &Socket{})
		r.add(model[len(model)-1])
	}
	type snap struct {
		got  roster
		want []*Socket
	}
	var snaps []snap
	check := func(got roster, want []*Socket) {
		t.Helper()
		flat := slices.Concat(slices.Collect(got.each())...)
		if len(flat) != len(want) {
			t.Fatalf("%d members, want %d", len(flat), len(want))
		}
		seen := map[*Socket]bool{}
		for _, s := range flat {
			seen[s] = true
		}
		for _, s := range want {
			if !seen[s] {
				t.Fatal("a member is missing")
			}
		}
	}
	for step := range 20000 {
		grow := 6
		if step/4000%2 == 1 {
			grow = 3
		}
		switch {
		case rng.IntN(10) < grow || len(model) == 0:
			s := &Socket{}
			model = append(model, s)
			r.add(s)
		default:
			i := rng.IntN(len(model))
			s := model[i]
			model = slices.Delete(model, i, i+1)
			if !r.remove(s) || r.remove(s) {
				t.Fatal("a member was not removed once")
			}
		}
		if rng.IntN(every) == 0 {
			snaps = append(snaps, snap{r.list.snapshot(), slices.Clone(model)})
		}
		if len(snaps) > 30 || begin > 0 && len(snaps) > 3 {
			for _, s := range snaps {
				check(s.got, s.want)
			}
			snaps = nil
		}
	}
	check(r.list.now, model)
}
