package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/handlers/api"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/history"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// withKey makes an API key.
func (r *running) withKey(t *testing.T, rooms auth.Patterns, scopes ...auth.Scope) string {
	t.Helper()
	id, key, k, err := auth.NewKey(auth.APIKey{Scopes: scopes, Rooms: rooms})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.identity.ledger.AddKey(t.Context(), id, k); err != nil {
		t.Fatal(err)
	}
	return key
}

// backends starts a server that backends can talk to.
func backends(t *testing.T, change func(*Config)) *running {
	t.Helper()
	return start(t, func(c *Config) {
		c.AuthSecret, c.AuthFile = testSecret, filepath.Join(t.TempDir(), "auth.json")
		if change != nil {
			change(c)
		}
	})
}

// TestTheAPIIsWhatItsDocumentSays asks for everything that the document has, and sees
// every status and every code of it, and nothing else.
func TestTheAPIIsWhatItsDocumentSays(t *testing.T) {
	t.Parallel()
	c := readContract(t)
	const body = 4096
	r := backends(t, func(c *Config) {
		c.APIBody = body
		c.Recovery = OrDuration{Duration: time.Minute}
		c.Telemetry.MaxDevices, c.Telemetry.MaxMetrics, c.Telemetry.MaxBatch = 1, 1, 2
		c.History.Namespaces = map[string]history.Rooms{"/": {"order:*": {}}}
	})
	admin := r.withKey(t, nil, auth.ScopeAdmin)
	try := func(op, query, token, text string, header ...string) string {
		t.Helper()
		res, got := r.ask(t, op+query, token, text, header...)
		c.answer(op, res, got)
		if res.StatusCode == http.StatusOK {
			return ""
		}
		return codeOf(got)
	}

	// What works: the examples of the document, in an order in which they can.
	if code := try("POST /block", "", admin, `{"id":"mallory","for":60}`); code != "" {
		t.Errorf("blocking: %s", code)
	}
	bob := sockettest.Dial(t, r.url)
	bob.Connect("/", withToken(mint(t, time.Hour, map[string]any{"sub": "bob"})))
	bob.Send(`20["join","news"]`)
	bob.Expect(`30["ok"]`)
	for _, op := range slices.Backward(c.sorted()) { // so that what is emitted is in the history
		text, err := json.Marshal(c.ops[op].RequestBody.Content["application/json"].Example)
		if err != nil {
			t.Fatal(err)
		}
		query := map[string]string{"GET /presence": "?room=news", "GET /history": "?room=order:17"}[op]
		if code := try(op, query, admin, string(text)); code != "" {
			t.Errorf("%s with its example: %s", op, code)
		}
	}

	// What is wrong with everything.
	alice, old := mint(t, time.Hour, map[string]any{"sub": "alice"}), mint(t, -time.Minute, map[string]any{"sub": "alice"})
	for _, op := range c.sorted() {
		for what, want := range map[[2]string]string{{"", ""}: "unauthorized", {"sk_1", ""}: "invalid_token", {old, ""}: "token_expired", {admin, "https://evil.example"}: "forbidden"} {
			header := []string{}
			if what[1] != "" {
				header = []string{"Origin", what[1]}
			}
			if got := try(op, "", what[0], `{}`, header...); got != want {
				t.Errorf("%s with %.10q from %q: %s, want %s", op, what[0], what[1], got, want)
			}
		}
		if strings.HasPrefix(op, "GET ") {
			if got := try(op, "?nonsense=1", admin, ""); got != "bad_request" {
				t.Errorf("%s with a parameter that is none: %s", op, got)
			}
			continue
		}
		if got := try(op, "", admin, `{"nonsense":1}`); got != "bad_request" {
			t.Errorf("%s with a member that is none: %s", op, got)
		}
		if got := try(op, "", admin, `{}`, "Content-Type", "text/plain"); got != "unsupported" {
			t.Errorf("%s as text: %s", op, got)
		}
		if got := try(op, "", admin, strings.Repeat(" ", body+1)); got != "too_large" {
			t.Errorf("%s with too large a body: %s", op, got)
		}
	}
	for op, text := range map[string]string{
		"POST /emit":          `{"namespace":"/nope","event":"x"}`,
		"POST /emit-with-ack": `{"namespace":"nope","event":"x"}`,
		"POST /join":          `{"namespace":"/nope","everyone":true,"into":["a"]}`,
		"POST /leave":         `{"namespace":"/nope","everyone":true,"from":["a"]}`,
		"POST /disconnect":    `{"namespace":"/nope","everyone":true}`,
		"POST /unblock":       `{"id":"nobody"}`,
		"GET /rooms":          "?namespace=/nope",
		"GET /sockets":        "?namespace=/nope",
		"GET /presence":       "?namespace=/nope&room=a",
		"GET /history":        "?namespace=/nope&room=a",
	} {
		query := ""
		if strings.HasPrefix(op, "GET ") {
			query, text = text, ""
		}
		want := "unknown_namespace"
		if op == "POST /unblock" {
			want = "not_found"
		}
		if got := try(op, query, admin, text); got != want {
			t.Errorf("%s of what there is not: %s", op, got)
		}
	}
	for _, one := range []struct{ op, query, token, text, want string }{
		{"POST /emit", "", admin, `{"event":"a","key":"k"}`, ""},
		{"POST /emit", "", admin, `{"event":"b","key":"k"}`, "key_reused"},
		{"POST /emit", "", admin, `{"event":"b","rooms":["sockeye:user:1"]}`, "room_reserved"},
		{"POST /emit", "", admin, `{"event":"b","rooms":[""]}`, "bad_room"},
		{"GET /history", "?room=a", admin, "", "no_history"},
		{"POST /notify", "", admin, `{"user":"bob","title":"a","key":"k"}`, ""},
		{"POST /notify", "", admin, `{"users":["bob","eve"],"title":"a","key":"k"}`, ""},
		{"POST /notify", "", admin, `{"user":"bob","title":"b","key":"k"}`, "key_reused"},
		{"POST /ingest/{device}", "", admin, `{"device":"b","metric":"m","value":1}`, "bad_device"},
		{"POST /ingest/{device}", "", admin, `{"value":1}`, "bad_metric"},
		{"POST /ingest/{device}", "", admin, `{"metric":"m"}`, "bad_value"},
		{"POST /ingest/{device}", "", admin, `{"metric":"m","value":1,"time":"noon"}`, "bad_time"},
		{"POST /ingest/{device}", "", admin, `{"metric":"m","value":1,"unit":1}`, "bad_unit"},
		{"POST /ingest/{device}", "", admin, `[{},{},{}]`, "too_many_readings"},
		{"POST /ingest", "", admin, `{"device":"boiler-2","metric":"m","value":1}`, "telemetry_full"},
		{"POST /ingest/{device}", "", admin, `{"metric":"another","value":1}`, "telemetry_full"},
		{"POST /block", "", admin, `{"id":"alice"}`, ""},
		{"GET /rooms", "", alice, "", "blocked"},
	} {
		if got := try(one.op, one.query, one.token, one.text); got != one.want {
			t.Errorf("%s%s %s: %q, want %q", one.op, one.query, one.text, got, one.want)
		}
	}
	seenUnavailable(t, c)
	seenTooOften(t, c)
	c.whole()
}

