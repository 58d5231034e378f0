package redisnodes

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/nodes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

// within bounds every wait of these tests; a test that passes does not take it.
const within = 20 * time.Second

// lease is that of most tests.
const lease = 600 * time.Millisecond

// open returns a client that is closed with the test.
func open(t *testing.T, url string) redis.UniversalClient {
	t.Helper()
	c, err := redisclient.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// member is a node under test.
type member struct {
	*Registry

	t  *testing.T
	mu sync.Mutex

	heard []nodes.Change
	log   logged
}

type logged struct {
	mu   sync.Mutex
	text string
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text += string(p)
	return len(p), nil
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}

// join starts a node, which ends with the test. change may be nil.
func join(t *testing.T, url, prefix string, change func(o *Options)) *member {
	t.Helper()
	m := prepare(t, url, prefix, change)
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

func prepare(t *testing.T, url, prefix string, change func(o *Options)) *member {
	t.Helper()
	m := &member{t: t}
	o := Options{
		Self:   nodes.Node{ID: nodes.NewID(), URL: "http://192.0.2.1:3000", Version: "v9", Started: time.UnixMilli(1767225600000)},
		Prefix: prefix, Lease: lease, Logger: slog.New(slog.NewTextHandler(&m.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	client := open(t, url)
	m.Registry = New(client, o)
	m.OnChange(func(c nodes.Change) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.heard = append(m.heard, c)
	})
	t.Cleanup(func() { m.end() })
	return m
}

// end is an orderly stop; it may fail where Redis is gone.
func (m *member) end() {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	_ = m.Close(ctx)
}

// die is the end of a node without a word: its lease runs on.
func (m *member) die() {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Registry.mu.Lock()
	closed := m.closed
	m.closed = true
	m.Registry.mu.Unlock()
	if !closed {
		close(m.stop)
		<-m.ended
	}
}

func (m *member) changes() []nodes.Change {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]nodes.Change(nil), m.heard...)
}

// knows reports whether all of these are in the table.
func (m *member) knows(others ...*member) bool {
	for _, o := range others {
		if _, ok := (*m.table.Load())[o.Self().ID]; !ok {
			return false
		}
	}
	return true
}

// eventually waits until ok reports true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// onBoth runs a test on a single server and on a Redis Cluster.
func onBoth(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("single", func(t *testing.T) { f(t, redistest.Single(t).URL()) })
	t.Run("cluster", func(t *testing.T) { f(t, redistest.Cluster(t).URL()) })
}
