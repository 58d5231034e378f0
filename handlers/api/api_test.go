package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/api"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/auth/ticket"
	"github.com/sockeye-io/sockeye/server/origin"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk knows whoever says a name that is on its list.
type desk map[string]*auth.Principal

func (d desk) Identify(_ context.Context, c *auth.Credentials) (*auth.Principal, error) {
	name := c.Shown("", "")
	if p := d[name]; p != nil {
		return p, nil
	}
	return nil, &auth.Error{Code: auth.CodeInvalidToken, Message: "no"}
}

func everyone() desk {
	all := auth.Everything()
	return desk{
		"admin": {ID: "key:1", Method: auth.MethodKey, Scopes: []auth.Scope{auth.ScopeAdmin}, Join: all, Publish: all},
		"other": {ID: "key:2", Method: auth.MethodKey, Scopes: []auth.Scope{auth.ScopeAdmin}, Join: all, Publish: all},
		"press": {ID: "key:3", Method: auth.MethodKey, Scopes: []auth.Scope{auth.ScopeRead}, Join: auth.Patterns{"news:*"}},
		"alice": {ID: "alice", Method: auth.MethodToken, Join: auth.Patterns{"news:*"}, Publish: all},
	}
}

// house is a server with an API.
type house struct {
	*sockettest.Server

	t   testing.TB
	api string
}

func open(t testing.TB, o api.Options, io *socketio.Options) *house {
	t.Helper()
	if io == nil {
		io = &socketio.Options{}
	}
	if io.Adapter == nil {
		io.Adapter = memory.New()
	}
	srv := sockettest.Serve(t, io)
	srv.Of("/").On("fence", func(_ context.Context, e *socketio.Event) { _ = e.Ack() }) // fails only when the client is gone
	policy, err := origin.Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Identity, o.Tickets, o.Blocks, o.Origins = everyone(), ticket.NewOffice(ticket.Alone(), nil), auth.NewLedger(nil, nil), policy
	a, err := api.New(srv.Server, o)
	if err != nil {
		t.Fatal(err)
	}
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	a.Mount(r)
	web := httptest.NewServer(r)
	t.Cleanup(web.Close)
	return &house{srv, t, web.URL + api.Prefix}
}

// ask sends a request and returns the status and what came.
func (h *house) ask(who, path, body string, header ...string) (int, string) {
	h.t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.api+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+who)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, strings.TrimSpace(string(text))
}

// answers expects an answer.
func (h *house) answers(who, path, body, want string, header ...string) {
	h.t.Helper()
	if status, got := h.ask(who, path, body, header...); got != want {
		h.t.Errorf("%s %s: %d %s, want %s", path, body, status, got, want)
	}
}

// enter connects a client whose socket is in rooms.
func (h *house) enter(user string, rooms ...string) (*sockettest.Client, *socketio.Socket) {
	h.t.Helper()
	came := make(chan *socketio.Socket, 1)
	defer h.Of("/").OnConnection(func(s *socketio.Socket) { came <- s }).Off()
	c := sockettest.Dial(h.t, h.URL)
	c.Connect("/", "")
	s := sockettest.Receive(h.t, "the socket", came)
	if err := errors.Join(s.Join(rooms...), s.SetUser(user)); err != nil {
		h.t.Fatal(err)
	}
	return c, s
}

func TestABatchArrivesInItsOrder(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{}, nil)
	c, _ := h.enter("alice", "a")
	var batch, lines strings.Builder
	for i := range 300 {
		item := fmt.Sprintf(`{"event":"e","rooms":["a"],"args":[%d]}`, i)
		if i > 0 {
			batch.WriteByte(',')
		}
		batch.WriteString(item)
		lines.WriteString(item + "\n")
	}
	h.answers("admin", "/emit", "["+batch.String()+"]", `{"accepted":300}`)
	h.answers("admin", "/emit", lines.String(), `{"accepted":300}`, "Content-Type", "application/x-ndjson; charset=utf-8")
	for range 2 {
		for i := range 300 {
			c.Expect(fmt.Sprintf(`2["e",%d]`, i))
		}
	}
}