// seenUnavailable asks servers that lack what they need.
func seenUnavailable(t *testing.T, c *contract) {
	t.Helper()
	lost := start(t, func(c *Config) { c.AuthJWKSURL, c.AuthAudience = "http://127.0.0.1:1/", []string{"x"} })
	token := "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.e30.AA"
	for _, op := range c.sorted() {
		res, body := lost.ask(t, op, token, `{}`)
		c.answer(op, res, body)
		if got := codeOf(body); got != "auth_unavailable" {
			t.Errorf("%s where nobody can be known: %s", op, got)
		}
	}
	alone := start(t, func(c *Config) { c.AuthSecret, c.RedisURL, c.Adapter = testSecret, "redis://127.0.0.1:1", "memory" })
	token = mint(t, time.Hour, map[string]any{"sub": "b", "scope": "sockeye:publish"})
	for op, body := range map[string]string{"POST /emit": `{"event":"a","key":"k"}`, "POST /tickets": `{}`} {
		res, got := alone.ask(t, op, token, body)
		c.answer(op, res, got)
		if code := codeOf(got); code != "unavailable" {
			t.Errorf("%s without Redis: %s", op, got)
		}
	}
}

// seenTooOften asks for everything twice where once is enough.
func seenTooOften(t *testing.T, c *contract) {
	t.Helper()
	r := start(t, func(c *Config) { c.AuthSecret, c.APIRate = testSecret, Rate{PerSecond: 0.001, Burst: 1} })
	for _, op := range c.sorted() {
		token := mint(t, time.Hour, map[string]any{"sub": op})
		_, _ = r.ask(t, op, token, `{}`)
		res, body := r.ask(t, op, token, `{}`)
		c.answer(op, res, body)
		if codeOf(body) != "rate_limited" || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s twice: %d %s", op, res.StatusCode, body)
		}
	}
}

