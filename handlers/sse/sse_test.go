package sse_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/handlers/sse"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// TestAStreamSaysWhatIsSaidInItsRooms, by HTTP/1.1 and HTTP/2.
func TestAStreamSaysWhatIsSaidInItsRooms(t *testing.T) {
	for name, secure := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(name, func(t *testing.T) {
			h := open(t, &plan{secure: secure})
			s := h.events("room=a&room=b&room=a", "Origin", "https://app.example.com")
			for header, want := range map[string]string{
				"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no",
				"Access-Control-Allow-Origin": "https://app.example.com", "Access-Control-Allow-Credentials": "true",
			} {
				if got := s.Resp.Header.Get(header); got != want {
					t.Errorf("%s: %q, want %q", header, got, want)
				}
			}
			if s.Resp.Proto != name || s.Resp.StatusCode != http.StatusOK {
				t.Fatalf("answered with %s %s", s.Resp.Proto, s.Resp.Status)
			}
			first, _ := s.Read()
			if ms, err := strconv.Atoi(first.Retry); err != nil || ms < 1000 || ms >= 5000 {
				t.Errorf("the stream begins with %+v", first)
			}
			s.Expect(sse.ReadyEvent, `{"rooms":["a","b"],"offset":""}`)
			h.say("a", "one")
			h.say("c", "not for it")
			h.say("b", "two", 2)
			if err := h.Of("/").Emit("all"); err != nil {
				t.Fatal(err)
			}
			s.Expect("msg", `"one"`)
			s.Expect("msg", `["two",2]`)
			if e := s.Expect("all", `[]`); e.ID != "" {
				t.Errorf("what no room has got an id: %+v", e)
			}
			enveloped := h.ready("room=a&envelope=1")
			h.say("a", []byte{1, 2})
			s.Expect("msg", `{"base64":"AQI="}`)
			enveloped.Expect("msg", `{"type":"event","room":"a","event":"msg","data":[{"base64":"AQI="}]}`)
			h.ready("") // is for what is said to all
			for _, stream := range []*sockettest.Stream{s, enveloped} {
				stream.Cut()
			}
			sockettest.Eventually(t, "their sockets are gone", func() bool { return h.Of("/").Len() == 1 })
		})
	}
}

// TestTheFirstBytesAreEnoughForWhatBuffers, and no two readers come back at once.
func TestTheFirstBytesAreEnoughForWhatBuffers(t *testing.T) {
	h := open(t, &plan{})
	s := h.events("room=a")
	first := make([]byte, 2048)
	if _, err := io.ReadFull(s.Resp.Body, first); err != nil || !strings.HasPrefix(string(first), ": .") {
		t.Fatalf("the stream begins with %q, %v", first, err)
	}
	after := map[string]bool{}
	for range 5 {
		e, _ := h.events("room=a").Read()
		after[e.Retry] = true
	}
	if len(after) < 2 {
		t.Errorf("five streams have the same retry: %v", after)
	}
}

// TestAReaderIsAmongTheOthers: it is a socket, hears what Socket.IO clients say, in their
// order, and is sent away like them.
func TestAReaderIsAmongTheOthers(t *testing.T) {
	h := open(t, &plan{})
	s := h.ready("room=r")
	io := rawclient.Dial(t, h.URL, "/", nil)
	io.Call("join", "r")
	for i := range 100 {
		io.Emit("say", "r", i)
	}
	for i := range 100 {
		s.Expect("msg", strconv.Itoa(i))
	}
	socks, err := h.FetchSockets(t.Context())
	if err != nil || len(socks) != 2 {
		t.Fatalf("fetched %d sockets, %v", len(socks), err)
	}
	for _, one := range h.Of("/").Sockets() {
		if one.Conn().Transport() == "event-stream" {
			one.End("blocked", "go away")
		}
	}
	s.Expect(socketio.EndEvent, `{"code":"blocked","message":"go away"}`)
	s.ExpectEnd()
}

