package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/internal/rawclient"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestABackendLetsClientsInAndSaysWhoTheyAre(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.connect = func(*asked) answer {
		return says(`{"allow":true,"user":{"id":"ann","name":"Ann","roles":["mod"],"data":{"x":1}},
			"rooms":["lobby","news"],"data":{"seat":7},"emit":[{"event":"joined","args":["ann"]}]}`)
	}
	r := serve(t, b.URL, func(h *Hook, _ *socketio.Options) { h.Headers = []string{"cookie"} })
	c := rawclient.Dial(t, r.url, "/", map[string]string{"name": "Ann"})
	if got := c.Next("joined"); string(got.Args[0]) != `"ann"` {
		t.Errorf("joined %s", got.Args)
	}
	s, ok := r.Of("/").Socket(c.ID())
	if !ok {
		t.Fatal("the socket is not there")
	}
	p := auth.Of(s)
	if p.ID != "ann" || p.Name != "Ann" || !p.HasRole("mod") || p.Method != auth.MethodWebhook || string(p.Data) != `{"x":1}` {
		t.Errorf("principal %+v", p)
	}
	if got := roomsOf(s); strings.Join(got, " ") != "lobby news" {
		t.Errorf("in %v", got)
	}
	var data struct{ Seat int }
	if err := s.DecodeData(&data); err != nil || data.Seat != 7 {
		t.Errorf("data %+v, %v", data, err)
	}
	if err := r.Of("/").ToUser("ann").Emit("you"); err != nil {
		t.Fatal(err)
	}
	c.Next("you")

	c.Call("say", 1)
	a := b.await("the event", ofCall(Event))
	if a.User == nil || a.User.ID != "ann" || a.User.Method != "webhook" || string(a.Data) != `{"seat":7}` || strings.Join(a.Rooms, " ") != "lobby news" {
		t.Errorf("told %s", a.body)
	}
}

func TestWhatABackendIsToldOfAConnect(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	r := serve(t, b.URL, func(h *Hook, _ *socketio.Options) { h.Headers = []string{"x-tenant", "Cookie"} })
	c := rawclient.DialWith(t, r.url, "/", map[string]string{"name": "Ann"}, "lang=de",
		http.Header{"X-Tenant": {"acme"}, "Cookie": {"a=1"}, "X-Other": {"2"}})
	a := b.await("the connect", ofCall(Connect))
	h := a.Handshake
	if a.Socket != c.ID() || a.Namespace != "/" || a.User != nil || a.Recovered || time.Since(time.UnixMilli(a.Time)).Abs() > time.Minute {
		t.Errorf("told %s", a.body)
	}
	if h.Address != "127.0.0.1" || h.Secure || string(h.Auth) != `{"name":"Ann"}` || h.Query["lang"] != "de" || len(h.Query) != 1 {
		t.Errorf("handshake %+v", h)
	}
	if h.Headers["x-tenant"] != "acme" || h.Headers["cookie"] != "a=1" || h.Headers["x-other"] != "" {
		t.Errorf("headers %v", h.Headers)
	}
	if a.header.Get(CallHeader) != "connect" || len(a.header.Get(DeliveryHeader)) < 20 || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", a.header)
	}
}

