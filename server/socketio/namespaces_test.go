package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestNamespaceNamesGetTheirSlash(t *testing.T) {
	srv := serve(t, nil)
	if a, b := srv.Of("orders"), srv.Of("/orders"); a != b || a.Name() != "/orders" {
		t.Errorf("Of gives %q and %q", a.Name(), b.Name())
	}
	if srv.Of("") != srv.Of("/") {
		t.Error(`Of("") is not "/"`)
	}
}

func TestOneClientInManyNamespaces(t *testing.T) {
	srv := serve(t, nil)
	seen := make(chan string, 3)
	for _, name := range []string{"/", "/a", "/b"} {
		srv.Of(name).OnConnection(func(s *socketio.Socket) { seen <- s.Namespace().Name() })
	}
	c := sockettest.Dial(t, srv.URL)
	ids := map[string]bool{}
	for _, name := range []string{"/", "/a", "/b"} {
		ids[c.Connect(name, "").SID] = true
		if got := sockettest.Receive(t, "connection in "+name, seen); got != name {
			t.Errorf("connected to %s, want %s", got, name)
		}
	}
	if len(ids) != 3 {
		t.Errorf("ids %v: want one per namespace", ids)
	}
}

func TestSecondConnectToANamespaceEndsTheConnection(t *testing.T) {
	srv := serve(t, nil)
	reasons := make(chan socketio.DisconnectReason, 1)
	srv.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { reasons <- r })
	c, _ := join(t, srv)
	c.Send("0")
	c.ExpectClose()
	if r := sockettest.Receive(t, "disconnect", reasons); r.Reason != "forced server close" || r.Detail != "unexpected packet" {
		t.Errorf("reason %+v", r)
	}
}

func TestPacketToANamespaceNotJoinedEndsTheConnection(t *testing.T) {
	srv := serve(t, nil)
	srv.Of("/a")
	for _, packet := range []string{`2/a,["hi"]`, "1/a,", "3/a,1[]", "4/a,{}"} {
		c, _ := join(t, srv)
		c.Send(packet)
		c.ExpectClose()
	}
}

// A client cannot know that it was disconnected before it has heard of it.
func TestPacketToANamespaceTheServerEndedIsIgnored(t *testing.T) {
	srv := serve(t, nil)
	srv.Of("/a").OnConnection(func(s *socketio.Socket) { s.Disconnect(false) })
	c, _ := join(t, srv)
	c.Connect("/a", "")
	c.Expect("1/a,")
	c.Send(`2/a,["late"]`)
	c.Send("1/a,")
	c.Fence()
	c.Connect("/a", "") // and it may come back
	c.Expect("1/a,")
	c.Fence()
}

func TestRefusalsReachTheClient(t *testing.T) {
	srv := serve(t, nil)
	srv.Of("/plain").Use(func(context.Context, *socketio.Socket) error { return errors.New("go away") })
	srv.Of("/data").Use(func(context.Context, *socketio.Socket) error {
		return fmt.Errorf("checking: %w", &socketio.ConnectError{Message: "full", Data: map[string]int{"retry": 3}})
	})
	srv.Of("/panic").Use(func(context.Context, *socketio.Socket) error { panic("boom") })
	c := sockettest.Dial(t, srv.URL)
	for send, want := range map[string]string{
		"0/plain,": `4/plain,{"message":"go away"}`,
		"0/data,":  `4/data,{"data":{"retry":3},"message":"full"}`,
		"0/panic,": `4/panic,{"message":"internal error"}`,
	} {
		c.Send(send)
		c.Expect(want)
	}
	c.Connect("/", "")
	c.Fence()
}