// TestWhoIsRefused is answered with a problem, which a page of an allowed origin can read.
func TestWhoIsRefused(t *testing.T) {
	h := open(t, &plan{strict: true, maxRooms: 3})
	h.desk.Give("good", "ann", 0)
	h.desk.Give("old", "ann", -time.Second)
	for query, want := range map[string]string{
		"room=public:a":                                                       "401 unauthorized",
		"room=public:a&ticket=bad":                                            "401 invalid_token",
		"room=public:a&ticket=old":                                            "401 token_expired",
		"room=private&ticket=good":                                            "403 forbidden",
		"room=public:a&room=private&ticket=good":                              "403 forbidden",
		"room=sockeye:user:ann&ticket=good":                                   "400 room_reserved",
		"room=&ticket=good":                                                   "400 bad_room",
		"rooms=public:a&ticket=good":                                          "400 bad_room",
		"room=" + strings.Repeat("x", 300) + "&ticket=good":                   "400 bad_room",
		"room=public:a&room=public:b&room=public:c&room=public:d&ticket=good": "400 too_many_rooms",
		"room=public:a&envelope=yes&ticket=good":                              "400 bad_request",
		"room=public:a&since=a+b&ticket=good":                                 "400 bad_request",
		"room=public:a&since=&limit=1001&ticket=good":                         "400 bad_request",
		"room=public:a&since=" + strings.Repeat("1", 65) + "&ticket=good":     "400 bad_request",
		"room=public:a&namespace=none&ticket=good":                            "404 unknown_namespace",
	} {
		s := h.events(query, "Origin", "https://app.example.com")
		var body struct {
			Status int
			Error  struct{ Code, Message string }
		}
		if err := json.NewDecoder(s.Resp.Body).Decode(&body); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		got := fmt.Sprint(s.Resp.StatusCode, " ", body.Error.Code)
		if got != want || body.Status != s.Resp.StatusCode || body.Error.Message == "" || s.Resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s %+v, want %s", query, got, body, want)
		}
		if s.Resp.Header.Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("%s: no page can read why", query)
		}
		if (s.Resp.Header.Get("WWW-Authenticate") != "") != (s.Resp.StatusCode == http.StatusUnauthorized) {
			t.Errorf("%s: WWW-Authenticate is %q", query, s.Resp.Header.Get("WWW-Authenticate"))
		}
	}
	if s := h.events("room=public:a&ticket=good", "Origin", "https://elsewhere.example.com"); s.Resp.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another origin got %s", s.Resp.Status)
	}
	for _, shown := range [][]string{{"Cookie", "session=good"}, {"Authorization", "Bearer good"}} {
		h.ready("room=public:a", shown...)
	}
	sockettest.Eventually(t, "only those are there", func() bool { return h.Engine().Len() == 2 })
}

// TestOtherMethods are answered with what there is.
func TestOtherMethods(t *testing.T) {
	h := open(t, &plan{})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for method, status := range map[string]int{http.MethodPost: 405, http.MethodHead: 405, http.MethodDelete: 405, http.MethodOptions: 204} {
		req, err := http.NewRequestWithContext(t.Context(), method, h.URL+sse.Path+"?room=a", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://app.example.com")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status || status == 405 && resp.Header.Get("Allow") != "GET, OPTIONS" {
			t.Errorf("%s: %s, Allow: %q", method, resp.Status, resp.Header.Get("Allow"))
		}
	}
}

// TestRoomsAreEnteredByTheRulesOfTheRelay: a way in has no more rooms than another.
func TestRoomsAreEnteredByTheRulesOfTheRelay(t *testing.T) {
	no := false
	h := open(t, &plan{relay: relay.Config{Contract: &no, Reserved: []string{"/own"}, Namespaces: map[string]relay.Rules{
		"/quiet": {"shout": {To: relay.ToAll}},
		"/game": {
			"enter": {Do: relay.DoJoin, Rooms: auth.Patterns{"table:*"}},
			"watch": {Do: relay.DoJoin, Rooms: auth.Patterns{"office"}, Roles: []string{"staff"}},
		},
	}}})
	h.Of("/own")
	for query, want := range map[string]int{
		"namespace=/quiet":              200,
		"namespace=/quiet&room=a":       403,
		"namespace=/own&room=a":         403,
		"room=a":                        403,
		"namespace=game&room=table:1":   200,
		"namespace=/game&room=office":   403,
		"namespace=/game&room=anywhere": 403,
	} {
		s := h.events(query)
		if s.Resp.StatusCode != want {
			t.Errorf("%s: %s, want %d", query, s.Resp.Status, want)
		}
		s.Cut()
	}
}