func TestABackendRefusesClients(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		answer        answer
		message, data string
	}{
		"with a message":   {says(`{"allow":false,"message":"not you"}`), "not you", `{"code":"refused","message":"not you"}`},
		"with more":        {says(`{"allow":false,"message":"no","code":"full","data":{"seats":3}}`), "no", `{"code":"full","message":"no","seats":3}`},
		"with a list":      {says(`{"allow":false,"message":"no","data":[1]}`), "no", `{"code":"refused","data":[1],"message":"no"}`},
		"without a word":   {says(`{"allow":false}`), "you may not connect", `{"code":"refused","message":"you may not connect"}`},
		"by status":        {answer{403, `{"message":"members only","code":"members","statusCode":403}`}, "members only", `{"code":"members","message":"members only"}`},
		"code is not ours": {says(`{"allow":false,"message":"no","data":{"code":"x","message":"y"}}`), "no", `{"code":"refused","message":"no"}`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newApp(t)
			b.connect = func(*asked) answer { return c.answer }
			r := serve(t, b.URL, nil)
			client := rawclient.Dial(t, r.url, "/", nil)
			refused := client.Refused()
			if refused == nil || refused.Message != c.message || string(refused.Data) != c.data {
				t.Errorf("refused with %+v, want %s %s", refused, c.message, c.data)
			}
			if r.counted.of("connect refused")+r.counted.of("connect ok") != 1 {
				t.Errorf("counted %v", r.counted.outcomes)
			}
		})
	}
}

// What a backend gets wrong in the answer to a connect.
func TestBadAnswersToConnect(t *testing.T) {
	t.Parallel()
	for what, a := range map[string]answer{
		"nothing":            says(``),
		"no allow":           says(`{"rooms":["a"]}`),
		"a page":             says(`<html>`),
		"null":               says(`null`),
		"an unknown member":  says(`{"allow":true,"room":"a"}`),
		"two objects":        says(`{"allow":true}{"allow":false}`),
		"a user without id":  says(`{"allow":true,"user":{"name":"ann"}}`),
		"the server's room":  says(`{"allow":true,"rooms":["sockeye:user:ann"]}`),
		"rooms of a refused": says(`{"allow":false,"rooms":["a"]}`),
		"a message for one":  says(`{"allow":true,"message":"hello"}`),
		"an event of ours":   says(`{"allow":true,"emit":[{"event":"sockeye:end"}]}`),
		"a redirect":         {302, ``},
		"a page of 404":      {404, `<html>`},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := newApp(t)
			b.connect = func(*asked) answer { return a }
			r := serve(t, b.URL, func(h *Hook, _ *socketio.Options) { h.WhenDown = Refuse })
			refused := rawclient.Dial(t, r.url, "/", nil).Refused()
			if refused == nil || !strings.Contains(string(refused.Data), `"code":"bad_answer"`) {
				t.Errorf("refused with %+v", refused)
			}
			if r.counted.of("connect bad_answer") != 1 || !strings.Contains(r.log.String(), "outcome=bad_answer") {
				t.Errorf("counted %v, logged %s", r.counted.outcomes, r.log)
			}
		})
	}
}

func TestWhoConnectsWhileTheBackendIsDownIsLetGoToComeBack(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.connect = func(*asked) answer { return answer{503, ""} }
	r := serve(t, b.URL, nil)
	c := sockettest.Dial(t, r.url)
	c.Send("0")
	c.ExpectClose()
	c.ExpectNothing() // after CONNECT_ERROR the official client would not come back

	refusing := serveConfig(t, Config{"/": {URL: b.URL, Secret: Secrets{secret}, WhenDown: Refuse}}, &socketio.Options{}, nil)
	refused := rawclient.Dial(t, refusing.url, "/", nil).Refused()
	if refused == nil || !strings.Contains(string(refused.Data), `"code":"backend_unavailable"`) {
		t.Errorf("refused with %+v", refused)
	}
}

func TestWhoIsInAnotherNamespaceKeepsIt(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.connect = func(*asked) answer { return answer{503, ""} }
	r := serveConfig(t, Config{"/app": {URL: b.URL, Secret: Secrets{secret}}}, &socketio.Options{}, func(srv *socketio.Server, _ *Hooks) {
		srv.Of("/").On("fence", func(_ context.Context, e *socketio.Event) { _ = e.Ack() })
	})
	c := sockettest.Dial(t, r.url)
	c.Connect("/", "")
	c.Send("0/app,")
	if got := c.Next().Text; !strings.HasPrefix(got, "4/app,") || !strings.Contains(got, "backend_unavailable") {
		t.Errorf("got %s", got)
	}
	c.Send(`21["fence"]`)
	c.Expect(`31[]`)
}

