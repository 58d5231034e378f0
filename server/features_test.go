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
