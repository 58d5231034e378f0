package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/handlers/webhook"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

const webhookSecret = "a webhook's secret of thirty-two bytes"

// webhookApp is a backend that lets in who says a name, acknowledges events with their
// names, and notes what it is asked.
type webhookApp struct {
	*httptest.Server

	mu  sync.Mutex
	got []string // "connect /", "event / join", ...
}

func newWebhookApp(t *testing.T) *webhookApp {
	t.Helper()
	b := &webhookApp{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Call, Namespace, Event string
			Handshake              struct{ Auth struct{ Name, Role string } }
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &asked) != nil {
			t.Errorf("%v in %s", err, body)
		}
		b.mu.Lock()
		b.got = append(b.got, strings.TrimSpace(asked.Call+" "+asked.Namespace+" "+asked.Event))
		b.mu.Unlock()
		switch who := asked.Handshake.Auth; {
		case asked.Call == "event":
			_, _ = fmt.Fprintf(w, `{"ack":%q}`, "app: "+asked.Event)
		case asked.Call == "connect" && who.Name == "":
			_, _ = io.WriteString(w, `{"allow":false,"message":"say who you are"}`)
		case asked.Call == "connect":
			_, _ = fmt.Fprintf(w, `{"allow":true,"user":{"id":%q,"roles":[%q],"publish":["lobby"],"join":["*"]}}`, who.Name, who.Role)
		}
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *webhookApp) heard(what string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, one := range b.got {
		if one == what {
			n++
		}
	}
	return n
}

func (b *webhookApp) hook(change func(h *webhook.Hook)) webhook.Hook {
	h := webhook.Hook{URL: b.URL, Secret: webhook.Secrets{webhookSecret}}
	if change != nil {
		change(&h)
	}
	return h
}

// What the relay names is the relay's; then comes the webhook, then the rule "*". The
// contract gives way to events that the webhook names.
func TestWebhooksBesideTheRelay(t *testing.T) {
	t.Parallel()
	b := newWebhookApp(t)
	r := start(t, func(c *Config) {
		c.RelayConfig = relay.Config{Namespaces: map[string]relay.Rules{
			"/":     {"ruled": {To: relay.ToAll}},
			"/rest": {"ruled": {To: relay.ToAll}, "*": {To: relay.ToAll}},
		}}
		c.Webhooks = webhook.Config{
			"/":     b.hook(func(h *webhook.Hook) { h.Events = []string{"join", "chat*"} }),
			"/rest": b.hook(func(h *webhook.Hook) { h.Events = []string{"mine"} }),
			"/all":  b.hook(nil),
			"/chat": b.hook(func(h *webhook.Hook) { h.Calls = []webhook.Call{webhook.Connect, webhook.Disconnect} }),
		}
	})
	c := sockettest.Dial(t, r.url)
	for _, name := range []string{"/", "/rest", "/all"} {
		c.Connect(name, `{"name":"ann"}`)
	}
	for i, call := range []struct{ namespace, event, want string }{
		{"/", `"join","lobby"`, `"app: join"`},
		{"/", `"chat message"`, `"app: chat message"`},
		{"/", `"echo",1`, `1`},
		{"/", `"other"`, `{"error":{"code":"unknown_event"`},
		{"/", `"say","news",1`, `{"error":{"code":"forbidden"`},
		{"/", `"say","lobby",1`, `"ok"`}, // to nobody: the webhook has taken the join
		{"/rest", `"mine"`, `"app: mine"`},
		{"/all", `"anything"`, `"app: anything"`},
	} {
		prefix := call.namespace + ","
		if call.namespace == "/" {
			prefix = ""
		}
		c.Send(fmt.Sprintf("2%s%d[%s]", prefix, i, call.event))
		if got := c.Next().Text; !strings.HasPrefix(got, fmt.Sprintf("3%s%d[%s", prefix, i, call.want)) {
			t.Errorf("%s: %s was answered %s", call.namespace, call.event, got)
		}
	}
	// Who may publish to one room only may not relay to all.
	for _, event := range []string{"ruled", "else"} {
		c.Send(`2/rest,90["` + event + `"]`)
		if got := c.Next().Text; !strings.Contains(got, "forbidden") {
			t.Errorf("%s was answered %s", event, got)
		}
	}
	if refused := sockettest.Dial(t, r.url); true {
		refused.Send("0/chat,")
		refused.Expect(`4/chat,{"data":{"code":"refused","message":"say who you are"},"message":"say who you are"}`)
	}
	if b.heard("event /rest else")+b.heard("event / echo")+b.heard("event /chat join") != 0 {
		t.Errorf("the backend was asked %v", b.got)
	}
	if _, text := r.do(t, http.MethodGet, "/metrics"); !strings.Contains(text, `sockeye_webhook_requests_total{call="event",outcome="ok",webhook="/all"} 1`) {
		t.Error("the request is not counted")
	}
	r.stop()
	sockettest.Eventually(t, "the backend knows of all ends", func() bool {
		return b.heard("disconnect /") == 1 && b.heard("disconnect /rest") == 1 && b.heard("disconnect /all") == 1
	})
	if strings.Contains(r.log.String(), webhookSecret) {
		t.Error("the secret is in the log")
	}
}