func TestWhoIsRecoveredIsAskedAboutAgain(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.connect = func(a *asked) answer {
		var who struct{ Name string }
		_ = json.Unmarshal(a.Handshake.Auth, &who)
		return says(`{"allow":true,"user":{"id":%q}}`, who.Name)
	}
	r := serve(t, b.URL, func(_ *Hook, o *socketio.Options) {
		o.Recovery = socketio.Recovery{MaxDisconnection: time.Minute, SkipMiddleware: true}
		o.Adapter = memory.New()
	})
	c := rawclient.Dial(t, r.url, "/", map[string]string{"name": "ann"})
	if err := r.Of("/").Emit("tick"); err != nil {
		t.Fatal(err)
	}
	c.Next("tick")
	pid, offset := c.Session()
	c.Close()
	b.await("the end", ofCall(Disconnect))
	again := rawclient.Dial(t, r.url, "/", map[string]string{"name": "ann", "pid": pid, "offset": offset})
	if again.ID() != c.ID() {
		t.Error("not recovered")
	}
	a := b.await("the recovered client", func(a *asked) bool { return a.Recovered })
	if a.Socket != c.ID() || strings.Contains(string(a.body), pid) || string(a.Handshake.Auth) != `{"name":"ann"}` {
		t.Errorf("told %s", a.body)
	}
	again.Close()
	other := rawclient.Dial(t, r.url, "/", map[string]string{"name": "bob", "pid": pid, "offset": offset})
	if other.ID() == c.ID() {
		t.Error("another user got the session")
	}
}

// Emits of an answer are for nobody if somebody else refuses the client after all.
func TestEmitsOfAConnectWaitUntilTheClientIsIn(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.connect = func(a *asked) answer {
		return says(`{"allow":true,"emit":[{"event":"joined","args":[%q]}]}`, a.Socket)
	}
	var hooks *Hooks
	r := serveConfig(t, Config{"/": {URL: b.URL, Secret: Secrets{secret}}}, &socketio.Options{}, func(srv *socketio.Server, h *Hooks) {
		hooks = h
		srv.Of("/").Use(func(_ context.Context, s *socketio.Socket) error {
			var who struct{ No bool }
			if _ = s.Handshake().Auth.Decode(&who); who.No {
				return &socketio.ConnectError{Message: "no"}
			}
			return nil
		})
	})
	first := rawclient.Dial(t, r.url, "/", nil)
	first.Next("joined")
	if refused := rawclient.Dial(t, r.url, "/", map[string]bool{"no": true}).Refused(); refused == nil {
		t.Fatal("not refused")
	}
	last := rawclient.Dial(t, r.url, "/", nil)
	if got := first.Next("joined"); string(got.Args[0]) != `"`+last.ID()+`"` {
		t.Errorf("heard of %s", got.Args)
	}
	sockettest.Eventually(t, "the refused one is forgotten", func() bool {
		kept := 0
		hooks.entering.Range(func(any, any) bool { kept++; return true })
		return kept == 0
	})
}

// A client without Socket.IO is told, and not only cut off.
func TestPlainClientsAreToldThatTheBackendIsDown(t *testing.T) {
	t.Parallel()
	b := newApp(t)
	b.connect = func(*asked) answer { return answer{503, ""} }
	r := serve(t, b.URL, nil)
	refused := make(chan error, 1)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		refused <- r.ServeGuest(w, req, &socketio.GuestOptions{Kind: socketio.GuestStream})
	}))
	defer web.Close()
	res, err := web.Client().Get(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if p := problem.Of(<-refused); p.Status != http.StatusServiceUnavailable || p.Code != "backend_unavailable" || p.RetryAfter != 2*time.Second {
		t.Errorf("refused with %+v", p)
	}
}
