package carry

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/nodes"
)

// sealed writes a header as a node of this cluster would, of the fields that are given.
func sealed(secret []byte, method, uri, fields string) string {
	var mac string
	sign(newKey(secret), method, uri, fields, func(sum []byte) { mac = base64.RawURLEncoding.EncodeToString(sum) })
	return fields + "; mac=" + mac
}

func TestTheHeaderIsReadAsItWasWritten(t *testing.T) {
	s := sealer{secrets: nodes.NewStatic(nodes.Node{ID: "node___1"}, testSecret)}
	now := time.Now()
	for _, c := range []credentials{
		{from: "node___1", at: now.Unix(), addr: "192.0.2.7:5123"},
		{from: "node___1", at: now.Unix(), addr: "[2001:db8::1]:5123", tls: true},
		{from: "node___1", at: now.Unix(), addr: "@", ask: askAlive},
	} {
		value, ok := s.append(nil, "GET", "/socket.io/?sid=x", &c)
		if !ok {
			t.Fatal("there is no secret")
		}
		if got, err := s.open(string(value), "GET", "/socket.io/?sid=x", now); err != nil || got != c {
			t.Errorf("%+v was read as %+v, %v", c, got, err)
		}
	}
	value, _ := s.append(nil, "GET", "/", &credentials{from: "node___1", at: now.Unix(), addr: "; ask=alive"})
	if got, err := s.open(string(value), "GET", "/", now); err != nil || got.ask != "" || got.addr != "unknown" {
		t.Errorf("an address broke the header: %+v %v", got, err)
	}
}

func TestOnlyWhatANodeHasSignedForThisRequestNowIsAccepted(t *testing.T) {
	s := sealer{secrets: nodes.NewStatic(nodes.Node{ID: "node___1"}, testSecret)}
	now := time.Now()
	fields := func(at time.Time) string {
		return fmt.Sprintf("v=1.0; from=node___1; at=%d; addr=a:1; tls=0", at.Unix())
	}
	good := sealed(testSecret, "GET", "/x", fields(now))
	for name, c := range map[string]struct {
		value string
		want  error
	}{
		"good":                     {good, nil},
		"a minute old":             {sealed(testSecret, "GET", "/x", fields(now.Add(-maxSkew))), nil},
		"a clock that is ahead":    {sealed(testSecret, "GET", "/x", fields(now.Add(maxSkew))), nil},
		"old":                      {sealed(testSecret, "GET", "/x", fields(now.Add(-maxSkew-time.Second))), errTooOld},
		"of the future":            {sealed(testSecret, "GET", "/x", fields(now.Add(maxSkew+2*time.Second))), errTooOld},
		"another method":           {sealed(testSecret, "POST", "/x", fields(now)), errSignature},
		"another target":           {sealed(testSecret, "GET", "/y", fields(now)), errSignature},
		"another secret":           {sealed([]byte("another"), "GET", "/x", fields(now)), errSignature},
		"a changed address":        {strings.Replace(good, "addr=a:1", "addr=b:1", 1), errSignature},
		"an added question":        {strings.Replace(good, "; mac=", "; ask=alive; mac=", 1), errSignature},
		"no signature":             {fields(now), errMalformed},
		"a signature that is none": {fields(now) + "; mac=*", errMalformed},
		"empty":                    {"", errMalformed},
		"no sender":                {sealed(testSecret, "GET", "/x", fmt.Sprintf("v=1.0; at=%d; addr=a:1", now.Unix())), errMalformed},
		"no version":               {sealed(testSecret, "GET", "/x", fmt.Sprintf("from=node___1; at=%d; addr=a:1", now.Unix())), errMalformed},
		"no time":                  {sealed(testSecret, "GET", "/x", "v=1.0; from=node___1; at=soon; addr=a:1"), errMalformed},
		"a field that is none":     {sealed(testSecret, "GET", "/x", fields(now)+"; hello"), errMalformed},
		"a newer minor version":    {sealed(testSecret, "GET", "/x", strings.Replace(fields(now), "1.0", "1.9", 1)+"; zone=b; priority=7"), nil},
		"another major version":    {sealed(testSecret, "GET", "/x", strings.Replace(fields(now), "1.0", "2.0", 1)), errVersion},
	} {
		if got, err := s.open(c.value, "GET", "/x", now); !errors.Is(err, c.want) || err == nil && (got.from != "node___1" || got.addr != "a:1") {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, c.want)
		}
	}
}

