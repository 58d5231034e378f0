package server

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/auth/token"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

const testSecret = "only-a-test-secret-of-more-than-32-bytes"

// mint signs a token as a site's backend does.
func mint(t *testing.T, ttl time.Duration, claims map[string]any) string {
	t.Helper()
	k, err := token.NewSecret([]byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	text, err := token.Mint(token.Keys{k}, "", token.Subject{Claims: claims, TTL: time.Hour}, time.Now().Add(ttl-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// visit connects to a namespace by polling, with any query and header, and returns the
// answer: "ok", or the data of CONNECT_ERROR as "code: message".
func (r *running) visit(t *testing.T, data, query string, header ...string) string {
	t.Helper()
	res, body := r.do(t, http.MethodGet, handshake+query, header...)
	var open struct{ SID string }
	if res.StatusCode != http.StatusOK || json.Unmarshal([]byte(strings.TrimPrefix(body, "0")), &open) != nil {
		t.Fatalf("handshake: %d %s", res.StatusCode, body)
	}
	session := r.url + handshake + "&sid=" + open.SID
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, session, strings.NewReader("40"+data))
	if err != nil {
		t.Fatal(err)
	}
	posted, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, posted.Body)
	posted.Body.Close()
	_, answer := r.do(t, http.MethodGet, session)
	if strings.HasPrefix(answer, "40{") {
		return "ok"
	}
	return refusalIn(t, strings.TrimPrefix(answer, "44"))
}

// refusalIn reads a CONNECT_ERROR, whose message is told twice, for clients of both
// protocols.
func refusalIn(t *testing.T, text string) string {
	t.Helper()
	var e struct {
		Message string
		Data    struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil || e.Message == "" || e.Message != e.Data.Message || e.Data.Code == "" {
		t.Fatalf("%q is no refusal: %v", text, err)
	}
	return e.Data.Code + ": " + e.Message
}

func withToken(text string) string { return fmt.Sprintf(`{"token":%q}`, text) }

func want(t *testing.T, what, got, prefix string) {
	t.Helper()
	if got != prefix && !strings.HasPrefix(got, prefix+":") {
		t.Errorf("%s: %s, want %s", what, got, prefix)
	}
}

func TestATokenIsTakenFromWhereItIsShown(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.AuthSecret, c.AuthCookie, c.AuthQuery = testSecret, "jwt", "access_token" })
	good, bad := mint(t, time.Hour, map[string]any{"sub": "alice"}), "a.b.c"
	old := mint(t, -time.Minute, map[string]any{"sub": "alice"})
	want(t, "nothing", r.visit(t, "", ""), "unauthorized")
	want(t, "null", r.visit(t, `{"token":null}`, ""), "unauthorized")
	want(t, "a number", r.visit(t, `{"token":7}`, ""), "invalid_token")
	for what, show := range map[string]func(text string) string{
		"auth.token":    func(text string) string { return r.visit(t, withToken(text), "") },
		"Authorization": func(text string) string { return r.visit(t, "", "", "Authorization", "Bearer "+text) },
		"cookie":        func(text string) string { return r.visit(t, "", "", "Cookie", "x=1; jwt="+text) },
		"query":         func(text string) string { return r.visit(t, "", "&access_token="+text) },
	} {
		want(t, what+", good", show(good), "ok")
		want(t, what+", bad", show(bad), "invalid_token")
		want(t, what+", old", show(old), "token_expired")
	}
	if log := r.log.String(); strings.Contains(log, good) || strings.Contains(log, old) {
		t.Error("the log has a token")
	}
	quiet := start(t, func(c *Config) { c.AuthSecret = testSecret })
	want(t, "a cookie that nobody named", quiet.visit(t, "", "", "Cookie", "jwt="+good), "unauthorized")
	want(t, "a parameter that nobody named", quiet.visit(t, "", "&access_token="+good), "unauthorized")
}

// Clients of protocol 3 have no auth. They have the query of a namespace, which is in a
// packet, and for the main one that of the handshake.
func TestAClientOfProtocol3ShowsItsTokenInTheQuery(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.AuthSecret, c.AllowEIO3, c.AuthQuery = testSecret, true, "token" })
	good := mint(t, time.Hour, map[string]any{"sub": "alice"})
	r.IO().Of("/other")
	c := sockettest.Dial3(t, r.url+"/socket.io/?token="+good)
	c.Expect("0")
	for _, query := range []string{"?token=a.b.c", "?x=1"} {
		c = sockettest.Dial3(t, r.url+"/socket.io/"+query)
		if got := c.Next().Text; !strings.HasPrefix(got, `4{"code":"`) || !strings.Contains(got, `"message":"`) {
			t.Errorf("%s: %s", query, got)
		}
		c.Send("0/other?token=" + good)
		c.Expect("0/other,")
	}
}

