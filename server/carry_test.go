package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
)

// startNodes starts Apps that share a Redis.
func startNodes(t *testing.T, n int, redisURL string, change func(*Config)) []*running {
	t.Helper()
	prefix := redistest.Prefix(t)
	all := make([]*running, n)
	for i := range all {
		all[i] = start(t, func(c *Config) {
			c.RedisURL, c.RedisPrefix = redisURL, prefix
			if change != nil {
				change(c)
			}
		})
	}
	for _, r := range all {
		r.eventually(t, "all nodes are known", func() bool { return len(r.nodes.registry.Nodes()) == n })
	}
	return all
}

func (r *running) eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s:\n%s", what, r.log)
		}
	}
}

// opened opens a polling session and returns the query of its requests.
func (r *running) opened(t *testing.T) string {
	t.Helper()
	res, body := r.do(t, http.MethodGet, handshake)
	var open struct{ SID string }
	if res.StatusCode != http.StatusOK || json.Unmarshal([]byte(body[1:]), &open) != nil {
		t.Fatalf("handshake: %d %q", res.StatusCode, body)
	}
	return handshake + "&sid=" + open.SID + "&t="
}

func (r *running) post(t *testing.T, url, body string) (status int, answer string) {
	t.Helper()
	res, err := r.client.Post(r.url+url, "text/plain;charset=UTF-8", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func TestAnyNodeServesTheClientsOfAnyOther(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 3, redistest.Single(t).URL(), nil)
	q := all[0].opened(t)
	turn := 0
	next := func() string { turn++; return fmt.Sprint(q, turn) }
	if status, body := all[1].post(t, next(), "40"); status != http.StatusOK || body != "ok" {
		t.Fatalf("CONNECT: %d %q", status, body)
	}
	if res, body := all[2].do(t, http.MethodGet, next()); res.StatusCode != http.StatusOK || !strings.HasPrefix(body, `40{"sid"`) {
		t.Fatalf("answer to CONNECT: %d %q", res.StatusCode, body)
	}
	for i := range 30 {
		event := fmt.Sprintf(`42%d["echo",%d]`, i, i)
		if status, body := all[i%3].post(t, next(), event); status != http.StatusOK || body != "ok" {
			t.Fatalf("event %d: %d %q", i, status, body)
		}
		if res, body := all[(i+1)%3].do(t, http.MethodGet, next()); res.StatusCode != http.StatusOK || body != fmt.Sprintf("43%d[%d]", i, i) {
			t.Fatalf("ack %d: %d %q", i, res.StatusCode, body)
		}
	}
	_, text := all[0].do(t, http.MethodGet, "/metrics")
	for _, line := range []string{`sockeye_carried_requests_total{kind="poll",role="received"} 21`, `sockeye_carried_requests_total{kind="post",role="received"} 21`} {
		if !strings.Contains(text, line) {
			t.Errorf("the owner's metrics have no %s", line)
		}
	}
	_, text = all[1].do(t, http.MethodGet, "/metrics")
	failed := regexp.MustCompile(`(?m)^sockeye_carry_failures_total\{.*\} [^0]`)
	if !strings.Contains(text, `sockeye_carried_requests_total{kind="post",role="sent"} 11`) || failed.MatchString(text) {
		t.Errorf("the metrics of the node between: %s", text)
	}
	if log := all[0].log.String(); !strings.Contains(log, `msg="other nodes reach this one"`) || !strings.Contains(log, "url="+all[0].url) {
		t.Errorf("the log: %s", log)
	}
}

// Redis tells the nodes of each other; their clients can do without it.
func TestRequestsAreCarriedWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	all := startNodes(t, 2, server.URL(), func(c *Config) { c.Adapter = "memory" })
	q := all[0].opened(t)
	server.Kill(t)
	for i := range 5 {
		if status, body := all[1].post(t, fmt.Sprint(q, i), "3"); status != http.StatusOK || body != "ok" {
			t.Fatalf("%d %q", status, body)
		}
	}
}

func TestANodeThatStopsIsKnownToBeGone(t *testing.T) {
	t.Parallel()
	all := startNodes(t, 2, redistest.Single(t).URL(), func(c *Config) {
		c.Adapter, c.ClusterSecret = "memory", "a secret of this test"
	})
	q := all[0].opened(t)
	if status, body := all[1].post(t, q+"1", "3"); status != http.StatusOK || body != "ok" {
		t.Fatalf("%d %q", status, body)
	}
	all[0].stop()
	all[1].eventually(t, "the other one is gone", func() bool { return len(all[1].nodes.registry.Nodes()) == 1 })
	if status, body := all[1].post(t, q+"2", "3"); status != http.StatusBadRequest || body != `{"code":1,"message":"Session ID unknown"}` {
		t.Errorf("%d %q", status, body)
	}
}

func TestANodeStartsWithoutRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	server.Stop(t)
	r := start(t, func(c *Config) { c.RedisURL, c.Adapter = server.URL(), "memory" })
	q := r.opened(t)
	if status, body := r.post(t, q+"1", "3"); status != http.StatusOK || body != "ok" {
		t.Errorf("%d %q", status, body)
	}
	if log := r.log.String(); !strings.Contains(log, "not known yet") {
		t.Errorf("the log: %s", log)
	}
	server.Start(t)
	r.eventually(t, "it is joined", func() bool { return r.nodes.registry.Secret() != nil })
}

func TestANodeAloneHasNoCarrier(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	if r.nodes.carrier != nil || r.front() != http.Handler(r.io) {
		t.Error("it has one")
	}
	q := r.opened(t)
	if sid, _, _ := strings.Cut(q[len(handshake+"&sid="):], "&"); len(sid) != 24 {
		t.Errorf("sid %q", sid)
	}
}
