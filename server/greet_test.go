package server

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
)

// What is set wrong in a cluster is told when the nodes meet, and not when clients fail.
func TestNodesThatDoNotFitAreToldWhenTheyMeet(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(c *Config)
		want   string
	}{
		"another adapter":     {func(c *Config) { c.Adapter = adapterRedis }, "another node has another --adapter"},
		"another path":        {func(c *Config) { c.Path = "/rt/" }, "another node has another --path"},
		"another secret":      {func(c *Config) { c.ClusterSecret = "sixteen bytes at least" }, "give all nodes the same --cluster-secret"},
		"nobody there":        {func(c *Config) { c.NodeURL = "http://127.0.0.1:1" }, "another node cannot be reached"},
		"nothing of the kind": {func(*Config) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
			join := func(change func(c *Config)) *running {
				return start(t, func(c *Config) {
					c.RedisURL, c.RedisPrefix = url, prefix
					if change != nil {
						change(c)
					}
				})
			}
			first := join(nil)
			second := join(c.change)
			first.eventually(t, "they know each other", func() bool {
				return len(first.nodes.registry.Nodes()) == 2 && len(second.nodes.registry.Nodes()) == 2
			})
			if c.want != "" {
				first.eventually(t, "the first says "+c.want, func() bool { return strings.Contains(first.log.String(), c.want) })
				return
			}
			first.nodes.greeter.wait() // nothing more is to come
			second.nodes.greeter.wait()
			if log := first.log.String() + second.log.String(); strings.Contains(log, `level=WARN msg="another node`) {
				t.Errorf("the logs say:\n%s", log)
			}
			if _, text := first.do(t, http.MethodGet, "/metrics"); !strings.Contains(text, "\nsockeye_nodes 2\n") {
				t.Error("the metrics do not count two nodes")
			}
		})
	}
}

func TestTwoNodesAtOneAddressAreTold(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 2, redistest.Single(t).URL(), func(c *Config) { c.NodeURL = "http://127.0.0.1:1" })
	all[0].eventually(t, "it says so", func() bool {
		return strings.Contains(all[0].log.String(), "another node says that it is reached where this one is")
	})
}

func TestTheWayToRedisLeadsThroughNoLoopbackAddress(t *testing.T) {
	t.Parallel()
	if ip, ok := toward([]string{"127.0.0.1:6379", "[::1]:6379", "no host at all:x"}); ok {
		t.Errorf("it leads through %s", ip)
	}
	for url, want := range map[string]bool{"http://127.0.0.1:3000": true, "http://[::1]:3000": true, "http://localhost:1": true, "http://10.0.0.5:3000": false, "http://app": false} {
		if onlyHere(url) != want {
			t.Errorf("%s leads only here: %v", url, !want)
		}
	}
}

func TestOptionsWithoutEffectAreToldOf(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.NodeURL, c.ClusterSecret = "http://10.0.0.5:3000", "sixteen bytes at least" })
	for _, want := range []string{"option=--node-url", "option=--cluster-secret"} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("no %q in:\n%s", want, r.log)
		}
	}
}