func TestAnonymousWithAndWithoutWaysToKnowClients(t *testing.T) {
	t.Parallel()
	good := mint(t, time.Hour, map[string]any{"sub": "alice"})
	for what, tc := range map[string]struct {
		anonymous      Switch
		secret         string
		listen         string
		nothing, token string // how it is answered; "" is a refused handshake
	}{
		"as it comes":                 {SwitchAuto, "", "127.0.0.1:0", "ok", "ok"}, // and nobody looks at the token
		"a secret":                    {SwitchAuto, testSecret, "127.0.0.1:0", "unauthorized", "ok"},
		"a secret on an open address": {SwitchAuto, testSecret, "0.0.0.0:0", "unauthorized", "ok"},
		"a secret, and on":            {SwitchOn, testSecret, "127.0.0.1:0", "ok", "ok"},
		"a secret, and off":           {SwitchOff, testSecret, "127.0.0.1:0", "unauthorized", "ok"},
		"open, and nothing":           {SwitchAuto, "", "0.0.0.0:0", "", ""},
	} {
		r := start(t, func(c *Config) { c.Anonymous, c.AuthSecret, c.Listen = tc.anonymous, tc.secret, tc.listen })
		if tc.nothing == "" {
			res, body := r.do(t, http.MethodGet, handshake)
			refused(t, "polling", res, body, "--anonymous")
			continue
		}
		want(t, what+": nothing shown", r.visit(t, "", ""), tc.nothing)
		want(t, what+": a token", r.visit(t, withToken(good), ""), tc.token)
		if tc.secret != "" {
			want(t, what+": a bad token", r.visit(t, withToken("a.b.c"), ""), "invalid_token")
		}
	}
}

func TestEveryNamespaceAsksWhoAClientIs(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.AuthSecret = testSecret })
	seen := make(chan *auth.Principal, 2)
	for _, socket := range []string{"/", "/chat"} {
		r.IO().Of(socket).OnConnection(func(s *socketio.Socket) {
			seen <- auth.Of(s)
			if s.User() == "" {
				t.Errorf("%s: no user", s.Namespace().Name())
			}
		})
	}
	c := sockettest.Dial(t, r.url)
	c.Connect("/", withToken(mint(t, time.Hour, map[string]any{"sub": "alice", "rooms": []string{"a:*"}, "data": map[string]int{"n": 1}})))
	if p := sockettest.Receive(t, "the socket", seen); p.ID != "alice" || !p.Join.Match("a:1") || p.Join.Match("b") || string(p.Data) != `{"n":1}` {
		t.Errorf("the handler sees %+v", p)
	}
	c.Send(`0/chat,{"token":"a.b.c"}`)
	if got := c.Next().Text; !strings.HasPrefix(got, `4/chat,{"data":{"code":"invalid_token"`) {
		t.Errorf("/chat answers %s", got)
	}
}

