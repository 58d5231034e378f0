package comments

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// TestManyAtOnce: several write, vote, come, go and are decided about at the same time on two
// nodes; in the end each node's reader knows the same as the store.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	const writers, each = 4, 5
	one, two := pair(t)
	readers := []*keeper{keeping(one.reader(t), "/a"), keeping(two.reader(t), "/a")}
	for _, k := range readers {
		k.join()
	}
	mod := two.moderator(t)
	var users []*client
	for i := range writers {
		n := one
		if i%2 == 1 {
			n = two
		}
		users = append(users, n.user(t, "user "+strconv.Itoa(i)))
	}
	ids := make(chan string, writers*each)
	var group sync.WaitGroup
	for i, c := range users {
		group.Go(func() {
			for k := range each {
				c.Call("join", object{"page": "/a"})
				answer := objectOf(t, c.Call("post", saying("/a", strconv.Itoa(i)+" says "+strconv.Itoa(k)))[0])
				comment, ok := answer["comment"].(object)
				if !ok {
					t.Errorf("post: %v", answer)
					continue
				}
				ids <- comment["id"].(string)
				c.Call("sign-out", object{})
				c.Call("sign-in", object{"token": tokenOf(t, blogSecret, "user "+strconv.Itoa(i), time.Hour, nil)})
				c.Call("leave", object{"page": "/a"})
			}
		})
	}
	go func() {
		group.Wait()
		close(ids)
	}()
	want := map[string]string{}
	for id := range ids {
		want[id] = "published"
		if len(want)%3 == 0 {
			mod.must("moderate", object{"ids": []string{id}, "action": "reject"})
			want[id] = "rejected"
		}
	}
	for _, k := range readers {
		states := map[string]string{}
		for !same(states, want) {
			for _, c := range objectsOf(k.hears("comments")["comments"]) {
				states[c["id"].(string)] = c["state"].(string)
			}
		}
	}
	for id, state := range want {
		if c, err := one.store.Comment(t.Context(), "blog", id); err != nil || c.State != store.State(state) {
			t.Errorf("%s is %v, %v; it was told as %s", id, c.State, err, state)
		}
	}
}

func same(a, b map[string]string) bool {
	for id, state := range b {
		if a[id] != state {
			return false
		}
	}
	return true
}
