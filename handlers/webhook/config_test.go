package webhook

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/signature"
	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestConfigurationErrorsNameTheirKey(t *testing.T) {
	t.Parallel()
	const url, key = "url: http://127.0.0.1:1/hook", "secret: a secret of thirty-two bytes, or more"
	for _, c := range []struct{ name, yaml, want string }{
		{"no url", `/: {` + key + `}`, `webhooks["/"]: has no url; write that of your backend`},
		{"no address", `/: {url: backend, ` + key + `}`, `webhooks["/"].url: it is no address`},
		{"another scheme", `/: {url: "ftp://a/", ` + key + `}`, `webhooks["/"].url: it is no address`},
		{"a password", `/: {url: "http://a:b@c/", ` + key + `}`, `webhooks["/"].url: it has a user or password`},
		{"no secret", `/: {` + url + `}`, `webhooks["/"]: has no secret to sign requests with; name a file`},
		{"a short secret", `/: {` + url + `, secret: short}`, `webhooks["/"].secret: it has 5 bytes: take at least 32`},
		{"three secrets", `/: {` + url + `, secret-file: [a, b, c]}`, `webhooks["/"]: has more than 2 secrets`},
		{"no slash", `app: {` + url + `, ` + key + `}`, `webhooks["app"]: a namespace begins with a slash; write "/app"`},
		{"an expression", `"^/a": {` + url + `, ` + key + `}`, `webhooks["^/a"]: an expression ends in $`},
		{"a call", `/: {` + url + `, ` + key + `, calls: [say]}`, `webhooks["/"].calls: "say" is none of connect, event, disconnect`},
		{"no call", `/: {` + url + `, ` + key + `, calls: []}`, `webhooks["/"].calls: names nothing`},
		{"events without", `/: {` + url + `, ` + key + `, calls: [connect], events: [a]}`, `webhooks["/"].events: calls does not name event`},
		{"no event", `/: {` + url + `, ` + key + `, events: []}`, `webhooks["/"].events: names no event`},
		{"an empty event", `/: {` + url + `, ` + key + `, events: [""]}`, `webhooks["/"].events: a name is empty`},
		{"a reserved event", `/: {` + url + `, ` + key + `, events: [connect]}`, `webhooks["/"].events: Socket.IO keeps the name "connect"`},
		{"the server's event", `/: {` + url + `, ` + key + `, events: ["auth:refresh"]}`, `webhooks["/"].events: "auth:refresh" begins with`},
		{"a rule", `/: {` + url + `, ` + key + `, events: [ruled]}`, `webhooks["/"].events: relay.namespaces["/"] has a rule for "ruled"`},
		{"a handler", `/chat: {` + url + `, ` + key + `}`, `webhooks["/chat"].calls: this namespace has a handler of its own`},
		{"when down", `/: {` + url + `, ` + key + `, when-down: wait}`, `webhooks["/"].when-down: "wait" is neither retry nor refuse`},
		{"timeout", `/: {` + url + `, ` + key + `, timeout: -1s}`, `webhooks["/"].timeout: -1s is below zero`},
		{"concurrency", `/: {` + url + `, ` + key + `, concurrency: -1}`, `webhooks["/"].concurrency: -1 is below zero`},
		{"a header", `/: {` + url + `, ` + key + `, headers: ["a: b"]}`, `webhooks["/"].headers: "a: b" is no name`},
	} {
		err := configured(t, "webhooks:\n  "+c.yaml).Validate(Others{
			Reserved: []string{"/chat"}, Takes: func(key, event string) bool { return key == "/" && event == "ruled" },
		})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; want one with %s", c.name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "thirty-two") {
			t.Errorf("%s: the secret is in %v", c.name, err)
		}
	}
}

func TestAConfigurationIsReadAndPrintedWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	c := configured(t, `
webhooks:
  /game-*:
    url: https://app.example/hook
    secret: [first secret of thirty-two bytes!, second secret of thirty-two bytes]
    calls: [connect, event]
    events: [move, "say:*"]
    headers: [Cookie]
    timeout: 2s
    concurrency: 8
    when-down: refuse
`)
	if err := c.Validate(Others{}); err != nil {
		t.Fatal(err)
	}
	h := c["/game-*"]
	if len(h.Secret) != 2 || h.Timeout != 2*time.Second || h.Concurrency != 8 || !h.takes("say:x") || h.takes("say") || !slices.Equal(h.Names(), []string{"move"}) {
		t.Errorf("read %+v", h)
	}
	printed, err := yaml.Marshal(map[string]Config{"webhooks": c})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(printed), "thirty-two") {
		t.Errorf("a secret is in:\n%s", printed)
	}
	again := configured(t, string(printed))["/game-*"]
	again.Secret = h.Secret
	if !reflect.DeepEqual(again, h) {
		t.Errorf("printed and read again it is %+v, was %+v", again, h)
	}
}

func TestSecretsMayBeInFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, short := file("good", "\n"+secret+"\n"), file("short", "short\n")
	b := newApp(t)
	r := serve(t, b.URL, func(h *Hook, _ *socketio.Options) { h.Secret, h.SecretFile = nil, List{good} })
	rawclient.Dial(t, r.url, "/", nil) // the backend has checked the signature
	for path, want := range map[string]string{short: "holds 5 bytes", filepath.Join(dir, "none"): "no such file"} {
		_, err := New(Options{Config: Config{"/": {URL: b.URL, SecretFile: List{path}}}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), `webhooks["/"]: secret-file`) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// While a secret is replaced requests are signed with both.
func TestTwoSecretsSignAtOnce(t *testing.T) {
	t.Parallel()
	const other = "another secret of thirty-two bytes"
	b := newApp(t)
	r := serve(t, b.URL, func(h *Hook, _ *socketio.Options) { h.Secret = Secrets{other, secret} })
	rawclient.Dial(t, r.url, "/", nil)
	a := b.await("the connect", ofCall(Connect))
	signed := a.header.Get(SignatureHeader)
	for _, key := range []string{secret, other} {
		if !holds(signed, key, a.body) {
			t.Errorf("%q does not hold for %q", signed, key)
		}
	}
	if holds(signed, "a third secret of thirty-two bytes", a.body) || holds(signed, secret, append(a.body, ' ')) {
		t.Error("a signature holds for something else")
	}
}

// The example of docs/webhooks.md.
func TestSignature(t *testing.T) {
	t.Parallel()
	got := signature.Of([][]byte{[]byte("0123456789abcdef0123456789abcdef")}, 1767225600, []byte(`{"call":"event"}`))
	if want := "t=1767225600,v1="; !strings.HasPrefix(got, want) || len(got) != len(want)+64 {
		t.Errorf("%s", got)
	}
	if got != signed {
		t.Errorf("%s, want %s", got, signed)
	}
}

const signed = "t=1767225600,v1=8606580d35d1ab099cf002af45945dab84c141733c3f44eb4917243346a70ec2"

// The narrowest key has a namespace, and what is not in a key is nobody's.
func TestWhichBackendANamespaceHas(t *testing.T) {
	t.Parallel()
	h, err := New(Options{Config: Config{
		"/":         {URL: "http://a/", Secret: Secrets{secret}},
		"/game-*":   {URL: "http://b/", Secret: Secrets{secret}},
		"/game-1":   {URL: "http://c/", Secret: Secrets{secret}},
		"^/[a-z]+$": {URL: "http://d/", Secret: Secrets{secret}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for namespace, want := range map[string]string{"/": "/", "/game-1": "/game-1", "/game-2": "/game-*", "/news": "^/[a-z]+$", "/a/b": ""} {
		got := ""
		if b := h.of(namespace); b != nil {
			got = b.key
		}
		if got != want {
			t.Errorf("%s has %q, want %q", namespace, got, want)
		}
	}
}

func TestNamespacesOfAPatternComeIntoBeing(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.event = func(a *asked) answer { return says(`{"ack":%q}`, a.Namespace) }
	r := serveConfig(t, Config{"/game-*": {URL: b.URL, Secret: Secrets{secret}}}, &socketio.Options{CleanupEmptyChildNamespaces: true}, nil)
	for _, name := range []string{"/game-1", "/game-2", "/game-1"} {
		c := rawclient.Dial(t, r.url, name, nil)
		if got := text(c.Call("where")); got != `["`+name+`"]` {
			t.Errorf("acknowledged with %s", got)
		}
		c.Close()
	}
	if refused := rawclient.Dial(t, r.url, "/other", nil).Refused(); refused == nil || refused.Message != "Invalid namespace" {
		t.Errorf("refused with %+v", refused)
	}
}