func TestMiddlewareRunsInOrderAndSeesTheHandshake(t *testing.T) {
	srv := serve(t, nil)
	var trace []string
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		trace = append(trace, "one")
		s.SetData(s.Handshake().Query.Get("user"))
		return s.Join("from middleware")
	})
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		trace = append(trace, "two")
		if s.Connected() {
			t.Error("connected before middleware is through")
		}
		return s.Emit("early", 1)
	})
	connected := make(chan *socketio.Socket, 1)
	srv.OnConnection(func(s *socketio.Socket) { connected <- s })
	c := sockettest.Dial(t, srv.URL+"/?user=ann")
	c.Send(`0{"token":"t"}`)
	if f := c.Next(); !strings.HasPrefix(f.Text, `0{"sid":`) {
		t.Fatalf("got %q", f.Text)
	}
	c.Expect(`2["early",1]`)
	s := sockettest.Receive(t, "connection", connected)
	if strings.Join(trace, " ") != "one two" {
		t.Errorf("order: %v", trace)
	}
	h := s.Handshake()
	var auth struct{ Token string }
	if err := h.Auth.Decode(&auth); err != nil || auth.Token != "t" {
		t.Errorf("auth %+v, %v", auth, err)
	}
	if s.Data() != "ann" || h.Address != "127.0.0.1" || h.Secure || h.XDomain || h.Issued != h.Time.UnixMilli() {
		t.Errorf("handshake %+v, data %v", h, s.Data())
	}
	if rooms := s.Rooms(); len(rooms) != 2 || rooms[0] != s.ID() || rooms[1] != "from middleware" {
		t.Errorf("rooms %v", rooms)
	}
}

func TestDynamicNamespaces(t *testing.T) {
	srv := serve(t, nil)
	made := make(chan string, 10)
	srv.OnNewNamespace(func(n *socketio.Namespace) { made <- n.Name() })
	parent := srv.OfPattern(regexp.MustCompile(`^/dynamic-\d+$`))
	parent.Use(func(_ context.Context, s *socketio.Socket) error {
		if s.Namespace().Name() == "/dynamic-13" {
			return errors.New("unlucky")
		}
		return nil
	})
	parent.OnConnection(func(s *socketio.Socket) { _ = s.Emit("hello", s.Namespace().Name()) })
	srv.OfFunc(func(_ context.Context, name string, h *socketio.Handshake) bool {
		var auth struct{ Secret string }
		return name == "/secret" && h.Auth.Decode(&auth) == nil && auth.Secret == "s"
	})
	srv.OfFunc(func(_ context.Context, name string, _ *socketio.Handshake) bool {
		if name == "/panic" {
			panic("boom")
		}
		return false
	})

	c := sockettest.Dial(t, srv.URL)
	c.Connect("/dynamic-1", "")
	c.Expect(`2/dynamic-1,["hello","/dynamic-1"]`)
	if got := sockettest.Receive(t, "new namespace", made); got != "/dynamic-1" {
		t.Errorf("new namespace %s", got)
	}
	c.Send("0/dynamic-13,")
	c.Expect(`4/dynamic-13,{"message":"unlucky"}`)
	c.Send("0/static,")
	c.Expect(`4/static,{"message":"Invalid namespace"}`)
	c.Send("0/panic,")
	c.Expect(`4/panic,{"message":"Invalid namespace"}`)
	c.Send("0/secret,")
	c.Expect(`4/secret,{"message":"Invalid namespace"}`)
	c.Connect("/secret", `{"secret":"s"}`)

	if err := parent.Emit("all", 1); err != nil {
		t.Fatal(err)
	}
	c.Expect(`2/dynamic-1,["all",1]`)
	if _, err := parent.To("x").FetchSockets(t.Context()); !errors.Is(err, socketio.ErrUnsupported) {
		t.Errorf("FetchSockets on a parent: %v", err)
	}
	if n := srv.Of("/dynamic-7"); len(parent.Children()) != 3 || n.Name() != "/dynamic-7" {
		t.Errorf("children: %d", len(parent.Children()))
	}
}