func TestTheSiteSaysWhoAVisitorIs(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch cookie := r.Header.Get("Cookie"); cookie {
		case "s=alice":
			_, _ = w.Write([]byte(`{"id":"alice","rooms":["a"]}`))
		case "s=eve":
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"message":"your account is closed"}`))
		case "s=down":
			w.WriteHeader(http.StatusBadGateway)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(site.Close)
	strict := start(t, func(c *Config) { c.AuthVerifyURL, c.AuthVerifyTimeout = site.URL, patience })
	open := start(t, func(c *Config) { c.AuthVerifyURL, c.AuthVerifyTimeout, c.Anonymous = site.URL, patience, SwitchOn })
	for _, tc := range []struct{ cookie, strict, open string }{
		{"s=alice", "ok", "ok"},
		{"s=eve", "forbidden: your account is closed", "forbidden: your account is closed"},
		{"s=down", "auth_unavailable", "auth_unavailable"},
		{"other=1", "unauthorized", "ok"},
	} {
		want(t, tc.cookie, strict.visit(t, "", "", "Cookie", tc.cookie), tc.strict)
		want(t, tc.cookie+", anonymous", open.visit(t, "", "", "Cookie", tc.cookie), tc.open)
	}
}

func TestALoginServiceMayComeLater(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	public := base64.RawURLEncoding.EncodeToString
	verifying, signing, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":%q}]}`, public(verifying))
	}))
	t.Cleanup(service.Close)
	r := start(t, func(c *Config) { c.AuthJWKSURL, c.AuthIssuer = service.URL, "https://login.example" })
	text := public([]byte(`{"alg":"EdDSA","kid":"k"}`)) + "." + public([]byte(`{"sub":"alice","iss":"https://login.example"}`))
	text += "." + public(ed25519.Sign(signing, []byte(text)))
	if !strings.Contains(r.log.String(), "--auth-audience") {
		t.Errorf("nothing says that tokens for other apps hold: %s", r.log.String())
	}
	want(t, "while it is away", r.visit(t, withToken(text), ""), "auth_unavailable")
	up.Store(true)
	sockettest.Eventually(t, "its keys are there", func() bool { return r.visit(t, withToken(text), "") == "ok" })
}

func TestKeysAndBlocksOfAFileCountAtOnce(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "auth.json")
	r := start(t, func(c *Config) { c.AuthFile, c.AuthSecret = name, testSecret })
	keysAndBlocks(t, []*running{r}, &Config{AuthFile: name})
}

func TestKeysAndBlocksInRedisCountOnAllNodes(t *testing.T) {
	s := redistest.Start(t)
	edit := func(c *Config) { c.AuthSecret = testSecret }
	a, b := onRedis(t, s.URL(), edit), onRedis(t, s.URL(), edit)
	keysAndBlocks(t, []*running{a, b}, &a.cfg)
}

// keysAndBlocks changes API keys and blocks as the commands do, and sees that they count.
func keysAndBlocks(t *testing.T, nodes []*running, cfg *Config) {
	t.Helper()
	change := func(do func(l *auth.Ledger) error) {
		t.Helper()
		if err := WithLedger(t.Context(), cfg, nodes[0].App.log, func(_ context.Context, l *auth.Ledger) error { return do(l) }); err != nil {
			t.Fatal(err)
		}
	}
	id, key, k, err := auth.NewKey(auth.APIKey{Scopes: []auth.Scope{auth.ScopeRead}, Rooms: auth.Everything()})
	if err != nil {
		t.Fatal(err)
	}
	each := func(what, shown, answer string) {
		t.Helper()
		for _, r := range nodes {
			sockettest.Eventually(t, what, func() bool {
				got := r.visit(t, withToken(shown), "")
				return got == answer || strings.HasPrefix(got, answer+":")
			})
		}
	}
	each("an unknown key", key, "invalid_token")
	change(func(l *auth.Ledger) error { return l.AddKey(t.Context(), id, k) })
	each("a key", key, "ok")
	change(func(l *auth.Ledger) error { return l.Block(t.Context(), auth.KeyIDPrefix+id, time.Time{}, "noise") })
	each("a blocked key", key, "blocked: you are blocked: noise")
	change(func(l *auth.Ledger) error { return l.RevokeKey(t.Context(), id) })
	each("a revoked key", key, "invalid_token")

	alice := mint(t, time.Hour, map[string]any{"sub": "alice"})
	each("a user", alice, "ok")
	change(func(l *auth.Ledger) error { return l.Block(t.Context(), "alice", time.Time{}, "spam") })
	each("a blocked user", alice, "blocked: you are blocked: spam")
	change(func(l *auth.Ledger) error { return l.Unblock(t.Context(), "alice") })
	each("a user again", alice, "ok")
	for _, r := range nodes {
		if strings.Contains(r.log.String(), key) {
			t.Error("the log has a key")
		}
	}
}