// The role that a backend says somebody has counts for the relay.
func TestTheRelayKnowsWhoAWebhookSaysSomebodyIs(t *testing.T) {
	t.Parallel()
	b := newWebhookApp(t)
	r := start(t, func(c *Config) {
		c.RelayConfig = relay.Config{
			Namespaces: map[string]relay.Rules{"/staff": {"x": {To: relay.ToAll}}}, Roles: map[string][]string{"/staff": {"editor"}},
		}
		c.Webhooks = webhook.Config{"/staff": b.hook(func(h *webhook.Hook) { h.Calls = []webhook.Call{webhook.Connect} })}
	})
	c := sockettest.Dial(t, r.url)
	c.Send(`0/staff,{"name":"ann","role":"reader"}`)
	if got := c.Next().Text; !strings.Contains(got, "forbidden") {
		t.Errorf("answered %s", got)
	}
	c.Send(`0/staff,{"name":"ann","role":"editor"}`)
	if got := c.Next().Text; !strings.HasPrefix(got, `0/staff,{"sid":`) {
		t.Errorf("answered %s", got)
	}
}

// Whom only a webhook knows can be blocked too.
func TestABlockHoldsForUsersOfWebhooks(t *testing.T) {
	t.Parallel()
	b := newWebhookApp(t)
	r := start(t, func(c *Config) {
		c.Anonymous, c.AuthFile = SwitchOn, filepath.Join(t.TempDir(), "auth.json")
		c.Webhooks = webhook.Config{"/": b.hook(nil)}
	})
	c := sockettest.Dial(t, r.url)
	c.Connect("/", `{"name":"ann"}`)
	if err := r.identity.ledger.Block(t.Context(), "ann", time.Time{}, "spam"); err != nil {
		t.Fatal(err)
	}
	if got := c.Next().Text; !strings.HasPrefix(got, `2["sockeye:end",{"code":"blocked"`) {
		t.Errorf("heard %s", got)
	}
	c.Expect("1")
	again := sockettest.Dial(t, r.url)
	again.Connect("/", `{"name":"ann"}`)
	if got := again.Next().Text; !strings.HasPrefix(got, `2["sockeye:end",{"code":"blocked"`) {
		t.Errorf("heard %s", got)
	}
}

func TestWebhooksOfTheFile(t *testing.T) {
	t.Parallel()
	name := writeFile(t, "webhooks:\n  /:\n    url: http://127.0.0.1:1/\n    secret: "+webhookSecret+"\n    events: [a]\n")
	f, err := ReadConfigFile(name)
	if err != nil {
		t.Fatal(err)
	}
	c := defaultConfig()
	f.ApplyStructures(c)
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	if err := c.WriteYAML(&printed, func(string) string { return "file" }); err != nil {
		t.Fatal(err)
	}
	if text := printed.String(); strings.Contains(text, "thirty-two") || !strings.Contains(text, "# Webhooks, without the secrets") || !strings.Contains(text, "url: http://127.0.0.1:1/") {
		t.Errorf("printed:\n%s", text)
	}
	c.RelayConfig.Namespaces = map[string]relay.Rules{"/": {"a": {To: relay.ToAll}}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), `webhooks["/"].events: relay.namespaces["/"] has a rule for "a"`) {
		t.Errorf("error %v", err)
	} else if got := f.Locate(err.Error()); got != name+":5" {
		t.Errorf("it is at %s", got)
	}
	c.Relay = "off"
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if _, err := ReadConfigFile(writeFile(t, "webhooks: {/: {urls: x}}\n")); err == nil || !strings.Contains(err.Error(), `did you mean "url"?`) {
		t.Errorf("error %v", err)
	}
}
