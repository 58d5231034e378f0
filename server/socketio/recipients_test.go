package socketio

import (
	"sync"
	"testing"
)

// Above parallelAbove the members are spread over all cores: each is still
// visited once, and all before each returns.
func TestEachVisitsEveryMemberOnce(t *testing.T) {
	for _, n := range []int{0, 1, 17, parallelAbove, parallelAbove*3 + 7} {
		var list members
		var all []*Socket
		for range n {
			s := &Socket{}
			all = append(all, s)
			list.add(s)
		}
		except, one := newSocketSet(), &Socket{}
		for i, s := range all {
			if i%3 == 0 {
				except.add(s)
			}
		}
		var mu sync.Mutex
		visits := map[*Socket]int{}
		rs := recipients{list: list.snapshot(), one: one, except: except}
		got := rs.each(func(s *Socket) int {
			mu.Lock()
			defer mu.Unlock()
			visits[s]++
			if s == one {
				return 0
			}
			return 3
		})
		if want := n - (n+2)/3; got != (sent{want, 3 * want}) || len(visits) != want+1 || visits[one] != 1 {
			t.Errorf("%d members: %v counted, %d visited, want %d and one more", n, got, len(visits), want)
		}
		for s, v := range visits {
			if v != 1 || except.has(s) {
				t.Fatalf("%d members: one was visited %d times", n, v)
			}
		}
	}
}