func TestTheAPIHasNoPathOrMethodBesideItsDocument(t *testing.T) {
	t.Parallel()
	c := readContract(t)
	r := backends(t, nil)
	router, ok := r.routes().(*gin.Engine)
	if !ok {
		t.Fatal("the router is not Gin's")
	}
	paths := map[string]bool{}
	for op := range c.ops {
		_, path, _ := strings.Cut(op, " ")
		paths[path] = true
	}
	admin := r.withKey(t, nil, auth.ScopeAdmin)
	for _, route := range router.Routes() {
		path, mine := strings.CutPrefix(route.Path, api.Prefix)
		if !mine {
			continue
		}
		path = strings.ReplaceAll(path, ":device", "{device}")
		if !paths[path] {
			t.Errorf("%s is not in the document", route.Path)
		}
		op := route.Method + " " + path
		if _, documented := c.ops[op]; documented || route.Method == http.MethodOptions || route.Method == http.MethodConnect {
			continue
		}
		res, _ := r.ask(t, op, admin, "")
		if res.StatusCode != http.StatusMethodNotAllowed || !strings.Contains(res.Header.Get("Allow"), http.MethodOptions) {
			t.Errorf("%s: %d, Allow %q", op, res.StatusCode, res.Header.Get("Allow"))
		}
	}
	for path := range paths {
		if !slices.ContainsFunc(router.Routes(), func(i gin.RouteInfo) bool {
			return i.Path == api.Prefix+strings.ReplaceAll(path, "{device}", ":device")
		}) {
			t.Errorf("%s is in the document alone", path)
		}
	}
	if res, body := r.ask(t, "GET /nope", admin, ""); res.StatusCode != http.StatusNotFound || codeOf(body) != "not_found" {
		t.Errorf("another path: %d %s", res.StatusCode, body)
	}
	off := backends(t, func(c *Config) { c.API = false })
	for _, path := range []string{"/api/", "/api/v1/rooms", "/api/v1/notify", "/api/v1/ingest", "/api/v1/ingest/boiler-1"} {
		if res, body := off.do(t, http.MethodGet, path); res.StatusCode != http.StatusNotFound || !strings.Contains(body, "<html") {
			t.Errorf("--no-api: %s: %d", path, res.StatusCode)
		}
	}
}

// A page of another origin that may connect may ask, too; any other may not, whatever
// cookies come along.
func TestPagesThatMayConnectMayAsk(t *testing.T) {
	t.Parallel()
	r := backends(t, func(c *Config) { c.Origins, c.AuthCookie = []string{"https://app.example"}, "jwt" })
	alice := "jwt=" + mint(t, time.Hour, map[string]any{"sub": "alice"})
	res, body := r.ask(t, "POST /tickets", "", `{}`, "Cookie", alice, "Origin", "https://app.example")
	if res.StatusCode != http.StatusOK || res.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || res.Header.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("%d %s %v", res.StatusCode, body, res.Header)
	}
	for _, other := range []string{"https://evil.example", "null"} {
		if res, body = r.ask(t, "POST /tickets", "", `{}`, "Cookie", alice, "Origin", other); res.StatusCode != http.StatusForbidden || res.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %s", other, res.StatusCode, body)
		}
	}
	res, _ = r.do(t, http.MethodOptions, api.Prefix+"/tickets", "Origin", "https://app.example", "Access-Control-Request-Method", "POST")
	if res.StatusCode != http.StatusNoContent || !strings.Contains(res.Header.Get("Access-Control-Allow-Methods"), "POST") || !strings.Contains(res.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight: %d %v", res.StatusCode, res.Header)
	}
}

