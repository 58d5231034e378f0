package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
)

const testSecret = "only-a-test-secret-of-more-than-32-bytes"

// runs runs the program and returns its exit status and what it says.
func runs(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(t.Context(), args, &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

// does fails unless the program ends well, and returns what it prints.
func does(t *testing.T, args ...string) string {
	t.Helper()
	status, out, errs := runs(t, args...)
	if status != 0 {
		t.Fatalf("%s: status %d: %s", strings.Join(args, " "), status, errs)
	}
	return out
}

// fails fails unless the program ends badly, and says so.
func fails(t *testing.T, says string, args ...string) {
	t.Helper()
	status, out, errs := runs(t, args...)
	if status == 0 || !strings.Contains(errs, says) || out != "" {
		t.Errorf("%s: status %d, %q, %q; want an error with %q", strings.Join(args, " "), status, out, errs, says)
	}
}

func TestTokenMintsWhatItIsTold(t *testing.T) {
	t.Parallel()
	text := does(t, "token", "--auth-secret", testSecret, "--sub", "alice", "--name", "Alice", "--role", "mod", "--room", "news:{a,b}", "--room", "c",
		"--join", "j", "--publish", "p", "--data", `{"n":1}`, "--kid", "k1", "--auth-issuer", "me", "--auth-audience", "x,y")
	parts := strings.Split(strings.TrimSpace(text), ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", text)
	}
	for i, want := range []string{
		`{"alg":"HS256","kid":"k1","typ":"JWT"}`,
		`"aud":"x","data":{"n":1},"exp":`,
	} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || !strings.Contains(string(raw), want) {
			t.Errorf("part %d is %s, %v", i, raw, err)
		}
	}
	raw, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var c struct {
		Iss, Sub, Name     string
		Roles, Rooms, Join []string
		Publish            []string
		Exp, Iat           int64
	}
	if err := json.Unmarshal(raw, &c); err != nil || c.Iss != "me" || c.Sub != "alice" || c.Name != "Alice" || c.Roles[0] != "mod" ||
		strings.Join(c.Rooms, " ") != "news:{a,b} c" || c.Join[0] != "j" || c.Publish[0] != "p" || c.Exp-c.Iat < 3600 || c.Exp-c.Iat > 3601 {
		t.Errorf("%s, %v", raw, err)
	}
	if forever := does(t, "token", "--auth-secret", testSecret, "--sub", "alice", "--ttl", "0"); strings.Contains(forever, "exp") {
		t.Error("a token for ever expires")
	}
}

func TestTokenSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	fails(t, "SOCKEYE_AUTH_SECRET=", "token", "--sub", "alice")
	fails(t, "it has 5 bytes", "token", "--sub", "alice", "--auth-secret", "short")
	fails(t, "--data is no JSON", "token", "--sub", "alice", "--auth-secret", testSecret, "--data", "x")
	fails(t, "as the ids of API keys do", "token", "--sub", "key:1", "--auth-secret", testSecret)
	fails(t, "--sub", "token", "--auth-secret", testSecret)
	fails(t, "below zero", "token", "--sub", "alice", "--auth-secret", testSecret, "--ttl=-1h")
	keys := filepath.Join(t.TempDir(), "keys.json")
	jwk := `{"keys":[{"kty":"oct","kid":"k1","k":"` + base64.RawURLEncoding.EncodeToString([]byte(testSecret)) + `"}]}`
	if err := os.WriteFile(keys, []byte(jwk), 0o600); err != nil {
		t.Fatal(err)
	}
	fails(t, `no key named "k2" can sign`, "token", "--sub", "alice", "--auth-keys", keys, "--kid", "k2")
	does(t, "token", "--sub", "alice", "--auth-keys", keys, "--kid", "k1")
}

func TestKeysAreMadeListedAndRevoked(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		ledger(t, "--auth-file", filepath.Join(t.TempDir(), "auth.json"))
	})
	t.Run("redis", func(t *testing.T) { ledger(t, "--redis-url", redistest.Start(t).URL()) })
}

// ledger runs the commands about API keys and blocks on one place.
func ledger(t *testing.T, place ...string) {
	t.Helper()
	on := func(args ...string) []string { return append(args, place...) }
	_, key, said := runs(t, on("key", "create", "--name", "sensor", "--scope", "read,publish", "--room", "a:*", "--for", "1h")...)
	key = strings.TrimSpace(key)
	if !strings.HasPrefix(key, "sk_") || strings.ContainsAny(key, " \n") || !strings.Contains(said, "cannot be shown again") {
		t.Fatalf("%q, %q", key, said)
	}
	id := key[3:19]
	list := does(t, on("key", "list")...)
	if !strings.Contains(list, id) || !strings.Contains(list, `"sensor"`) || !strings.Contains(list, "read,publish") || strings.Contains(list, key[20:]) {
		t.Errorf("the list is\n%s", list)
	}
	fails(t, `no API key "nobody"`, on("key", "revoke", "nobody")...)
	fails(t, `"write" is no scope`, on("key", "create", "--scope", "write")...)
	fails(t, "admin is for all rooms", on("key", "create", "--scope", "admin", "--room", "a:*")...)
	does(t, on("key", "revoke", id)...)
	if list := does(t, on("key", "list")...); strings.Contains(list, id) {
		t.Errorf("the list still has it:\n%s", list)
	}

	if said := does(t, on("block", "eve", "--for", "1h", "--reason", "spam")...); !strings.Contains(said, `"eve" is blocked until 2`) {
		t.Error(said)
	}
	if list := does(t, on("blocks")...); !strings.Contains(list, `"eve"`) || !strings.Contains(list, `"spam"`) {
		t.Errorf("the list is\n%s", list)
	}
	does(t, on("unblock", "eve")...)
	fails(t, `"eve" is not blocked`, on("unblock", "eve")...)
	fails(t, "below zero", on("block", "eve", "--for=-1h")...)
}

func TestThePlaceOfKeysAndBlocksMustBeSaid(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{{"key", "list"}, {"key", "create", "--scope", "read"}, {"key", "revoke", "x"}, {"block", "x"}, {"unblock", "x"}, {"blocks"}} {
		fails(t, "set --auth-file to a file, or --redis-url", command...)
	}
	fails(t, "redis", "blocks", "--redis-url", "redis://127.0.0.1:1")
}
