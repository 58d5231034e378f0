package server

import (
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/auth/token"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// tokenOf mints a token; what else it says is in claims.
func tokenOf(t *testing.T, sub string, ttl time.Duration, claims map[string]any) string {
	t.Helper()
	all := map[string]any{auth.ClaimSubject: sub}
	for name, value := range claims {
		all[name] = value
	}
	key, err := token.NewSecret([]byte(testSecret))
	if err != nil {
		t.Fatal(err)
	}
	text, err := token.Mint(token.Keys{key}, "", token.Subject{Claims: all, TTL: ttl}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return `"token":"` + text + `"`
}

// refusedWith expects CONNECT_ERROR of "/" with a code.
func refusedWith(t *testing.T, c *sockettest.Client, payload, code string) {
	t.Helper()
	c.Send("0" + payload)
	if text := c.Next().Text; !strings.HasPrefix(text, "4{") || !strings.Contains(text, `"code":"`+code+`"`) {
		t.Fatalf("CONNECT was answered with %s, want the code %s", text, code)
	}
}

// TestABlockHoldsOnAllNodes: who is blocked on one node is sent away from the others
// within a second, and comes back to none, not with a session that was kept either.
func TestABlockHoldsOnAllNodes(t *testing.T) {
	s := redistest.Start(t)
	node := func() *running {
		return onRedis(t, s.URL(), func(c *Config) {
			c.Adapter, c.AuthSecret, c.Recovery.Duration = adapterAuto, testSecret, time.Minute
		})
	}
	a, b := node(), node()
	ann, bea := tokenOf(t, "ann", time.Hour, nil), tokenOf(t, "bea", time.Hour, nil)
	here, other, away := sockettest.Dial(t, a.url), sockettest.Dial(t, a.url), sockettest.Dial(t, a.url)
	session := here.Connect("/", "{"+ann+"}")
	other.Connect("/", "{"+bea+"}")
	kept := away.Connect("/", "{"+ann+"}")
	if session.PID == "" || kept.PID == "" {
		t.Fatal("no session is kept")
	}
	away.Cut()
	sockettest.Eventually(t, "the loss is noticed", func() bool { return a.IO().Of("/").Len() == 2 })

	began := time.Now()
	if err := b.identity.ledger.Block(t.Context(), "ann", time.Time{}, "spam"); err != nil {
		t.Fatal(err)
	}
	if got := here.Next().Text; !strings.HasPrefix(got, `2["sockeye:end",{"code":"blocked","message":"you are blocked: spam"}`) {
		t.Fatalf("heard %s", got)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("the block took %v to the other node", took)
	}
	here.Expect("1")
	for _, r := range []*running{a, b} {
		for _, was := range []sockettest.Answer{session, kept} {
			refusedWith(t, sockettest.Dial(t, r.url), `{`+ann+`,"pid":"`+was.PID+`"}`, "blocked")
		}
		// Nor does anybody else have the session.
		if got := sockettest.Dial(t, r.url).Connect("/", `{`+bea+`,"pid":"`+kept.PID+`"}`); got.SID == kept.SID {
			t.Error("the session of somebody else was recovered")
		}
	}
	other.Send(`21["echo",1]`)
	other.Expect(`31[1]`)

	s.Kill(t) // what is known last holds
	refusedWith(t, sockettest.Dial(t, a.url), `{`+ann+`}`, "blocked")
	soon := strings.TrimPrefix(tokenOf(t, "bea", 3*time.Second, nil), `"token":`)
	other.Send(`22["auth:refresh",` + soon + `]`) // and tokens end
	for _, want := range []string{`32[{"ok":true`, `2["sockeye:end",{"code":"token_expired"`, "1"} {
		got := other.Next().Text
		if strings.HasPrefix(got, `2["auth:expiring",`) { // unless this machine was asleep
			got = other.Next().Text
		}
		if !strings.HasPrefix(got, want) {
			t.Fatalf("heard %s, want %s", got, want)
		}
	}
}

// TestATokenThatExpiredWhileAway: whoever comes back is asked again.
func TestATokenThatExpiredWhileAway(t *testing.T) {
	r := start(t, func(c *Config) {
		c.AuthSecret, c.Recovery.Duration, c.AuthLeeway, c.AuthExpiring = testSecret, time.Minute, 0, time.Millisecond
	})
	short := tokenOf(t, "ann", time.Second, nil)
	c := sockettest.Dial(t, r.url)
	was := c.Connect("/", "{"+short+"}")
	c.Cut()
	sockettest.Eventually(t, "the token expires", func() bool {
		back := sockettest.Dial(t, r.url)
		back.Send("0{" + short + "}")
		return strings.Contains(back.Next().Text, `"code":"token_expired"`)
	})
	refusedWith(t, sockettest.Dial(t, r.url), `{`+short+`,"pid":"`+was.PID+`"}`, "token_expired")
	back := sockettest.Dial(t, r.url)
	if got := back.Connect("/", `{`+tokenOf(t, "ann", time.Hour, nil)+`,"pid":"`+was.PID+`"}`); got.SID != was.SID {
		t.Error("the session was not recovered with a new token")
	}
}

// TestRightsOfTokensAndOfAnonymous: the relay and the chat ask for them.
func TestRightsOfTokensAndOfAnonymous(t *testing.T) {
	r := start(t, func(c *Config) {
		c.AuthSecret, c.Anonymous = testSecret, SwitchOn
		c.Auth.Anonymous = &auth.Rights{Join: auth.Patterns{"news"}}
	})
	for _, c := range []struct{ who, event, want string }{
		{"{" + tokenOf(t, "ann", time.Hour, map[string]any{"join": []string{"user:{id}"}}) + "}", `"join","user:ann"`, `["ok"]`},
		{"{" + tokenOf(t, "ann", time.Hour, map[string]any{"join": []string{"user:{id}"}}) + "}", `"join","user:bea"`, "forbidden"},
		{"{" + tokenOf(t, "ann", time.Hour, nil) + "}", `"say","news"`, `["ok"]`},
		{"", `"join","news"`, `["ok"]`},
		{"", `"say","news"`, "forbidden"},
	} {
		client := sockettest.Dial(t, r.url)
		client.Connect("/", c.who)
		client.Send(`21[` + c.event + `]`)
		if got := client.Next().Text; !strings.Contains(got, c.want) {
			t.Errorf("%s was answered %s, want %s", c.event, got, c.want)
		}
	}
	guest := sockettest.Dial(t, r.url)
	guest.Connect("/chat", `{"secret":"the secret of a guest"}`)
	guest.Next() // welcome
	guest.Send(`2/chat,1["join",{"room":"lobby"}]`)
	if got := guest.Next().Text; !strings.Contains(got, `"code":"forbidden"`) {
		t.Errorf("join in the chat was answered %s", got)
	}
}

// TestNobodyIsAskedWhereNobodyIsKnown: without options of identity nothing is decided.
func TestNobodyIsAskedWhereNobodyIsKnown(t *testing.T) {
	if a := start(t, nil); a.access() != nil {
		t.Error("events are asked about")
	}
	if a := start(t, func(c *Config) { c.Auth.Anonymous = &auth.Rights{} }); a.access() == nil {
		t.Error("what anonymous clients may is not asked about")
	}
}
