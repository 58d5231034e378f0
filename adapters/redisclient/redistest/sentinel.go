package redistest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// masterName is what the Sentinel calls its master.
const masterName = "main"

// Sentinel is a master, a replica of it, and a Redis Sentinel that puts the replica in
// its place when it is gone.
type Sentinel struct {
	Master, Replica *Server

	sentinel *Server
}

// StartSentinel starts the three. They end with the test.
func StartSentinel(t testing.TB) *Sentinel {
	t.Helper()
	s := &Sentinel{Master: Start(t)}
	s.Replica = Start(t, "--replicaof", "127.0.0.1 "+strconv.Itoa(s.Master.port))
	await(t, "the replica is in step", func(ctx context.Context) bool {
		info, err := s.Replica.Client(t).Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up")
	})
	var err error
	if s.sentinel, err = startAs(t.TempDir(), nil, s.Master.port); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.sentinel.end() })
	await(t, "the Sentinel knows the replica", func(ctx context.Context) bool {
		c := redis.NewSentinelClient(s.sentinel.options())
		defer func() { _ = c.Close() }() // nothing of it is kept
		replicas, err := c.Replicas(ctx, masterName).Result()
		return err == nil && len(replicas) == 1 && replicas[0]["flags"] == "slave" && replicas[0]["master-link-status"] == "ok"
	})
	return s
}

// URL is the address as redisclient.Open takes it.
func (s *Sentinel) URL() string {
	return "redis+sentinel://" + s.sentinel.Addr() + "/" + masterName
}

// FailOver kills the master, once the replica has everything, and waits until the
// replica is the master.
func (s *Sentinel) FailOver(t testing.TB) {
	t.Helper()
	s.Master.Do(t, "wait", 1, patience.Milliseconds())
	s.Master.Kill(t)
	await(t, "the replica is the master", func(ctx context.Context) bool {
		info, err := s.Replica.Client(t).Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "role:master")
	})
}

// configureSentinel writes the file that a Sentinel reads, and notes its state in.
func configureSentinel(dir string, port, master int) (string, error) {
	file := filepath.Join(dir, "sentinel.conf")
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nloglevel warning\nsentinel monitor %s 127.0.0.1 %d 1\n"+
		"sentinel down-after-milliseconds %s 500\nsentinel failover-timeout %s 3000\n", port, dir, masterName, master, masterName, masterName)
	return file, os.WriteFile(file, []byte(text), 0o600)
}

func await(t testing.TB, what string, done func(ctx context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if poll(ctx, func() bool { return done(ctx) }) != nil {
		t.Fatalf("redistest: waited in vain until %s", what)
	}
}