func TestWhomAnEventReaches(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{}, nil)
	alice, _ := h.enter("alice", "a", "7")
	bob, _ := h.enter("bob", "a")
	for _, c := range []struct {
		body       string
		alice, bob bool
	}{
		{`{"event":"x"}`, true, true},
		{`{"event":"x","rooms":["a"]}`, true, true},
		{`{"event":"x","rooms":["a",7]}`, true, true},
		{`{"event":"x","rooms":[7]}`, true, false},
		{`{"event":"x","rooms":["a"],"except":[7]}`, false, true},
		{`{"event":"x","users":["bob"]}`, false, true},
		{`{"event":"x","users":["bob"],"rooms":["7"]}`, true, true},
		{`{"event":"x","namespace":"/","users":["bob"],"volatile":true}`, false, true},
	} {
		h.answers("admin", "/emit", c.body, `{"accepted":1}`)
		for client, hears := range map[*sockettest.Client]bool{alice: c.alice, bob: c.bob} {
			if hears {
				client.Expect(`2["x"]`)
			} else {
				client.Fence()
			}
		}
	}
}

func TestNothingOfAWrongBatchIsEmitted(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{MaxBatch: 3}, nil)
	c, _ := h.enter("alice", "a")
	for _, body := range []string{
		`[{"event":"x"},{"event":""}]`, `[{"event":"x"},{"event":"y"}`, `[{"event":"x"},7]`, `[]`, `{"event":"x"} {}`, `{"event":"x"}]`,
		`[{"event":"x"},{"event":"x"},{"event":"x"},{"event":"x"}]`,
		`[{"event":"x"},{"event":"x","rooms":["sockeye:x"]}]`, `[{"event":"x"},{"event":"x","namespace":"/b"}]`,
		`[{"event":"x","key":"k"},{"event":"y","key":"k"}]`,
		`{"event":"x","args":` + strings.Repeat("[", 257) + strings.Repeat("]", 257) + `}`,
	} {
		if status, got := h.ask("admin", "/emit", body); status < 400 || status > 499 {
			t.Errorf("%s: %d %s", body, status, got)
		}
	}
	c.Fence()
	h = open(t, api.Options{}, nil)
	_, got := h.ask("admin", "/emit", `[{"event":"x"},{"event":"","rooms":["a"]},{"event":"x","users":[1.5]},{"event":7},{"event":"x","a/b":1}]`)
	var p struct{ Errors []struct{ Field string } }
	if err := json.Unmarshal([]byte(got), &p); err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, e := range p.Errors {
		fields = append(fields, e.Field)
	}
	if got, want := strings.Join(fields, " "), "/1/event /2/users/0 /3/event /4/a~1b"; got != want {
		t.Errorf("the errors are at %s, want %s", got, want)
	}
}

func TestAnEventWithAKeyIsEmittedOnce(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{}, nil)
	c, _ := h.enter("alice")
	h.answers("admin", "/emit", `{"event":"x","key":"1"}`, `{"accepted":1}`)
	h.answers("admin", "/emit", `{"event":"x","key":"1"}`, `{"accepted":1,"repeated":1}`)
	h.answers("admin", "/emit", `[{"event":"x","key":"1"},{"event":"y","key":"2"},{"event":"y","key":"2"}]`, `{"accepted":3,"repeated":2}`)
	h.answers("other", "/emit", `{"event":"x","key":"1"}`, `{"accepted":1}`)
	if status, got := h.ask("admin", "/emit", `[{"event":"z","key":"3"},{"event":"z","key":"1"}]`); status != http.StatusConflict || !strings.Contains(got, `"field":"/1/key"`) {
		t.Errorf("a key that was used: %d %s", status, got)
	}
	h.answers("admin", "/emit", `{"event":"z","key":"3"}`, `{"accepted":1}`)
	for _, name := range []string{"x", "y", "x", "z"} {
		c.Expect(`2["` + name + `"]`)
	}
	c.Fence()
}

func TestBytesAreSentWhereTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{}, nil)
	c, _ := h.enter("alice")
	h.answers("admin", "/emit", `{"event":"x","args":[{"base64":"aGk="}]}`, `{"accepted":1}`)
	c.Expect(`2["x",{"base64":"aGk="}]`)
	h.answers("admin", "/emit", `{"event":"x","binary":true,"args":[[{"base64":"aGk="}],{"base64":"aGk=","n":12345678901234567890}]}`, `{"accepted":1}`)
	c.Expect(`51-["x",[{"_placeholder":true,"num":0}],{"base64":"aGk=","n":12345678901234567890}]`)
	c.ExpectBinary("hi")
	for _, args := range []string{`[{"base64":"!"}]`, `[` + strings.Repeat(`{"base64":""},`, 10) + `{"base64":""}]`} {
		if status, got := h.ask("admin", "/emit", `{"event":"x","binary":true,"args":`+args+`}`); status != http.StatusBadRequest || !strings.Contains(got, `"field":"/args"`) {
			t.Errorf("%s: %d %s", args, status, got)
		}
	}
	if _, got := h.ask("admin", "/emit", `{"event":"x","args":"a"}`); !strings.Contains(got, `it is no array of arguments, such as [\"hello\"]: not a JSON array"`) {
		t.Errorf("no array: %s", got)
	}
}

func TestAnswersAreCollected(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{}, nil)
	h.answers("admin", "/emit-with-ack", `{"event":"x"}`, `{"answers":[],"missing":0}`)
	one, _ := h.enter("alice", "a")
	two, _ := h.enter("bob", "a")
	got := make(chan string, 1)
	go func() {
		_, text := h.ask("admin", "/emit-with-ack", `{"event":"x","rooms":["a"],"timeout":30000}`)
		got <- text
	}()
	f := one.Next().Text // 2<id>["x"]
	one.Send("3" + f[1:strings.IndexByte(f, '[')] + `["yes",{"n":1}]`)
	two.Next()
	two.Cut() // nobody waits for who is gone
	if text := sockettest.Receive(t, "the answers", got); text != `{"answers":[["yes",{"n":1}]],"missing":1}` {
		t.Error(text)
	}
	for _, body := range []string{`{"event":"x","timeout":30001}`, `{"event":"x","timeout":-1}`, `{"event":"x","volatile":true}`, `{"event":"x","key":"k"}`, `[{"event":"x"}]`} {
		if status, text := h.ask("admin", "/emit-with-ack", body); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
}

// Clients decide how much they say, and could have filled the memory of the server.
func TestAnswersAreNoMoreThanOneMayHold(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{}, nil)
	got := make(chan string, 1)
	clients := make([]*sockettest.Client, 5)
	for i := range clients {
		clients[i], _ = h.enter("alice", "a")
	}
	go func() {
		_, text := h.ask("admin", "/emit-with-ack", `{"event":"x","rooms":["a"],"timeout":30000}`)
		got <- text
	}()
	large := strings.Repeat("x", 900_000)
	for _, c := range clients {
		f := c.Next().Text
		c.Send("3" + f[1:strings.IndexByte(f, '[')] + `["` + large + `"]`)
	}
	if text := sockettest.Receive(t, "the answers", got); strings.Count(text, large) != 4 || !strings.HasSuffix(text, `"missing":0,"dropped":1}`) {
		t.Errorf("%d answers of %d, which end with %s", strings.Count(text, large), len(clients), text[max(0, len(text)-60):])
	}
}

