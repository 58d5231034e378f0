package cluster

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// fromNode is what socket.io 4.8.4 tells of a handshake.
const fromNode = `{"headers":{"host":"127.0.0.1:3000","user-agent":"node-XMLHttpRequest","accept":"*/*","cookie":"a=1; b=2",
	"set-cookie":["x","y"],"connection":"close"},"time":"Tue Nov 25 2025 03:31:00 GMT+0000 (Coordinated Universal Time)",
	"address":"::ffff:127.0.0.1","xdomain":false,"secure":false,"issued":1764041460123,"url":"/socket.io/?EIO=4&transport=polling&t=p",
	"query":{"EIO":"4","transport":"polling","t":"p","x":["1","2"]},"auth":{"token":"abc","room":"blue","n":1}}`

func TestHandshakeOfNode(t *testing.T) {
	h := decodeHandshake(json.RawMessage(fromNode))
	if h.Address != "::ffff:127.0.0.1" || h.Issued != 1764041460123 || h.Time.UTC().Format(time.RFC3339Nano) != "2025-11-25T03:31:00.123Z" ||
		h.Headers.Get("User-Agent") != "node-XMLHttpRequest" || len(h.Headers["Set-Cookie"]) != 2 ||
		!reflect.DeepEqual(h.Query["x"], []string{"1", "2"}) || h.Query.Get("EIO") != "4" || h.URL != "/socket.io/?EIO=4&transport=polling&t=p" {
		t.Errorf("%+v", h)
	}
	var auth struct{ Token string }
	if err := h.Auth.Decode(&auth); err != nil || auth.Token != "abc" {
		t.Errorf("auth %+v, %v", auth, err)
	}
	var there, back map[string]any
	if err := json.Unmarshal([]byte(fromNode), &there); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(encodeHandshake(h), &back); err != nil {
		t.Fatal(err)
	}
	headers, _ := there["headers"].(map[string]any)
	delete(headers, "cookie") // its secrets stay where they are
	there["auth"] = map[string]any{"room": "blue", "n": 1.0}
	if !reflect.DeepEqual(there, back) {
		t.Errorf("came back as %v", back)
	}
}

func TestHandshakeThatIsNone(t *testing.T) {
	for _, text := range []string{``, `null`, `[]`, `{`, `{"headers":5,"query":{"a":{"b":1},"c":"d"},"issued":"x","address":"1.2.3.4"}`} {
		h := decodeHandshake(json.RawMessage(text))
		if h == nil || h.Headers == nil || h.Query == nil {
			t.Errorf("%q: %+v", text, h)
		}
		if text != "" && text[0] == '{' && len(text) > 1 && (h.Address != "1.2.3.4" || h.Query.Get("c") != "d") {
			t.Errorf("%q: what can be read is lost: %+v", text, h)
		}
	}
}

func TestHeadersAreJoinedAsInNode(t *testing.T) {
	text := encodeHandshake(&socketio.Handshake{
		Headers: http.Header{"Accept": {"a", "b"}, "Set-Cookie": {"x"}},
		Query:   url.Values{"k": {}},
	})
	var got struct{ Headers, Query map[string]any }
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Headers["accept"] != "a, b" || got.Headers["set-cookie"] != "x" {
		t.Errorf("%v", got.Headers)
	}
}

// Tokens, cookies and the secrets of sessions of everybody were told to whoever asked for
// the sockets over Redis.
func TestSecretsOfAHandshakeStayOnItsNode(t *testing.T) {
	auth, err := socketio.NewRaw(map[string]string{"token": "hunter2", "pid": "hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	text := encodeHandshake(&socketio.Handshake{
		Headers: http.Header{"Authorization": {"Bearer hunter2"}, "Cookie": {"session=hunter2"}, "Proxy-Authorization": {"hunter2"}, "Sec-Websocket-Protocol": {"sockeye.v1, sockeye.token.hunter2"}, "Origin": {"https://example.com"}},
		URL:     "/ws?ticket=hunter2&namespace=%2Fnews", Query: url.Values{"ticket": {"hunter2"}, "namespace": {"/news"}},
		Auth: auth,
	})
	if strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), "https://example.com") || !strings.Contains(string(text), `"url":"/ws?namespace=%2Fnews"`) {
		t.Errorf("%s", text)
	}
}