// An API key in Redis admits its owner on an address where nobody else may come.
func TestAKeyAloneOpensTheDoor(t *testing.T) {
	s := redistest.Start(t)
	r := onRedis(t, s.URL(), func(c *Config) { c.Anonymous = SwitchOff })
	res, body := r.do(t, http.MethodGet, handshake)
	refused(t, "polling", res, body, "--anonymous")
	id, key, k, err := auth.NewKey(auth.APIKey{Scopes: []auth.Scope{auth.ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.identity.ledger.AddKey(t.Context(), id, k); err != nil {
		t.Fatal(err)
	}
	want(t, "the key", r.visit(t, withToken(key), ""), "ok")
	want(t, "nothing", r.visit(t, "", ""), "unauthorized")
}

// Who shows an API key is not taken for somebody who shows nothing, before the keys could
// be read.
func TestAKeyIsNoAnonymousWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	_, key, _, err := auth.NewKey(auth.APIKey{Scopes: []auth.Scope{auth.ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, func(c *Config) { c.RedisURL, c.Anonymous = "redis://127.0.0.1:1", SwitchOn })
	want(t, "a key", r.visit(t, withToken(key), ""), "auth_unavailable")
	want(t, "nothing", r.visit(t, "", ""), "ok")
}

// The session of somebody else is not recovered, whoever knows its secret.
func TestASessionIsRecoveredForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) {
		c.AuthSecret, c.Anonymous = testSecret, SwitchOn
		c.Recovery = OrDuration{Duration: time.Minute}
	})
	for who, recovered := range map[string]bool{"alice": true, "bob": false, "": false} {
		c := sockettest.Dial(t, r.url)
		first := c.Connect("/", withToken(mint(t, time.Hour, map[string]any{"sub": "alice"})))
		c.Send(`20["join","r"]`)
		c.Expect(`30["ok"]`)
		c.Send(`21["say","r","x"]`)
		said := c.Next().Text
		c.Expect(`31["ok"]`)
		var event []string
		if err := json.Unmarshal([]byte(strings.TrimPrefix(said, "2")), &event); err != nil || len(event) != 3 {
			t.Fatalf("%s: %v", said, err)
		}
		c.Cut()
		data := fmt.Sprintf(`{"pid":%q,"offset":%q`, first.PID, event[2])
		if who != "" {
			data += fmt.Sprintf(`,"token":%q`, mint(t, time.Hour, map[string]any{"sub": who}))
		}
		back := sockettest.Dial(t, r.url)
		if again := back.Connect("/", data+"}"); (again.SID == first.SID) != recovered {
			t.Errorf("%q: first %+v, then %+v", who, first, again)
		}
	}
}

func TestConfigurationsThatMakeNoSenseAreToldOf(t *testing.T) {
	t.Parallel()
	damaged := writeFile(t, "{")
	for _, tc := range []struct {
		edit func(c *Config)
		says string
	}{
		{func(c *Config) { c.AuthSecret = "short" }, "--auth-secret: it has 5 bytes"},
		{func(c *Config) { c.AuthSecret, c.AuthSecretFile = testSecret, "x" }, "--auth-secret-file: --auth-secret is given too"},
		{func(c *Config) { c.AuthSecretFile = "/does/not/exist" }, "--auth-secret-file: open"},
		{func(c *Config) { c.AuthKeys = []string{"/does/not/exist"} }, "--auth-keys: open"},
		{func(c *Config) { c.AuthJWKSURL = "keys.json" }, "--auth-jwks-url: it is no address"},
		{func(c *Config) { c.AuthVerifyURL = "https://u:hunter2@x/" }, "--auth-verify-url: it has a user or password"},
		{func(c *Config) { c.AuthVerifyURL = "https://x/" }, "--auth-verify-timeout: 0s is not above zero"},
		{func(c *Config) { c.AuthCookie = "a b" }, "--auth-cookie"},
		{func(c *Config) { c.AuthIssuer = "me" }, "--auth-issuer: there is no key"},
		{func(c *Config) { c.AuthFile, c.RedisURL = "x", "redis://127.0.0.1:1" }, "--auth-file: with --redis-url"},
		{func(c *Config) { c.AuthFile = damaged }, "--auth-file: "},
	} {
		cfg := defaultConfig()
		tc.edit(cfg)
		app, err := New(cfg, slog.New(slog.DiscardHandler), "v-test")
		if err == nil {
			_ = app.Close()
		}
		if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", tc.says, err)
		}
	}
}
