package redisstreams

import (
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/adaptertest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

type tempRedis struct {
	t    testing.TB
	port int
	dir  string
	args []string
	cmd  *exec.Cmd
}

func startRedis(t testing.TB, args ...string) *tempRedis {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	r := &tempRedis{t: t, port: port, dir: t.TempDir(), args: args}
	r.start()
	t.Cleanup(r.kill)
	return r
}

func (r *tempRedis) start() {
	r.t.Helper()
	r.cmd = exec.Command("redis-server", append([]string{"--port", strconv.Itoa(r.port), "--bind", "127.0.0.1", "--dir", r.dir, "--save", ""}, r.args...)...)
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	c := r.client()
	defer c.Close()
	sockettest.Eventually(r.t, "Redis answers", func() bool { return c.Ping(r.t.Context()).Err() == nil })
}

func (r *tempRedis) kill() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}

func (r *tempRedis) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", r.port), MaxRetries: -1, ContextTimeoutEnabled: true, DialTimeout: time.Second})
}

var prefixes atomic.Int64

func TestSuite(t *testing.T) {
	r := startRedis(t)
	adaptertest.Run(t, adaptertest.Suite{
		Nodes: true, Recovery: true,
		Cluster: func(t *testing.T) func(int) socketio.AdapterFactory {
			t.Helper()
			prefix := fmt.Sprint("test", prefixes.Add(1))
			return func(node int) socketio.AdapterFactory {
				c := r.client()
				h, err := New(c, Options{NodeID: fmt.Sprint(prefix, "node", node), Prefix: prefix})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if err := h.Close(); err != nil {
						t.Error(err)
					}
					c.Close()
				})
				sockettest.Eventually(t, "the log is there", h.Up)
				return h.Factory()
			}
		},
	})
}
