package webhook

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestTheAnswerIsTheAcknowledgement(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	said := map[string]answer{
		"nothing": {204, ""},
		"empty":   says(`{}`),
		"blank":   says(``),
		"one":     says(`{"ack":{"x":[1]}}`),
		"null":    says(`{"ack":null}`),
		"several": says(`{"ack":["a",2]}`),
		"a list":  says(`{"ack":[["a",2]]}`),
		"no":      {422, `{"message":"too long","code":"too_long","data":{"most":5}}`},
		"plain":   {400, `{"message":"no"}`},
	}
	b.event = func(a *asked) answer { return said[a.Event] }
	c := rawclient.Dial(t, serve(t, b.URL, nil).url, "/", nil)
	for event, want := range map[string]string{
		"nothing": `[]`, "empty": `[]`, "blank": `[]`, "one": `[{"x":[1]}]`, "null": `[null]`, "several": `["a",2]`, "a list": `[["a",2]]`,
		"no":    `[{"error":{"code":"too_long","data":{"most":5},"message":"too long"}}]`,
		"plain": `[{"error":{"code":"refused","message":"no"}}]`,
	} {
		if got := text(c.Call(event)); got != want {
			t.Errorf("%s: acknowledged with %s, want %s", event, got, want)
		}
	}
}

func TestAnAnswerJoinsEmitsAndLeaves(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.event = func(a *asked) answer {
		switch a.Event {
		case "enter":
			return says(`{"join":["lobby","old"],"data":{"n":1},"emit":[{"rooms":["lobby"],"event":"in","args":[%s]}]}`, a.arg(0))
		case "say":
			return says(`{"ack":"ok","emit":[
				{"rooms":["lobby"],"except":[%q],"event":"msg","args":[%s,{"deep":[true,1e3]}]},
				{"rooms":[%q],"event":"own"},
				{"namespace":"/other","event":"elsewhere"},
				{"users":["nobody"],"event":"never","volatile":true}]}`, a.Socket, a.arg(0), a.Socket)
		}
		return says(`{"leave":["old"],"ack":%s}`, a.Data)
	}
	r := serve(t, b.URL, nil)
	r.Of("/other")
	ann, bob := rawclient.Dial(t, r.url, "/", nil), rawclient.Dial(t, r.url, "/", nil)
	elsewhere := rawclient.Dial(t, r.url, "/other", nil)
	ann.Call("enter", "ann")
	bob.Call("enter", "bob")
	if got := ann.Next("in"); string(got.Args[0]) != `"ann"` {
		t.Errorf("entered before the emit: heard %s", got.Args)
	}
	if got := text(ann.Call("say", "hi")); got != `["ok"]` {
		t.Errorf("acknowledged with %s", got)
	}
	if got := bob.Next("msg"); text(got.Args) != `["hi",{"deep":[true,1e3]}]` {
		t.Errorf("heard %s", text(got.Args))
	}
	ann.Next("own")
	elsewhere.Next("elsewhere")
	if got := text(ann.Call("go")); got != `[{"n":1}]` {
		t.Errorf("the socket's data is %s", got)
	}
	for _, heard := range append(ann.Heard(), bob.Heard()...) {
		if heard == "msg" || heard == "own" || heard == "never" {
			t.Errorf("somebody else heard %s", heard)
		}
	}
	if s, _ := r.Of("/").Socket(ann.ID()); strings.Join(roomsOf(s), " ") != "lobby" {
		t.Errorf("in %v", roomsOf(s))
	}
}

func TestBinaryPassesAsBase64(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.event = func(a *asked) answer {
		if got := string(a.body); !strings.Contains(got, `"args":[{"deep":[{"base64":"AQID"}]},7]`) {
			t.Errorf("told %s", got)
		}
		return says(`{"ack":[{"back":{"base64":"BAU="}},12345678901234567890]}`)
	}
	r := serve(t, b.URL, nil)
	c := sockettest.Dial(t, r.url)
	c.Connect("/", "")
	c.Send(`51-1["bin",{"deep":[{"_placeholder":true,"num":0}]},7]`)
	c.SendBinary([]byte{1, 2, 3})
	c.Expect(`61-1[{"back":{"_placeholder":true,"num":0}},12345678901234567890]`)
	c.ExpectBinary("\x04\x05")
}

func TestABackendMayDisconnectAClient(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.event = func(*asked) answer {
		return says(`{"ack":"bye","disconnect":{"code":"spam","message":"too much"}}`)
	}
	c := sockettest.Dial(t, serve(t, b.URL, nil).url)
	c.Connect("/", "")
	c.Send(`21["say"]`)
	c.Expect(`31["bye"]`)
	c.Expect(`2["sockeye:end",{"code":"spam","message":"too much"}]`)
	c.Expect(`1`)
	if a := b.await("the end", ofCall(Disconnect)); a.Reason != "server namespace disconnect" || a.Detail != "spam" {
		t.Errorf("told %s", a.body)
	}
}

// The events of one client are under way one at a time, in order.
func TestEventsOfOneClientAreInOrder(t *testing.T) {
	t.Parallel()
	const events = 200
	b := newApp(t)
	var underWay, next atomic.Int32
	b.event = func(a *asked) answer {
		if underWay.Add(1) != 1 {
			t.Error("two events of one client are under way")
		}
		defer underWay.Add(-1)
		if n := fmt.Sprint(next.Add(1) - 1); a.arg(0) != n {
			t.Errorf("event %s came as number %s", a.arg(0), n)
		}
		return says(`{"ack":%s}`, a.arg(0))
	}
	c := sockettest.Dial(t, serve(t, b.URL, nil).url)
	c.Connect("/", "")
	for n := range events {
		c.Send(fmt.Sprintf(`2%d["n",%d]`, n, n))
	}
	for n := range events {
		c.Expect(fmt.Sprintf(`3%d[%d]`, n, n))
	}
}

