package presence

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var (
	seedFlag = flag.Uint64("seed", 0, "the seed of one run of the model test; 0 is some seeds")
	runsFlag = flag.Int("runs", 40, "how many seeds the model test tries")
)

// TestAllNodesAgreeAfterAnything does random things to a random cluster: sockets come
// and go in bulk and alone, messages are lost and late, nodes are cut off, die, stop and
// start. When the weather has cleared all nodes see the same, and what is so, and the
// events of each add up to it.
func TestAllNodesAgreeAfterAnything(t *testing.T) {
	seeds := []uint64{*seedFlag}
	if *seedFlag == 0 {
		seeds = nil
		first := uint64(time.Now().UnixNano())
		for i := range *runsFlag {
			if i < *runsFlag/2 {
				seeds = append(seeds, uint64(i+1)) // the same each time
				continue
			}
			seeds = append(seeds, first+uint64(i))
		}
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { model(t, seed) })
		})
	}
}

// chaos is one run.
type chaos struct {
	*fleet
	rng     *rand.Rand
	mirrors map[*ship]*mirror
	next    int
	died    bool // a node without saying goodbye to all, in this round
}

var modelRooms = []string{"a", "b", "c", "d"}

func model(t *testing.T, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 2))
	o := Options{MaxMembers: []int{3, 8, 20, 200}[rng.IntN(4)], Grace: []time.Duration{0, 0, 2 * time.Second}[rng.IntN(3)]}
	c := &chaos{fleet: newFleet(t, seed, o), rng: rng, mirrors: make(map[*ship]*mirror)}
	defer c.sinkAll()
	for range 3 {
		c.add()
	}
	for range 4 {
		for range 30 {
			c.act()
			if rng.IntN(3) > 0 {
				pass(time.Duration(rng.Int64N(int64(300 * time.Millisecond))))
			}
		}
		c.clear()
		// Losses are repaired within a beat, and questions and answers; what was late is a
		// second late.
		patience := beatEvery + 3*time.Second
		if c.died {
			patience = 15 * time.Second
		}
		c.died = false
		pass(patience)
		settle()
		c.agree(modelRooms...)
		c.agreeOnMetas()
		for _, s := range c.live() {
			c.mirrors[s].hear(t, s)
			c.mirrors[s].compare(t, s)
		}
		if t.Failed() {
			t.Fatalf("with the seed %d: %d nodes, options %+v", seed, len(c.live()), o)
		}
	}
}

func (c *chaos) add() {
	c.next++
	s := c.launch(fmt.Sprint("n", c.next))
	c.mirrors[s] = &mirror{rooms: make(map[string]*mirrored)}
}

func (c *chaos) one() *ship {
	live := c.live()
	return live[c.rng.IntN(len(live))]
}

func (c *chaos) user() string {
	if n := c.rng.IntN(16); n > 0 {
		return fmt.Sprint("u", n)
	}
	return ""
}

func (c *chaos) room() string { return modelRooms[c.rng.IntN(len(modelRooms))] }

// act does one thing.
func (c *chaos) act() {
	switch n := c.rng.IntN(100); {
	case n < 40:
		c.come()
	case n < 55:
		c.leave(c.one())
	case n < 65:
		c.write()
	case n < 72: // a crowd
		room := c.room()
		for range 5 + c.rng.IntN(20) {
			s := c.one()
			c.next++
			s.enter(fmt.Sprint("s", c.next), room, c.user(), nil)
		}
	case n < 79: // which goes
		s := c.one()
		for range c.rng.IntN(30) {
			c.leave(s)
		}
	case n < 86:
		c.weather([]float64{0, 0.1, 0.5, 1}[c.rng.IntN(4)], []time.Duration{time.Millisecond, 50 * time.Millisecond, time.Second}[c.rng.IntN(3)])
	case n < 91:
		if a, b := c.one(), c.one(); a != b {
			c.cut(a, b, c.rng.IntN(3) > 0)
		}
	case n < 93:
		s := c.one()
		s.adapterEvent(down)
		s.adapterEvent(up)
	case n < 96:
		if len(c.live()) > 1 {
			s := c.one()
			for len(s.socks) > 0 && c.rng.IntN(2) == 0 { // in order, with sockets ending first
				s.drop(slices.Sorted(maps.Keys(s.socks))[0])
			}
			clean := c.rng.IntN(2) == 0
			if clean {
				for _, sid := range slices.Sorted(maps.Keys(s.socks)) {
					s.drop(sid)
				}
			}
			c.died = c.died || !clean || !c.calm()
			s.sink(clean)
		}
	default:
		if len(c.live()) < 5 {
			c.add()
		}
	}
}

// come tracks a new socket, or one that is there in another room or as another user.
func (c *chaos) come() {
	s := c.one()
	sid := ""
	if ids := slices.Sorted(maps.Keys(s.socks)); len(ids) > 0 && c.rng.IntN(3) == 0 {
		sid = ids[c.rng.IntN(len(ids))]
	} else {
		c.next++
		sid = fmt.Sprint("s", c.next)
	}
	var meta any
	if c.rng.IntN(2) == 0 {
		meta = map[string]int{"first": c.rng.IntN(100)}
	}
	s.enter(sid, c.room(), c.user(), meta)
}

func (c *chaos) leave(s *ship) {
	ids := slices.Sorted(maps.Keys(s.socks))
	if len(ids) == 0 {
		return
	}
	sid := ids[c.rng.IntN(len(ids))]
	if c.rng.IntN(2) == 0 {
		s.exit(sid, c.room())
		return
	}
	s.drop(sid)
}

func (c *chaos) write() {
	s, user := c.one(), c.user()
	if user != "" {
		_ = s.SetMeta(user, map[string]int{"v": c.rng.IntN(1000)}) // perhaps the user is not here
	}
}

// clear ends the bad weather.
func (c *chaos) clear() {
	c.weather(0, 20*time.Millisecond)
	for _, a := range c.live() {
		for _, b := range c.live() {
			if a != b {
				c.cut(a, b, false)
			}
		}
	}
}

// calm reports whether nothing is lost.
func (c *chaos) calm() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.nodes {
		for _, deaf := range s.deaf {
			if deaf {
				return false
			}
		}
	}
	return c.loss == 0
}

// agreeOnMetas checks that a user whom all nodes list has one meta.
func (c *chaos) agreeOnMetas() {
	c.t.Helper()
	metas := make(map[string]map[string]bool)
	for _, s := range c.live() {
		for _, room := range modelRooms {
			for _, u := range s.Room(room).Users {
				if metas[u.ID] == nil {
					metas[u.ID] = make(map[string]bool)
				}
				metas[u.ID][string(u.Meta)] = true
			}
		}
	}
	for id, all := range metas {
		if len(all) > 1 {
			c.t.Errorf("%s has the metas %v", id, slices.Sorted(maps.Keys(all)))
		}
	}
}
