package redisnodes

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/nodes"
)

func TestNodesFindEachOtherAndSayGoodbye(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		t.Helper()
		prefix := redistest.Prefix(t)
		a := join(t, url, prefix, nil)
		b := join(t, url, prefix, nil)
		join(t, url, redistest.Prefix(t), nil) // another cluster
		if !b.knows(a) {
			t.Error("a new node does not know one that was there")
		}
		eventually(t, "the old node knows the new one", func() bool { return a.knows(b) })
		if got, ok := a.Lookup(t.Context(), b.Self().ID); !ok || got != b.Self() {
			t.Errorf("%+v, %v", got, ok)
		}
		if all := a.Nodes(); len(all) != 2 || all[0].ID > all[1].ID {
			t.Errorf("%+v", all)
		}
		b.end()
		eventually(t, "the other one is gone", func() bool { return !a.knows(b) })
		want := []nodes.Change{{Node: b.Self()}, {Node: b.Self(), Gone: true}}
		eventually(t, "the listener was told", func() bool { return len(a.changes()) == 2 })
		if got := a.changes(); got[0] != want[0] || got[1] != want[1] {
			t.Errorf("the listener was told %+v", got)
		}
		if _, ok := b.Lookup(t.Context(), a.Self().ID); !ok {
			t.Error("a node that has stopped forgot the others")
		}
	})
}

func TestANodeThatDiesIsGoneWhenItsLeaseEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		t.Helper()
		prefix := redistest.Prefix(t)
		a, b := join(t, url, prefix, nil), join(t, url, prefix, nil)
		eventually(t, "they know each other", func() bool { return a.knows(b) && b.knows(a) })
		died := time.Now()
		b.die()
		eventually(t, "it is gone", func() bool { return !a.knows(b) })
		if took := time.Since(died); took < lease/2 || took > 2*lease+time.Second {
			t.Errorf("it took %v, with a lease of %v", took, lease)
		}
		eventually(t, "its id is forgotten", func() bool {
			n, err := a.client.SIsMember(t.Context(), a.keys.index, b.Self().ID).Result()
			return err == nil && !n
		})
	})
}

// A session of a node that has just joined may come before the next round.
func TestALookupOfAnUnknownNodeReadsRedisOnce(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	slow := func(o *Options) { o.Lease = time.Hour }
	a := join(t, url, prefix, slow)
	b := join(t, url, prefix, slow)
	if a.knows(b) {
		t.Fatal("it knows it already")
	}
	if _, ok := a.Lookup(t.Context(), b.Self().ID); !ok {
		t.Error("it was not found")
	}
	// Many who look for many at once share the rounds, and those are apart.
	began := time.Now()
	var looking sync.WaitGroup
	for i := range 500 {
		looking.Go(func() {
			if _, ok := a.Lookup(t.Context(), fmt.Sprintf("none%04d", i)); ok {
				t.Error("what is not there was found")
			}
		})
	}
	looking.Wait()
	if took := time.Since(began); took > lookupWait {
		t.Errorf("it took %v", took)
	}
	// What was not found is not looked for again.
	before := a.looked.Load()
	for i := range 500 {
		a.Lookup(t.Context(), fmt.Sprintf("none%04d", i))
	}
	if a.looked.Load() != before {
		t.Error("Redis was read once more")
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ok := a.Lookup(gone, "another1"); ok {
		t.Error("found after its context has ended")
	}
}

// What go-redis says of a connection that cannot be set up it says of no command.
func TestTheTableIsKeptWhileRedisRefusesTheUser(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Do(t, "acl", "setuser", "sockeye", "on", ">secret", "allkeys", "+@all")
	url, prefix := strings.Replace(server.URL(), "redis://", "redis://sockeye:secret@", 1), redistest.Prefix(t)
	a, b := join(t, url, prefix, nil), join(t, url, prefix, nil)
	eventually(t, "they know each other", func() bool { return a.knows(b) && b.knows(a) })
	server.Do(t, "acl", "setuser", "sockeye", "resetpass", ">another")
	server.Do(t, "client", "kill", "user", "sockeye")
	eventually(t, "they notice", func() bool { return a.away.Load() && b.away.Load() })
	<-time.NewTimer(3 * lease).C // nobody can renew a lease
	if !a.knows(b) || !b.knows(a) {
		t.Error("nodes were forgotten")
	}
	c := prepare(t, url, prefix, nil)
	if err := c.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("a start with a wrong password: %v", err)
	}
}

func TestTheTableIsKeptWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	prefix := redistest.Prefix(t)
	a, b := join(t, server.URL(), prefix, nil), join(t, server.URL(), prefix, nil)
	c := join(t, server.URL(), prefix, nil)
	eventually(t, "they know each other", func() bool { return a.knows(b, c) && b.knows(a, c) })
	server.Kill(t)
	eventually(t, "they notice", func() bool { return a.away.Load() && b.away.Load() })
	c.die()
	outage := time.NewTimer(3 * lease) // nobody can renew a lease
	<-outage.C
	if !a.knows(b, c) || !b.knows(a, c) {
		t.Fatal("nodes were forgotten")
	}
	began := time.Now()
	if _, ok := a.Lookup(t.Context(), "unknown1"); ok || time.Since(began) > lookupWait/2 {
		t.Errorf("a lookup meanwhile: %v after %v", ok, time.Since(began))
	}
	heard := len(a.changes())
	server.Start(t) // empty
	eventually(t, "the one that died is gone", func() bool { return !a.knows(c) && !b.knows(c) })
	if !a.knows(b) || !b.knows(a) {
		t.Error("a node that lives was forgotten")
	}
	if got := a.changes()[heard:]; len(got) != 1 || got[0].Node != c.Self() {
		t.Errorf("the listener was told %+v", got)
	}
	if log := a.log.String(); strings.Count(log, "cannot be read") != 1 || strings.Count(log, "read from Redis again") != 1 {
		t.Errorf("the log: %s", log)
	}
}

// Redis may lose everything without being away for long.
func TestARedisThatForgotEverythingMakesNobodyGone(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	prefix := redistest.Prefix(t)
	a, b := join(t, server.URL(), prefix, nil), join(t, server.URL(), prefix, nil)
	eventually(t, "they know each other", func() bool { return a.knows(b) && b.knows(a) })
	for range 5 {
		server.FlushAll(t)
		for _, m := range []*member{a, b, a} {
			rounds := m.looked.Load()
			eventually(t, "Redis is read", func() bool { return m.looked.Load() > rounds })
		}
	}
	eventually(t, "both are in Redis again", func() bool {
		n, err := a.client.SCard(t.Context(), a.keys.index).Result()
		return err == nil && n == 2
	})
	for _, c := range append(a.changes(), b.changes()...) {
		if c.Gone {
			t.Errorf("gone: %+v", c)
		}
	}
}

func TestANodeStartsWithoutRedisAndJoinsLater(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	prefix := redistest.Prefix(t)
	a := join(t, server.URL(), prefix, nil)
	server.Stop(t)
	b := prepare(t, server.URL(), prefix, nil)
	if err := b.Start(t.Context()); err == nil {
		t.Fatal("it started")
	}
	if b.Secret() != nil || len(b.Nodes()) != 1 {
		t.Errorf("it knows %v and a secret of %d bytes", b.Nodes(), len(b.Secret()))
	}
	if err := b.Start(t.Context()); err == nil {
		t.Error("it started twice")
	}
	server.Start(t)
	eventually(t, "they know each other", func() bool { return a.knows(b) && b.knows(a) })
}

// Two releases share a cluster: what a newer one adds is ignored, and what it changed
// for good leaves it out.
func TestRecordsOfNewerNodes(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	a := join(t, url, prefix, func(o *Options) { o.Lease = time.Hour })
	write := func(id, text string) {
		t.Helper()
		if err := a.client.Set(t.Context(), a.keys.node+id, text, time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
		if err := a.client.SAdd(t.Context(), a.keys.index, id).Err(); err != nil {
			t.Fatal(err)
		}
	}
	write("newer__1", `{"v":"1.7","id":"newer__1","url":"http://192.0.2.7:3000","version":"v99","started":1767225600000,"zone":{"name":"b"},"weight":3}`)
	write("newer__2", `{"v":"2.0","id":"newer__2","url":"http://192.0.2.8:3000","version":"v99"}`)
	write("broken_1", `{`)
	write("broken_2", `{"v":"1.0","id":"another1","url":"http://192.0.2.8:3000"}`)
	write("broken_3", `{"v":"1.0","id":"broken_3"}`)
	got, ok := a.Lookup(t.Context(), "newer__1")
	if want := (nodes.Node{ID: "newer__1", URL: "http://192.0.2.7:3000", Version: "v99", Started: time.UnixMilli(1767225600000)}); !ok || got != want {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, id := range []string{"newer__2", "broken_1", "broken_2", "broken_3"} {
		if n, ok := a.Lookup(t.Context(), id); ok {
			t.Errorf("%+v was taken", n)
		}
		if !strings.Contains(a.log.String(), id) {
			t.Errorf("the log says nothing of %s:\n%s", id, &a.log)
		}
	}
	if log := a.log.String(); strings.Count(log, "newer__2") != strings.Count(log, `node=newer__2 error="the record of node newer__2 has version`)*2 || strings.Count(log, "is left out") != 4 {
		t.Errorf("the log: %s", log)
	}
}

func TestAListenerThatWasRemovedHearsNothing(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	a := prepare(t, url, prefix, nil)
	remove := a.OnChange(func(nodes.Change) { t.Error("it was called") })
	remove()
	remove()
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	join(t, url, prefix, nil)
	eventually(t, "the other listener was called", func() bool { return len(a.changes()) == 1 })
}

func TestClosing(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	never := prepare(t, url, prefix, nil)
	if err := never.Close(t.Context()); err != nil {
		t.Errorf("a registry that was never started: %v", err)
	}
	a := join(t, url, prefix, nil)
	for range 2 {
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, ok := a.Lookup(t.Context(), "unknown1"); ok {
		t.Error("found")
	}
}