// TestTheEndOfATicket: the reader is told before and when it comes, and what comes back
// with the same ticket is refused.
func TestTheEndOfATicket(t *testing.T) {
	h := open(t, &plan{strict: true})
	h.desk.Give("brief", "ann", 300*time.Millisecond)
	h.desk.Give("long", "bob", 0)
	ann, bob := h.ready("room=public:a&ticket=brief"), h.ready("room=public:a&ticket=long")
	if e := ann.Next(); e.Name != "auth:expiring" || !strings.HasPrefix(e.Data, `{"expires":`) {
		t.Errorf("got %+v", e)
	}
	if e := ann.Next(); e.Name != socketio.EndEvent || !strings.Contains(e.Data, `"token_expired"`) {
		t.Errorf("got %+v", e)
	}
	ann.ExpectEnd()
	if s := h.events("room=public:a&ticket=brief"); s.Resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("the same ticket was answered with %s", s.Resp.Status)
	}
	h.desk.Hear("bob", auth.Block{Reason: "be nice"})
	if e := bob.Next(); e.Name != socketio.EndEvent || !strings.Contains(e.Data, `"blocked"`) {
		t.Errorf("got %+v", e)
	}
	bob.ExpectEnd()
}

// TestTooMany: connections of one address are counted, and who comes too fast is told when
// to come again.
func TestTooMany(t *testing.T) {
	h := open(t, &plan{limits: limit.Options{IPConnections: 2, IPHandshakes: limit.Rate{PerSecond: 0.1, Burst: 4}}})
	a, b := h.ready("room=a"), h.ready("room=a")
	if s := h.events("room=a"); s.Resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the third stream was answered with %s", s.Resp.Status)
	}
	a.Cut()
	b.Cut()
	sockettest.Eventually(t, "they are gone", func() bool { return h.Engine().Len() == 0 })
	var last *sockettest.Stream
	for range 10 {
		if last = h.events("room=a"); last.Resp.StatusCode != http.StatusOK {
			break
		}
		last.Cut()
	}
	if last.Resp.StatusCode != http.StatusTooManyRequests || last.Resp.Header.Get("Retry-After") == "" {
		t.Errorf("too many in a row were answered with %s, Retry-After: %q", last.Resp.Status, last.Resp.Header.Get("Retry-After"))
	}
}

// TestAReaderThatStopsReadingIsEnded, and keeps nobody else from reading.
func TestAReaderThatStopsReadingIsEnded(t *testing.T) {
	h := open(t, &plan{engine: engineio.Options{OutboxLimit: 1 << 10, OutboxMax: 256 << 10}})
	h.events("room=r") // of which no byte is read
	other := h.ready("room=r")
	sockettest.Eventually(t, "both are in the room", func() bool {
		in := 0
		for _, s := range h.Of("/").Sockets() {
			if slices.Contains(s.Rooms(), "r") {
				in++
			}
		}
		return in == 2
	})
	text, said := strings.Repeat("x", 32<<10), 0
	for h.Of("/").Len() == 2 {
		h.say("r", text)
		other.Expect("msg", `"`+text+`"`)
		if said++; said > 10_000 {
			t.Fatal("it goes on")
		}
	}
	if r := sockettest.Receive(t, "the end", h.ends); r.Detail != string(engineio.DetailOutboxOverflow) && r.Detail != string(engineio.DetailSlowReader) {
		t.Errorf("it ended with %v", r)
	}
	h.say("r", "still here")
	other.Expect("msg", `"still here"`)
}