// A client that makes the header up itself is refused, and cannot speak for another
// address.
func TestAClientCannotPretendToBeANode(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	s := c.open(0)
	for i := range 2 {
		for name, value := range map[string]string{
			"made up":      "v=1.0; from=node___1; at=1; addr=192.0.2.66:1; tls=1; mac=AAAA",
			"well made up": sealed([]byte("a guess"), "POST", "/socket.io/"+"?EIO=4", fmt.Sprintf("v=1.0; from=node___1; at=%d; addr=192.0.2.66:1; tls=1", time.Now().Unix())),
			"nonsense":     "x",
			"empty":        "",
		} {
			a := s.do(t.Context(), http.MethodPost, s.at(i), "4x", http.Header{headerCarried: {value}})
			if a.err != nil || a.status != http.StatusServiceUnavailable || a.header.Get(headerNode) != "" || !strings.Contains(a.body, "Not accepted") {
				t.Errorf("%s: %d %v %q %v", name, a.status, a.header, a.body, a.err)
			}
		}
	}
	uri := "/socket.io/" + s.query()
	good := sealed(testSecret, "POST", uri, fmt.Sprintf("v=1.0; from=node___1; at=%d; addr=192.0.2.66:1; tls=1", time.Now().Unix()))
	conn := c.nodes[0].dialRaw()
	say(t, conn, "POST %s HTTP/1.1\r\nHost: x\r\nSockeye-Carried: %s\r\nSockeye-Carried: %s\r\nContent-Length: 2\r\n\r\n4x", uri, good, good)
	if a := response(t, bufio.NewReader(conn)); a.status != http.StatusServiceUnavailable {
		t.Errorf("two headers: %d %q", a.status, a.body)
	}
	if n := c.nodes[0].of("received failed: malformed") + c.nodes[0].of("received failed: signature"); n < 5 {
		t.Errorf("%d refusals were counted", n)
	}
	// Nothing of all this has reached the session.
	s.post(s.at(0), "4real").want(t, http.StatusOK, "ok")
	s.get(s.at(0)).want(t, http.StatusOK, "4real")
}

// Nodes of adjacent releases share a cluster: what a newer one adds is not understood,
// and does no harm.
func TestANewerNodeIsUnderstood(t *testing.T) {
	t.Parallel()
	c := start(t, 1, setup{})
	s := c.open(0)
	newer := func(method, uri, more, body string) answered {
		conn := c.nodes[0].dialRaw()
		value := sealed(testSecret, method, uri, fmt.Sprintf("v=1.7; from=newer__1; zone=b; at=%d; addr=192.0.2.66:1; tls=1%s", time.Now().Unix(), more))
		say(t, conn, "%s %s HTTP/1.1\r\nHost: x\r\nSockeye-Carried: %s\r\nSockeye-Priority: 7\r\nContent-Length: %d\r\n\r\n%s", method, uri, value, len(body), body)
		return response(t, bufio.NewReader(conn))
	}
	if a := newer("POST", "/socket.io/"+s.query(), "", "4x"); a.status != http.StatusOK || a.header.Get(headerNode) != c.nodes[0].id {
		t.Errorf("%d %v %q", a.status, a.header, a.body)
	}
	if r := c.nodes[0].last(); r.RemoteAddr != "192.0.2.66:1" || r.TLS == nil {
		t.Errorf("from %s, TLS %v", r.RemoteAddr, r.TLS != nil)
	}
	if a := newer("GET", "/socket.io/", "; ask=alive; since=3", ""); a.status != http.StatusNoContent || a.header.Get(headerNode) != c.nodes[0].id {
		t.Errorf("alive: %d %v", a.status, a.header)
	}
	if a := newer("GET", "/socket.io/", "; ask=weather", ""); a.status != http.StatusNotImplemented {
		t.Errorf("a question of the future: %d", a.status)
	}
}