func TestWhoIsWhere(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{}, nil)
	_, a1 := h.enter("alice", "news:1", "den")
	_, _ = h.enter("alice", "news:1")
	_, b := h.enter("bob", "news:2")
	_, _ = h.enter("", "news:2")
	h.answers("admin", "/rooms", "", `{"rooms":[{"room":"den","sockets":1,"users":1},{"room":"news:1","sockets":2,"users":1},{"room":"news:2","sockets":2,"users":1}]}`)
	h.answers("press", "/rooms", "", `{"rooms":[{"room":"news:1","sockets":2,"users":1},{"room":"news:2","sockets":2,"users":1}]}`)
	h.answers("admin", "/rooms?limit=1&after=den", "", `{"rooms":[{"room":"news:1","sockets":2,"users":1}],"next":"news:1"}`)
	h.answers("alice", "/presence?room=news:1&room=news:2", "",
		`{"rooms":[{"room":"news:1","users":[{"id":"alice","sockets":2}],"userCount":1,"socketCount":2,"anonymous":0},`+
			`{"room":"news:2","users":[{"id":"bob","sockets":1}],"userCount":1,"socketCount":2,"anonymous":1}]}`)
	for _, path := range []string{"/presence?room=den", "/rooms", "/sockets?room=news:1", "/blocks"} {
		if status, got := h.ask("alice", path, ""); status != http.StatusForbidden {
			t.Errorf("%s by alice: %d %s", path, status, got)
		}
	}
	for _, path := range []string{"/sockets", "/sockets?user=alice", "/sockets?room=news:1&room=den"} {
		if status, got := h.ask("press", path, ""); status != http.StatusForbidden {
			t.Errorf("%s with a key for other rooms: %d %s", path, status, got)
		}
	}
	if status, got := h.ask("press", "/sockets?room=news:1", ""); status != http.StatusOK || strings.Contains(got, "address") || strings.Contains(got, "den") {
		t.Errorf("what a key for some rooms sees: %d %s", status, got)
	}
	_, got := h.ask("admin", "/sockets?user=bob&room=den", "")
	var found struct {
		Sockets []struct {
			ID, User, Address string
			Rooms             []string
		}
	}
	if err := json.Unmarshal([]byte(got), &found); err != nil || len(found.Sockets) != 2 {
		t.Fatalf("%v: %s", err, got)
	}
	for _, s := range found.Sockets {
		switch s.ID {
		case a1.ID():
			if s.User != "alice" || strings.Join(s.Rooms, " ") != "den news:1" || s.Address != "127.0.0.1" {
				t.Errorf("%+v", s)
			}
		case b.ID():
		default:
			t.Errorf("%+v is neither", s)
		}
	}
}

func TestSocketsAreMoved(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{}, nil)
	alice, a := h.enter("alice", "one")
	bob, b := h.enter("bob")
	h.answers("admin", "/join", `{"rooms":["one"],"sockets":["`+b.ID()+`"],"into":["two",3]}`, `{"ok":true}`)
	for _, s := range []*socketio.Socket{a, b} {
		if got := strings.Join(s.Rooms(), " "); !strings.Contains(got, "two") || !strings.Contains(got, "3") {
			t.Errorf("it is in %s", got)
		}
	}
	h.answers("admin", "/leave", `{"users":["alice"],"from":["two"]}`, `{"ok":true}`)
	if got := h.Of("/").RoomSize("two"); got != 1 {
		t.Errorf("two has %d", got)
	}
	h.answers("admin", "/disconnect", `{"users":["alice"]}`, `{"ok":true}`)
	alice.Expect("1")
	h.answers("admin", "/disconnect", `{"everyone":true,"close":true}`, `{"ok":true}`)
	bob.ExpectClose()
	for path, body := range map[string]string{
		"/join": `{"into":["a"]}`, "/leave": `{"rooms":["a"]}`, "/disconnect": `{"everyone":true,"rooms":["a"]}`,
	} {
		if status, got := h.ask("admin", path, body); status != http.StatusBadRequest {
			t.Errorf("%s %s: %d %s", path, body, status, got)
		}
	}
	if status, got := h.ask("admin", "/join", `{"everyone":true,"into":["sockeye:user:bob"]}`); status != http.StatusBadRequest {
		t.Errorf("the room of a user: %d %s", status, got)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{}, &socketio.Options{
		Recovery: socketio.Recovery{MaxDisconnection: time.Minute},
		History: func(_, room string) (socketio.HistoryLimits, bool) {
			return socketio.HistoryLimits{}, strings.HasPrefix(room, "news:")
		},
	})
	h.answers("admin", "/emit", `[{"event":"a","rooms":["news:1"],"args":[1]},{"event":"b","rooms":["news:1"]}]`, `{"accepted":2}`)
	type page struct {
		Messages []struct {
			Offset, Room, Event string
			Data                []any
			Time                int64
		}
		Offset   string
		Complete bool
		More     bool
	}
	read := func(query string) (p page) {
		t.Helper()
		status, got := h.ask("alice", "/history?room=news:1"+query, "")
		if err := json.Unmarshal([]byte(got), &p); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s", status, got)
		}
		return p
	}
	all := read("")
	if len(all.Messages) != 2 || all.Messages[0].Event != "a" || all.Messages[0].Room != "news:1" || len(all.Messages[0].Data) != 1 || !all.Complete {
		t.Fatalf("%+v", all)
	}
	if newest := read("&limit=1"); len(newest.Messages) != 1 || newest.Messages[0].Event != "b" || !newest.More {
		t.Errorf("the newest: %+v", newest)
	}
	if later := read("&since=" + all.Messages[0].Offset); len(later.Messages) != 1 || later.Messages[0].Event != "b" || !later.Complete {
		t.Errorf("later: %+v", later)
	}
	if none := read("&since=" + all.Offset); len(none.Messages) != 0 || !none.Complete {
		t.Errorf("nothing new: %+v", none)
	}
	for query, want := range map[string]int{"": http.StatusBadRequest, "?room=den": http.StatusForbidden, "?room=news:1&since=" + strings.Repeat("x", 65): http.StatusBadRequest} {
		if status, got := h.ask("alice", "/history"+query, ""); status != want {
			t.Errorf("%q: %d %s", query, status, got)
		}
	}
	if status, got := h.ask("admin", "/history?room=den", ""); status != http.StatusNotFound || !strings.Contains(got, "no_history") {
		t.Errorf("a room that keeps none: %d %s", status, got)
	}
}

