package redistest

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// shared are the servers that all tests of a binary use.
var shared struct {
	mu      sync.Mutex
	dirs    []string
	single  *Server
	cluster *RedisCluster
}

// Single returns the binary's server, started when it is asked for first.
func Single(t testing.TB) *Server {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.single == nil {
		s, err := start(dirLocked(t), nil)
		if err != nil {
			t.Fatal(err)
		}
		shared.single = s
	}
	return shared.single
}

// Cluster returns the binary's Redis Cluster, started when it is asked for first.
func Cluster(t testing.TB) *RedisCluster {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.cluster == nil {
		dirs := make([]string, masters)
		for i := range dirs {
			dirs[i] = dirLocked(t)
		}
		c, err := startCluster(dirs)
		if err != nil {
			c.end()
			t.Fatal(err)
		}
		shared.cluster = c
	}
	return shared.cluster
}

func dirLocked(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sockeye-redis-") //nolint:usetesting // it outlives the test
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	shared.dirs = append(shared.dirs, dir)
	return dir
}

var prefixes atomic.Int64

// Prefix returns a beginning of names that no other test of the binary uses. It is
// short and has no character that means something in a pattern.
func Prefix(t testing.TB) string {
	t.Helper()
	name, _, _ := strings.Cut(t.Name(), "/")
	return strings.ToLower(name) + strconv.FormatInt(prefixes.Add(1), 10)
}

// Runner is what a TestMain runs.
type Runner struct{ m *testing.M }

// Main returns m with an end: the shared servers are ended after the last test, and
// before goroutines that leak are looked for.
func Main(m *testing.M) Runner { return Runner{m} }

// Run runs the tests.
func (r Runner) Run() int {
	defer func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.single != nil {
			shared.single.end()
		}
		if shared.cluster != nil {
			shared.cluster.end()
		}
		for _, dir := range shared.dirs {
			_ = os.RemoveAll(dir) // a folder of the system's temporary ones
		}
	}()
	code := r.m.Run()
	awaitDialers()
	return code
}

// awaitDialers waits for the goroutines of go-redis that try to reach a server after a
// pool has failed to: they look but once a second whether their pool was closed.
func awaitDialers() {
	deadline := time.After(5 * time.Second)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	stacks := make([]byte, 1<<20)
	for bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("pool.(*ConnPool).tryDial")) {
		select {
		case <-look.C:
		case <-deadline:
			return // goleak tells
		}
	}
}