func TestATicketOpensTheDoorForItsTime(t *testing.T) {
	t.Parallel()
	r := backends(t, func(c *Config) { c.AuthQuery = "token" })
	admin := r.withKey(t, nil, auth.ScopeAdmin)
	_, body := r.ask(t, "POST /tickets", admin, `{"user":{"id":"bob","rooms":["news:*"],"roles":["editor"]},"ttl":5}`)
	var got struct {
		Ticket  string
		Expires int64
		In      int64
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.In <= 0 || got.In > 5000 {
		t.Fatalf("%v: %s", err, body)
	}
	want(t, "as auth.token", r.visit(t, withToken(got.Ticket), ""), "ok")
	want(t, "in the address", r.visit(t, "", "&ticket="+got.Ticket), "ok")
	want(t, "edited", r.visit(t, "", "&ticket="+got.Ticket+"A"), "invalid_token")
	if res, body := r.ask(t, "GET /blocks", got.Ticket, ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("a ticket has a scope: %s", body)
	}
	if _, body := r.ask(t, "GET /presence?room=news:1", got.Ticket, ""); !strings.Contains(body, `"room":"news:1"`) {
		t.Errorf("its own rooms: %s", body)
	}
	if res, body := r.ask(t, "GET /presence?room=other", got.Ticket, ""); res.StatusCode != http.StatusForbidden {
		t.Errorf("other rooms: %s", body)
	}
	if res, body := r.ask(t, "POST /tickets", got.Ticket, `{"join":["*"]}`); res.StatusCode != http.StatusForbidden {
		t.Errorf("more than it has: %s", body)
	}
	if res, body := r.ask(t, "POST /tickets", got.Ticket, `{"user":{"id":"eve"}}`); res.StatusCode != http.StatusForbidden {
		t.Errorf("for somebody else: %s", body)
	}
	if res, body := r.ask(t, "POST /block", admin, `{"id":"bob"}`); res.StatusCode != http.StatusOK {
		t.Fatal(body)
	}
	want(t, "once blocked", r.visit(t, "", "&ticket="+got.Ticket), "blocked")
	if strings.Contains(r.log.String(), got.Ticket) {
		t.Error("the log has a ticket")
	}
}

// A ticket that a key got for itself outlived the key, by up to an hour.
func TestARevokedKeyTakesItsTicketsAlong(t *testing.T) {
	t.Parallel()
	r := backends(t, nil)
	key, other := r.withKey(t, auth.Patterns{"news:*"}, auth.ScopeRead), r.withKey(t, nil, auth.ScopeAdmin)
	var got, users struct{ Ticket string }
	for ticket, ask := range map[*struct{ Ticket string }][2]string{&got: {key, `{}`}, &users: {other, `{"user":{"id":"bob"}}`}} {
		_, body := r.ask(t, "POST /tickets", ask[0], ask[1])
		if err := json.Unmarshal([]byte(body), ticket); err != nil {
			t.Fatal(err)
		}
		want(t, "at first", r.visit(t, withToken(ticket.Ticket), ""), "ok")
	}
	for _, key := range []string{key, other} {
		if err := r.identity.ledger.RevokeKey(t.Context(), auth.KeyID(key)); err != nil {
			t.Fatal(err)
		}
	}
	want(t, "the key's own", r.visit(t, withToken(got.Ticket), ""), "invalid_token")
	want(t, "a user's", r.visit(t, withToken(users.Ticket), ""), "ok")
}

func TestWhatAKeyMayEmit(t *testing.T) {
	t.Parallel()
	r := backends(t, nil)
	news := r.withKey(t, auth.Patterns{"news:*", "user:7"}, auth.ScopePublish)
	reader := r.withKey(t, auth.Patterns{"news:*"}, auth.ScopeRead)
	backend := mint(t, time.Hour, map[string]any{"sub": "b", "scope": "openid sockeye:publish"})
	for _, c := range []struct {
		token, body, want string
	}{
		{news, `{"event":"a","rooms":["news:1","news:2"]}`, ""},
		{news, `{"event":"a","users":[7]}`, ""},
		{news, `{"event":"a","users":["8"]}`, "forbidden"},
		{news, `{"event":"a","rooms":["news:1","den"]}`, "forbidden"},
		{news, `{"event":"a"}`, "forbidden"},
		{reader, `{"event":"a","rooms":["news:1"]}`, "forbidden"},
		{backend, `{"event":"a"}`, ""},
		{mint(t, time.Hour, map[string]any{"sub": "b", "scope": "publish"}), `{"event":"a"}`, "forbidden"},
		{backend, `{"event":"connect"}`, "bad_request"},
		{backend, `{"event":"auth:expiring"}`, "bad_request"},
		{backend, `{"event":"a","rooms":[]}`, "bad_request"},
		{backend, `{"event":"a","rooms":null}`, "bad_request"},
		{backend, `{"event":"a","args":{"0":1}}`, "bad_request"},
		{backend, `{"event":"a","args":["\ud800"]}`, ""},
		{backend, fmt.Sprintf(`{"event":%q}`, strings.Repeat("e", 257)), "bad_request"},
	} {
		if _, got := r.ask(t, "POST /emit", c.token, c.body); codeOf(got) != c.want {
			t.Errorf("%s: %s, want %q", c.body, got, c.want)
		}
	}
}