func TestANamespaceForRolesIsNotLookedInto(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{RolesOf: func(string) []string { return []string{"editor"} }}, nil)
	if status, _ := h.ask("alice", "/presence?room=news:1", ""); status != http.StatusForbidden {
		t.Error(status)
	}
	if status, _ := h.ask("admin", "/presence?room=news:1", ""); status != http.StatusOK {
		t.Error(status)
	}
}

func TestWhoIsEndingSaysSo(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{Closing: func() bool { return true }}, nil)
	if status, got := h.ask("admin", "/emit", `{"event":"x"}`); status != http.StatusServiceUnavailable || !strings.Contains(got, `"retryAfter":1000`) {
		t.Errorf("%d %s", status, got)
	}
}

func TestHowMuchOneCallerMayAskAtOnce(t *testing.T) {
	t.Parallel()
	h := open(t, api.Options{Open: 1}, nil)
	one, _ := h.enter("alice")
	got := make(chan int, 1)
	go func() {
		status, _ := h.ask("admin", "/emit-with-ack", `{"event":"x"}`)
		got <- status
	}()
	f := one.Next().Text
	if status, text := h.ask("admin", "/rooms", ""); status != http.StatusTooManyRequests || !strings.Contains(text, "rate_limited") {
		t.Errorf("%d %s", status, text)
	}
	if status, _ := h.ask("other", "/rooms", ""); status != http.StatusOK {
		t.Error("somebody else had to wait")
	}
	one.Send("3" + f[1:strings.IndexByte(f, '[')] + `[]`)
	if status := sockettest.Receive(t, "the answer", got); status != http.StatusOK {
		t.Error(status)
	}
}

func FuzzEmit(f *testing.F) {
	for _, seed := range []string{
		`{"event":"x"}`, `[{"event":"x","rooms":["a",1]},{"event":"y","users":["b"],"key":"k"}]`, "{\"event\":\"x\"}\n{\"event\":\"y\"}",
		`{"event":"x","binary":true,"args":[{"base64":"aGk="},{"a":[{"base64":""}]}]}`, `[`, `{"event":"x","args":[{"_placeholder":true,"num":0}]}`,
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	h := open(f, api.Options{}, nil)
	c := sockettest.Dial(f, h.URL)
	c.Connect("/", "")
	stop, stopped := make(chan struct{}), make(chan struct{})
	f.Cleanup(func() { close(stop); <-stopped })
	go func() { // so that the outbox does not fill
		defer close(stopped)
		for {
			select {
			case <-c.Frames():
			case <-stop:
				return
			}
		}
	}()
	f.Fuzz(func(t *testing.T, body string, lines bool) {
		if body == "" {
			return
		}
		kind := "application/json"
		if lines {
			kind = "application/x-ndjson"
		}
		if status, got := (&house{h.Server, t, h.api}).ask("admin", "/emit", body, "Content-Type", kind); status >= 500 {
			t.Errorf("%q: %d %s", body, status, got)
		}
		if !c.Open() {
			t.Fatalf("%q ended the connection of a client", body)
		}
	})
}
