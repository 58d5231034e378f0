package ws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/ws"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// TestMessages: each is answered as the documentation says.
func TestMessages(t *testing.T) {
	h := open(t, &plan{})
	h.Of("/").On("ask", func(_ context.Context, e *socketio.Event) {
		if got, err := e.Socket().EmitWithAck(e.Socket().Context(), "question", "?"); err == nil {
			_ = e.Socket().Emit("heard", got)
		}
	})
	c := h.ws()
	for _, one := range []struct {
		send string
		want []string
	}{
		{`{"type":"ping"}`, []string{`{"type":"pong"}`}},
		{`{"type":"ping","id":7}`, []string{`{"type":"pong","id":7}`}},
		{`{"type":"echo","id":0,"data":[1,"two",{"three":3}]}`, []string{`{"type":"ack","data":[1,"two",{"three":3}],"id":0}`}},
		{`{"type":"echo","data":"one"}`, []string{`{"type":"event","event":"echo","data":["one"]}`}},
		{`{"type":"echo","data":[[1,2]]}`, []string{`{"type":"event","event":"echo","data":[[1,2]]}`}},
		{`{"type":"echo","data":[ ],"id":1,"unknown":true}`, []string{`{"type":"ack","data":[],"id":1}`}},
		{`{"type":"join","room":"r","id":2}`, []string{`{"type":"ack","data":["ok"],"id":2}`}},
		{`{"type":"join","room":5,"id":3}`, []string{`{"type":"ack","data":["ok"],"id":3}`}},
		{`{"type":"say","room":"r","data":["hello",1],"id":4}`, []string{
			`{"type":"event","room":"r","event":"msg","data":["hello",1]}`, `{"type":"ack","data":["ok"],"id":4}`,
		}},
		{`{"type":"say","room":"5","data":null}`, []string{`{"type":"event","room":"5","event":"msg","data":[null]}`}},
		{`{"type":"typing","room":"r","id":5}`, []string{`{"type":"ack","data":["ok"],"id":5}`}},
		{`{"type":"event","event":"join","data":["s"],"id":6}`, []string{`{"type":"ack","data":["ok"],"id":6}`}},
		{`{"type":"emit","event":"echo","data":[1],"id":7}`, []string{`{"type":"ack","data":[1],"id":7}`}},
		{`{"type":"leave","room":"r","id":8}`, []string{`{"type":"ack","data":["ok"],"id":8}`}},
		{`{"type":"say","room":"r","event":"draw","data":[1],"id":9}`, []string{`{"type":"error","id":9,"error":{"code":"unknown_event"`}},
		{`{"type":"event","event":"nothing","id":10}`, []string{`{"type":"error","id":10,"error":{"code":"unknown_event"`}},
		{`{"type":"join","id":11}`, []string{`{"type":"error","id":11,"error":{"code":"bad_room"`}},
		{`{"type":"join","room":{},"id":12}`, []string{`{"type":"error","id":12,"error":{"code":"bad_room"`}},
		{`{"type":"join","room":"sockeye:user:x","id":13}`, []string{`{"type":"error","id":13,"error":{"code":"room_reserved"`}},
		{`{"type":"event","id":14}`, []string{`{"type":"error","id":14,"error":{"code":"bad_event"`}},
		{`{"type":"event","event":"disconnect"}`, []string{`{"type":"error","error":{"code":"bad_event"`}},
		{`{"type":"dance","id":15}`, []string{`{"type":"error","id":15,"error":{"code":"bad_message"`}},
		{`{"type":"ping"}`, []string{`{"type":"pong"}`}},
		{`{}`, []string{`{"type":"error","error":{"code":"bad_message"`}},
		{`{"type":7}`, []string{`{"type":"error","error":{"code":"bad_message","message":"not a message: type must not be a number here"`}},
		{`[1]`, []string{`{"type":"error","error":{"code":"bad_message","message":"not a message: it is an array`}},
		{`{"type":"ping","id":-1}`, []string{`{"type":"error","error":{"code":"bad_message"`}},
		{`{"type":"ping","id":9007199254740993}`, []string{`{"type":"error","error":{"code":"bad_message"`}},
		{`nonsense`, []string{`{"type":"error","error":{"code":"bad_message"`}},
		{`{"type":"ack"}`, []string{`{"type":"error","error":{"code":"bad_message"`}},
		{`{"type":"ack","id":99}`, nil}, // nobody asked
		{`{"type":"event","event":"ask"}`, []string{`{"type":"event","event":"question","data":["?"],"id":0}`}},
		{`{"type":"ack","id":0,"data":{"yes":true}}`, []string{`{"type":"event","event":"heard","data":[{"yes":true}]}`}},
	} {
		c.Send(one.send)
		for _, want := range one.want {
			if got := c.Next(); !strings.HasPrefix(got, want) {
				t.Errorf("%s: got %s, want %s", one.send, got, want)
			}
		}
	}
}

