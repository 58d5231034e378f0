package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/api"
	"github.com/sockeye-io/sockeye/handlers/notifications"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/server/auth"
)

// postJSON asks for something over HTTP.
func (r *running) postJSON(t *testing.T, path, key string, body any) (status int, answer string) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	if key != "" {
		q.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := r.client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, got.String()
}

const notifyPath = api.Prefix + "/notify"

func TestAKeyWithTheScopeNotifiesTheUsersItIsFor(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.AuthFile, c.AuthSecret = filepath.Join(t.TempDir(), "auth.json"), testSecret })
	keys := make(map[auth.Scope]string)
	for _, scope := range []auth.Scope{auth.ScopeRead, auth.ScopePublish} {
		id, key, k, err := auth.NewKey(auth.APIKey{Scopes: []auth.Scope{scope}, Rooms: auth.Patterns{"user:a*"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.identity.ledger.AddKey(t.Context(), id, k); err != nil {
			t.Fatal(err)
		}
		keys[scope] = key
	}
	for _, c := range []struct {
		what, key, user string
		status          int
	}{
		{"a key that may", keys[auth.ScopePublish], "ann", http.StatusOK},
		{"a key for other users", keys[auth.ScopePublish], "bea", http.StatusForbidden},
		{"a key without the scope", keys[auth.ScopeRead], "ann", http.StatusForbidden},
		{"a user", mint(t, time.Hour, map[string]any{"sub": "ann"}), "ann", http.StatusForbidden},
		{"nobody", "", "ann", http.StatusUnauthorized},
	} {
		if status, body := r.postJSON(t, notifyPath, c.key, map[string]string{"user": c.user, "title": "x"}); status != c.status {
			t.Errorf("%s: %d %s, want %d", c.what, status, body, c.status)
		}
	}
	sent, err := r.Notifications().Notify(notifications.Message{Title: "y"}, "ann")
	if err != nil || sent.ID == "" {
		t.Errorf("from Go: %+v, %v", sent, err)
	}
}

func TestANotificationThatCannotBeSaysWhy(t *testing.T) {
	t.Parallel()
	r := backends(t, nil)
	key := r.withKey(t, auth.Patterns{"user:ann", "user:bea"}, auth.ScopePublish)
	long := strings.Repeat("x", 4<<10)
	for _, c := range []struct {
		body        string
		status      int
		code, field string
	}{
		{`{"user":"ann","title":"x","key":"k"}`, 200, "", ""},
		{`{"users":["bea"],"title":"x","key":"k"}`, 200, "", ""},
		{`{"user":"ann","title":"y","key":"k"}`, 409, "key_reused", "/key"},
		{`{"user":"cleo","title":"x"}`, 403, "forbidden", "/user"},
		{`{"users":["ann","cleo"],"title":"x"}`, 403, "forbidden", "/users/1"},
		{``, 400, "bad_request", ""},
		{`{`, 400, "bad_request", ""},
		{`{"user":"ann","title":"x"} {}`, 400, "bad_request", ""},
		{`{"user":"ann","titel":"x"}`, 400, "bad_request", "/titel"},
		{`{"user":"ann","title":7}`, 400, "bad_request", "/title"},
		{`{"user":"ann"}`, 400, "bad_request", "/title"},
		{`{"title":"x"}`, 400, "bad_request", "/users"},
		{`{"user":"","title":"x"}`, 400, "bad_request", "/user"},
		{`{"users":[],"title":"x"}`, 400, "bad_request", "/users"},
		{`{"user":"ann","users":["bea"],"title":"x"}`, 400, "bad_request", "/user"},
		{`{"user":"ann","title":"x","url":"data:text/html,x"}`, 400, "bad_request", "/url"},
		{`{"user":"ann","title":"x","body":"` + long + `"}`, 400, "bad_request", "/body"},
		{`{"user":"ann","title":"x","key":"` + long + `"}`, 400, "bad_request", "/key"},
		{`{"user":"ann","title":"x","data":"` + long + `"}`, 400, "bad_request", "/data"},
		{`{"user":"ann","title":"","key":"again"}`, 400, "bad_request", "/title"},
		{`{"user":"ann","title":"x","key":"again"}`, 200, "", ""}, // what nobody was told is forgotten
	} {
		res, text := r.ask(t, "POST /notify", key, c.body)
		var got struct {
			Error struct{ Code, Message, Field string }
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil || res.StatusCode != c.status || got.Error.Code != c.code || got.Error.Field != c.field {
			t.Errorf("%.60s: %d %s (%v), want %d %s %s", c.body, res.StatusCode, text, err, c.status, c.code, c.field)
		}
	}
}

// Devices may show nothing where clients may: their address stands for who they are.
func TestAnonymousDevicesMayNotAskTooOften(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.APIRate = Rate{PerSecond: 0.001, Burst: 2} })
	for i, want := range []int{http.StatusOK, http.StatusOK, http.StatusTooManyRequests} {
		if res, body := r.ask(t, "POST /ingest/{device}", "", `{"metric":"m","value":1}`); res.StatusCode != want {
			t.Errorf("request %d: %d %s", i, res.StatusCode, body)
		}
	}
	if res, body := r.ask(t, "GET /rooms", "", ""); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

// Where nobody can be told from anybody else, nobody notifies others.
func TestAnonymousClientsNotifyNobody(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	if status, body := r.postJSON(t, notifyPath, "", map[string]string{"user": "ann", "title": "x"}); status != http.StatusUnauthorized {
		t.Errorf("%d %s", status, body)
	}
}

func TestWithoutTheAPINobodyNotifiesOverHTTP(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.API = false })
	if status, body := r.postJSON(t, notifyPath, "", map[string]string{"user": "ann", "title": "x"}); status != http.StatusNotFound {
		t.Errorf("%d %s", status, body)
	}
}

