package doors_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/doors"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// desk is an Authenticator that knows some tokens.
type desk struct {
	mu     sync.Mutex
	tokens map[string]*auth.Principal
	err    error
	asked  []auth.Credentials
}

var _ auth.Authenticator = (*desk)(nil)

func (d *desk) Authenticate(_ context.Context, c *auth.Credentials) (*auth.Principal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, *c)
	p := d.tokens[c.Token]
	switch {
	case d.err != nil:
		return nil, d.err
	case c.Token == "":
		return nil, &auth.Error{Code: auth.CodeUnauthorized, Message: "show a token"}
	case p == nil:
		return nil, &auth.Error{Code: auth.CodeInvalidToken, Message: "this token does not hold"}
	case !p.Expires.IsZero() && !time.Now().Before(p.Expires):
		return nil, &auth.Error{Code: auth.CodeTokenExpired, Message: "this token has expired"}
	}
	one := *p // as from a token that is read anew
	return &one, nil
}

// give makes a token of a user, which holds for some time; 0 is for good.
func (d *desk) give(token, id string, holds time.Duration) {
	p := &auth.Principal{ID: id, Join: auth.Everything(), Publish: auth.Everything(), Method: auth.MethodToken}
	if holds != 0 {
		p.Expires = time.Now().Add(holds)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tokens == nil {
		d.tokens = make(map[string]*auth.Principal)
	}
	d.tokens[token] = p
}

// bans are Blocks in memory, of one node.
type bans struct {
	auth.Blocks // what the tests do not call

	mu   sync.Mutex
	ids  map[string]auth.Block
	hear func(id string, b auth.Block)
}

func (b *bans) Blocked(id string) (auth.Block, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	one, blocked := b.ids[id]
	return one, blocked
}

func (b *bans) OnBlocked(f func(id string, b auth.Block)) func() {
	b.hear = f
	return func() {}
}

func (b *bans) add(id, reason string, tell bool) {
	b.mu.Lock()
	if b.ids == nil {
		b.ids = make(map[string]auth.Block)
	}
	b.ids[id] = auth.Block{Reason: reason}
	b.mu.Unlock()
	if tell {
		b.hear(id, auth.Block{Reason: reason})
	}
}

// house is a server with a keeper.
type house struct {
	*sockettest.Server
	desk *desk
	bans *bans

	keeper *doors.Keeper
}

func open(t *testing.T, o doors.Options, so *socketio.Options) *house {
	t.Helper()
	h := &house{desk: &desk{}, bans: &bans{}}
	o.Authenticator, o.Blocks = h.desk, h.bans
	keeper, err := doors.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h.keeper = keeper
	t.Cleanup(keeper.Close) // after the server, whose cleanup is registered later
	if so == nil {
		so = &socketio.Options{}
	}
	so.Admit, so.Entered = keeper.Admit, keeper.Entered
	h.Server = sockettest.Serve(t, so)
	h.Of("/").On("fence", func(_ context.Context, e *socketio.Event) { _ = e.Ack() })
	return h
}

func token(text string) string { return `{"token":"` + text + `"}` }

// next reads the next event, and returns its name and first argument.
func next(t *testing.T, c *sockettest.Client, namespace string) (name string, arg map[string]any) {
	t.Helper()
	f := c.Next()
	if namespace != "/" {
		namespace += ","
	} else {
		namespace = ""
	}
	text, ok := strings.CutPrefix(f.Text, "2"+namespace)
	var parts []json.RawMessage
	if !ok || json.Unmarshal([]byte(text), &parts) != nil || len(parts) < 2 || json.Unmarshal(parts[0], &name) != nil || json.Unmarshal(parts[1], &arg) != nil {
		t.Fatalf("not an event of %q with an object: %s", namespace, f.Text)
	}
	return name, arg
}

// refused expects CONNECT_ERROR with a code.
func refused(t *testing.T, c *sockettest.Client, namespace, payload, code string) {
	t.Helper()
	if namespace != "/" {
		c.Send("0" + namespace + "," + payload)
	} else {
		c.Send("0" + payload)
	}
	text := c.Next().Text
	if !strings.HasPrefix(text, "4") || !strings.Contains(text, `"code":"`+code+`"`) {
		t.Fatalf("connecting to %s was answered with %s, want the code %s", namespace, text, code)
	}
}

// ended expects EndEvent with a code, and DISCONNECT.
func ended(t *testing.T, c *sockettest.Client, namespace, code string) {
	t.Helper()
	name, arg := next(t, c, namespace)
	if name != socketio.EndEvent || arg["code"] != code || arg["message"] == "" {
		t.Fatalf("got %s %v, want %s with the code %s", name, arg, socketio.EndEvent, code)
	}
	if namespace == "/" {
		c.Expect("1")
		return
	}
	c.Expect("1" + namespace + ",")
}