func TestEmptyChildNamespacesAreCleanedUp(t *testing.T) {
	for _, cleanup := range []bool{true, false} {
		srv := serve(t, &socketio.Options{CleanupEmptyChildNamespaces: cleanup})
		parent := srv.OfPattern(regexp.MustCompile(`^/d\d$`))
		gone := make(chan struct{}, 2)
		parent.OnDisconnect(func(*socketio.Socket, socketio.DisconnectReason) { gone <- struct{}{} })
		refuse := srv.OfPattern(regexp.MustCompile(`^/r\d$`))
		refuse.Use(func(context.Context, *socketio.Socket) error { return errors.New("no") })

		a, b := sockettest.Dial(t, srv.URL), sockettest.Dial(t, srv.URL)
		a.Connect("/d1", "")
		b.Connect("/d1", "")
		a.Send("1/d1,")
		sockettest.Receive(t, "disconnect", gone)
		if len(parent.Children()) != 1 {
			t.Errorf("cleanup %v: the namespace went with the first of two sockets", cleanup)
		}
		b.Send("1/d1,")
		sockettest.Receive(t, "disconnect", gone)
		a.Send("0/r1,")
		a.Expect(`4/r1,{"message":"no"}`)
		want := 1
		if cleanup {
			want = 0
		}
		sockettest.Eventually(t, fmt.Sprintf("cleanup %v: %d children each", cleanup, want), func() bool {
			return len(parent.Children()) == want && len(refuse.Children()) == want
		})
		a.Connect("/d1", "")
	}
}

func TestNamespacesPerConnectionAreBounded(t *testing.T) {
	srv := serve(t, &socketio.Options{MaxNamespaces: 3})
	srv.OfPattern(regexp.MustCompile(`^/n\d+$`))
	c := sockettest.Dial(t, srv.URL)
	for i := range 3 {
		c.Connect(fmt.Sprintf("/n%d", i), "")
	}
	c.Send("0/n3,")
	c.Expect(`4/n3,{"data":{"code":"too_many_namespaces","message":"too many namespaces"},"message":"too many namespaces"}`)
	c.Send("1/n0,")
	c.Connect("/n3", "")

	flood := sockettest.Dial(t, srv.URL)
	for i := range 5000 {
		flood.Send(fmt.Sprintf("0/n%d,", i))
	}
	refused := 0
	for range 5000 {
		if strings.HasPrefix(flood.Next().Text, "4") {
			refused++
		}
	}
	if refused != 4997 {
		t.Errorf("%d of 5000 refused, want 4997", refused)
	}
}

// The official client sends a second CONNECT when it was told to disconnect and
// connect again before the first was answered.
func TestSecondConnectReplacesAPendingOne(t *testing.T) {
	srv := serve(t, nil)
	entered := make(chan context.Context, 2)
	release := make(chan struct{})
	srv.Of("/slow").Use(func(ctx context.Context, s *socketio.Socket) error {
		var auth struct{ N int }
		_ = s.Handshake().Auth.Decode(&auth)
		if auth.N == 1 {
			entered <- ctx
			<-release
		}
		return nil
	})
	c, _ := join(t, srv)
	c.Send(`0/slow,{"n":1}`)
	first := sockettest.Receive(t, "first connect", entered)
	c.Connect("/slow", `{"n":2}`)
	sockettest.Receive(t, "end of the first one's context", first.Done())
	close(release)
	c.Fence()
	sockettest.Eventually(t, "one socket", func() bool { return srv.Of("/slow").Len() == 1 })
	c.Fence()
}

func TestMiddlewareContextEndsWithTheConnection(t *testing.T) {
	srv := serve(t, nil)
	entered := make(chan context.Context, 1)
	srv.Use(func(ctx context.Context, _ *socketio.Socket) error {
		entered <- ctx
		<-ctx.Done()
		return nil
	})
	srv.OnConnection(func(*socketio.Socket) { t.Error("connected although the client had gone") })
	c := sockettest.Dial(t, srv.URL)
	c.Send("0")
	ctx := sockettest.Receive(t, "middleware", entered)
	c.Cut()
	sockettest.Receive(t, "end of the context", ctx.Done())
}