func TestTheDemosAreThereOnLoopbackOrIfWanted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what string
		set  func(c *Config)
		want bool
	}{
		{"on loopback", nil, true},
		{"switched off", func(c *Config) { c.Demos = SwitchOff }, false},
		{"elsewhere", func(c *Config) { c.Listen = "0.0.0.0:0" }, false},
		{"elsewhere, switched on", func(c *Config) { c.Listen, c.Demos = "0.0.0.0:0", SwitchOn }, true},
		{"without the relay", func(c *Config) { c.Relay = "off" }, false},
	} {
		r := start(t, c.set)
		res, _ := r.do(t, http.MethodGet, "/demos/canvas")
		if got := res.StatusCode == http.StatusOK; got != c.want {
			t.Errorf("%s: status %d", c.what, res.StatusCode)
		}
		rules, err := r.relayRules()
		_, ruled := rules.Namespaces["/demo-game"]
		if err != nil || ruled != c.want || (rules.Recovery["/demo-game"] > 0) != c.want {
			t.Errorf("%s: rules %t, recovery %v, %v", c.what, ruled, rules.Recovery, err)
		}
		if _, index := r.do(t, http.MethodGet, "/"); strings.Contains(index, "demos/") != c.want {
			t.Errorf("%s: the index leads there: %t", c.what, !c.want)
		}
	}
}

func TestRulesOfTheConfigurationWinOverThoseOfTheDemos(t *testing.T) {
	t.Parallel()
	own := relay.Rules{"x": {To: relay.ToAll}}
	r := start(t, func(c *Config) {
		c.RelayConfig.Namespaces = map[string]relay.Rules{"/demo-canvas": own, "/mine": own}
	})
	rules, err := r.relayRules()
	if err != nil {
		t.Fatal(err)
	}
	if len(rules.Namespaces["/demo-canvas"]) != 1 || len(rules.Namespaces) != 3 || rules.Recovery["/demo-canvas"] != 0 {
		t.Errorf("rules %v, recovery %v", rules.Namespaces, rules.Recovery)
	}
	if _, there := r.cfg.RelayConfig.Namespaces["/demo-game"]; there {
		t.Error("the configuration itself was changed")
	}
}