// TestOneRoomForAll: clients of both kinds hear the same in the same order, each other and
// themselves.
func TestOneRoomForAll(t *testing.T) {
	h := open(t, &plan{})
	plain, io := h.ws(), h.io()
	plain.Send(`{"type":"join","room":"r","id":1}`)
	plain.ExpectPrefix(`{"type":"ack"`)
	io.Call("join", "r")
	// Typing is volatile: it is said until it is heard.
	typing := `{"type":"event","room":"r","event":"typing","data":["ann"]}`
	for got := ""; got != typing; {
		io.Emit("typing", "r", "ann")
		io.Call("echo") // it was passed on, or dropped
		plain.Send(`{"type":"ping"}`)
		if got = plain.Next(); got == typing {
			plain.ExpectPrefix(`{"type":"pong"`)
		} else if !strings.HasPrefix(got, `{"type":"pong"`) {
			t.Fatalf("got %s", got)
		}
	}
	for range 500 {
		plain.Send(`{"type":"typing","room":"r","data":"bob"}`)
		if slices.Contains(io.Heard(), "typing") {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if e := io.Next("typing"); string(e.Args[0]) != `"bob"` {
		t.Errorf("typing %s", e.Args)
	}
	const each = 200
	for i := range each {
		io.Emit("say", "r", "io", i)
		plain.Send(fmt.Sprintf(`{"type":"say","room":"r","data":["ws",%d]}`, i))
	}
	var heard, told []string
	next := map[string]int{}
	for range 2 * each {
		var m struct{ Data []any }
		if err := json.Unmarshal([]byte(plain.Next()), &m); err != nil {
			t.Fatal(err)
		}
		who, n := m.Data[0].(string), int(m.Data[1].(float64))
		if n != next[who] {
			t.Fatalf("%s said %d, want %d", who, n, next[who])
		}
		next[who]++
		heard = append(heard, fmt.Sprint(who, n))
		e := io.Next("msg")
		var by string
		var at int
		if json.Unmarshal(e.Args[0], &by) != nil || json.Unmarshal(e.Args[1], &at) != nil {
			t.Fatal(e)
		}
		told = append(told, fmt.Sprint(by, at))
	}
	if each := func(all []string, who string) string {
		var mine []string
		for _, one := range all {
			if strings.HasPrefix(one, who) {
				mine = append(mine, one)
			}
		}
		return strings.Join(mine, " ")
	}; each(heard, "io") != each(told, "io") || each(heard, "ws") != each(told, "ws") {
		t.Errorf("the one heard %v, the other %v", heard, told)
	}
	socks, err := h.FetchSockets(t.Context())
	if err != nil || len(socks) != 2 {
		t.Errorf("fetched %d sockets, %v", len(socks), err)
	}
}

// TestWaysToShowAToken, and that only the subprotocol without it is ever chosen.
func TestWaysToShowAToken(t *testing.T) {
	h := open(t, &plan{strict: true})
	h.desk.Give("good", "ann", 0)
	first := func(c *sockettest.Plain) { c.Send(`{"type":"auth","token":"good"}`) }
	for name, one := range map[string]struct {
		c        *sockettest.Plain
		protocol string
		then     func(c *sockettest.Plain)
	}{
		"header":   {c: sockettest.DialPlain(t, h.URL+ws.Path, sockettest.WithHeader("Authorization", "Bearer good"))},
		"cookie":   {c: sockettest.DialPlain(t, h.URL+ws.Path, sockettest.WithHeader("Cookie", "session=good"))},
		"ticket":   {c: sockettest.DialPlain(t, h.URL+ws.Path+"?ticket=good")},
		"protocol": {c: sockettest.DialPlain(t, h.URL+ws.Path, sockettest.WithProtocols("sockeye.token.good", "sockeye.v1")), protocol: "sockeye.v1"},
		"message":  {c: sockettest.DialPlain(t, h.URL+ws.Path), then: first},
	} {
		if one.then != nil {
			one.then(one.c)
		}
		one.c.Send(`{"type":"ping"}`) // waits until it is known who this is
		one.c.ExpectPrefix(`{"type":"welcome","id":"`)
		one.c.Expect(`{"type":"pong"}`)
		if one.c.Protocol != one.protocol {
			t.Errorf("%s: the subprotocol is %q", name, one.c.Protocol)
		}
	}
	for _, s := range h.Of("/").Sockets() {
		if auth.Of(s).ID != "ann" {
			t.Errorf("a socket is of %q", auth.Of(s).ID)
		}
	}
}

// TestRefresh: a client goes on with another token of the same user.
func TestRefresh(t *testing.T) {
	h := open(t, &plan{strict: true})
	h.desk.Give("old", "ann", 0)
	h.desk.Give("new", "ann", 0)
	h.desk.Give("bob", "bob", 0)
	c := sockettest.DialPlain(t, h.URL+"/ws?ticket=old")
	c.ExpectPrefix(`{"type":"welcome"`)
	c.Send(`{"type":"auth","id":3}`)
	c.Expect(`{"type":"error","id":3,"error":{"code":"unauthorized","message":"\"token\" is missing: which one?"}}`)
	c.Send(`{"type":"auth","token":"new","id":1}`)
	c.Expect(`{"type":"ack","data":[{"ok":true}],"id":1}`)
	c.Send(`{"type":"auth","token":"bob","id":2}`)
	c.ExpectPrefix(`{"type":"error","id":2,"error":{"code":"other_user"`)
}

// TestPermissions are those of every other client.
func TestPermissions(t *testing.T) {
	h := open(t, &plan{strict: true, access: auth.Rooms{}})
	h.desk.Give("ann", "ann", 0)
	c := sockettest.DialPlain(t, h.URL+"/ws?ticket=ann")
	c.ExpectPrefix(`{"type":"welcome"`)
	for send, want := range map[string]string{
		`{"type":"join","room":"public:news","id":1}`:  `{"type":"ack"`,
		`{"type":"join","room":"private","id":2}`:      `{"type":"error","id":2,"error":{"code":"forbidden"`,
		`{"type":"say","room":"public:talk","id":3}`:   `{"type":"ack"`,
		`{"type":"say","room":"public:news","id":4}`:   `{"type":"error","id":4,"error":{"code":"forbidden"`,
		`{"type":"typing","room":"private","id":5}`:    `{"type":"error","id":5,"error":{"code":"forbidden"`,
		`{"type":"say","room":"x","event":"e","id":6}`: `{"type":"error","id":6,"error":{"code":"unknown_event"`,
	} {
		c.Send(send)
		c.ExpectPrefix(want)
	}
}

// TestRequestsThatAreNoHandshakes are answered with a problem.
func TestRequestsThatAreNoHandshakes(t *testing.T) {
	h := open(t, &plan{})
	for target, status := range map[string]int{
		"/ws":                 http.StatusUpgradeRequired,
		"/ws?namespace=a%2Cb": http.StatusNotFound,
	} {
		resp, err := http.Get(h.URL + target)
		if err != nil {
			t.Fatal(err)
		}
		var body struct {
			Error struct{ Code, Message string }
		}
		if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || resp.StatusCode != status || body.Error.Code == "" || body.Error.Message == "" {
			t.Errorf("%s: %s %+v %v", target, resp.Status, body, err)
		}
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
}