// Each answer here is wrong somewhere: nothing of it is done, and the client is told.
func TestBadAnswersToEvents(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.event = func(a *asked) answer {
		var body string
		if err := json.Unmarshal(a.Args[0], &body); err != nil {
			t.Error(err)
		}
		return says("%s", body)
	}
	r := serve(t, b.URL, nil)
	c := rawclient.Dial(t, r.url, "/", nil)
	for _, body := range []string{
		`"ok"`, `["ok"]`, `null`, `true`, `<html>`, `{`, `{"ack":1} {}`, `{"acks":1}`, `{"ack":1,"status":"ok"}`,
		`{"join":"lobby"}`, `{"join":[""]}`, `{"join":["sockeye:x"]}`, `{"leave":[1]}`, `{"join":["` + strings.Repeat("x", 300) + `"]}`,
		`{"join":["done"],"emit":[{"rooms":["a"]}]}`, `{"join":["done"],"emit":[{"event":"connect"}]}`,
		`{"emit":{"event":"x"}}`, `{"emit":[{"event":"done"},{"event":"x","rooms":[]}]}`, `{"emit":[{"event":"done"},{"event":"x","rooms":[],"users":[]}]}`,
		`{"emit":[{"event":"done"},{"event":"x","users":[""]}]}`, `{"emit":[{"event":"done"},{"event":"x","to":"all"}]}`,
		`{"emit":[{"event":"done"},{"event":"x","args":[{"base64":"!"}]}]}`, `{"emit":[{"event":"x","namespace":"other"}]}`,
		`{"join":["done"],"emit":[{"event":"done"},{"event":"x","namespace":"/nobody-made-this"}]}`, `{"ack":[` + strings.Repeat(`{"base64":""},`, 10) + `{"base64":""}]}`,
		`{"emit":[{"event":"done"}],"disconnect":{}}`, `{"disconnect":true}`, `{"ack":[{"base64":"%"}]}`, `{"ack":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
	} {
		got := text(c.Call("do", body))
		if !strings.Contains(got, `"error":{"code":"bad_answer"`) {
			t.Errorf("%.60s was taken: acknowledged with %s", body, got)
		}
	}
	if heard := c.Heard(); len(heard) != 0 {
		t.Errorf("heard %v", heard)
	}
	if n, _ := r.Find("/nobody-made-this"); n != nil {
		t.Error("an answer made a namespace")
	}
	if s, _ := r.Of("/").Socket(c.ID()); len(roomsOf(s)) != 0 {
		t.Errorf("in %v", roomsOf(s))
	}
}

func TestOnlyTheNamedEventsAreTold(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.event = func(a *asked) answer { return says(`{"ack":%q}`, a.Event) }
	r := serve(t, b.URL, func(h *Hook, _ *socketio.Options) { h.Events = []string{"chat message", "room:*"} })
	c := rawclient.Dial(t, r.url, "/", nil)
	for event, want := range map[string]string{
		"chat message": `["chat message"]`, "room:": `["room:"]`, "room:join": `["room:join"]`,
		"chat": "unknown_event", "a room:x": "unknown_event", "sockeye:end": "unknown_event", "auth:refresh": "unknown_event",
	} {
		if got := text(c.Call(event)); !strings.Contains(got, want) {
			t.Errorf("%s was acknowledged with %s, want %s", event, got, want)
		}
	}
}

func TestTheBackendIsToldOfWhoHasGone(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.connect = func(*asked) answer { return says(`{"allow":true,"rooms":["lobby"],"data":{"name":"Ann"}}`) }
	b.gone = func(a *asked) answer {
		return says(`{"emit":[{"rooms":["lobby"],"event":"left","args":[%q]}]}`, a.Socket)
	}
	r := serve(t, b.URL, nil)
	ann, bob := rawclient.Dial(t, r.url, "/", nil), rawclient.Dial(t, r.url, "/", nil)
	ann.Close()
	a := b.await("the end", ofCall(Disconnect))
	if a.Socket != ann.ID() || a.Reason != "transport close" || string(a.Data) != `{"name":"Ann"}` || strings.Join(a.Rooms, " ") != "lobby" || a.Connected < 0 {
		t.Errorf("told %s", a.body)
	}
	if got := bob.Next("left"); string(got.Args[0]) != `"`+ann.ID()+`"` {
		t.Errorf("heard of %s", got.Args)
	}
	r.stop() // the server waits until the backend has been told of all
	got := b.all()
	if last := got[len(got)-1]; last.Call != "disconnect" || last.Socket != bob.ID() {
		t.Errorf("at last told %s", last.body)
	}
}

func TestCallsThatAreNotAskedForAreNotMade(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	r := serve(t, b.URL, func(h *Hook, _ *socketio.Options) { h.Calls = []Call{Disconnect} })
	c := rawclient.Dial(t, r.url, "/", nil)
	c.Emit("anything")
	c.Close()
	b.await("the end", ofCall(Disconnect))
	if got := b.all(); len(got) != 1 {
		t.Errorf("asked %d times", len(got))
	}
}
