package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func recovering(t *testing.T, change func(o *socketio.Options)) *sockettest.Server {
	t.Helper()
	o := &socketio.Options{Adapter: memory.New(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute}}
	if change != nil {
		change(o)
	}
	return serve(t, o)
}

// returning is a client of a server with recovery, that remembers like the
// official one.
type returning struct {
	*sockettest.Client
	t      *testing.T
	srv    *sockettest.Server
	answer sockettest.Answer
	offset string
}

func arrive(t *testing.T, srv *sockettest.Server) *returning {
	t.Helper()
	r := &returning{t: t, srv: srv}
	r.Client, r.answer = join(t, srv)
	if len(r.answer.PID) != 40 || r.answer.PID == r.answer.SID+r.answer.SID {
		t.Fatalf("answer %+v", r.answer)
	}
	return r
}

var trailing = regexp.MustCompile(`^(2.*),"([^"]*)"\]$`)

// event expects an event, given without its offset.
func (r *returning) event(want string) {
	r.t.Helper()
	f := r.Next()
	m := trailing.FindStringSubmatch(f.Text)
	if m == nil || m[1]+"]" != want {
		r.t.Fatalf("got %q, want %q and an offset", f.Text, want)
	}
	r.offset = m[2]
}

// cut breaks the connection and waits until the server has noticed.
func (r *returning) cut() {
	r.t.Helper()
	s, ok := r.srv.Of("/").Socket(r.answer.SID)
	r.Cut()
	if ok {
		sockettest.Receive(r.t, "the end of the socket", s.Context().Done())
	}
}

// back connects again, as the official client does, and says whether it was
// recovered.
func (r *returning) back() bool {
	r.t.Helper()
	r.Client = sockettest.Dial(r.t, r.srv.URL)
	auth := fmt.Sprintf(`{"pid":%q,"offset":%q}`, r.answer.PID, r.offset)
	if r.offset == "" {
		auth = fmt.Sprintf(`{"pid":%q}`, r.answer.PID)
	}
	old := r.answer
	r.answer = r.Connect("/", auth)
	recovered := r.answer.PID == old.PID
	if recovered != (r.answer.SID == old.SID) {
		r.t.Fatalf("was %+v, is %+v", old, r.answer)
	}
	if got := socketOf(r.t, r.srv, r.answer).Recovered(); got != recovered {
		r.t.Fatalf("Recovered says %v", got)
	}
	return recovered
}

func (r *returning) fence() {
	r.t.Helper()
	r.Fence()
}

func TestReturningClientGetsWhatItMissed(t *testing.T) {
	srv := recovering(t, nil)
	r := arrive(t, srv)
	s := socketOf(t, srv, r.answer)
	if id := regexp.MustCompile(`^[A-Za-z0-9_-]{20}$`); len(r.answer.PID) != 40 || !id.MatchString(r.answer.PID[20:]) || !id.MatchString(r.answer.SID) || r.answer.PID[20:] == r.answer.SID {
		t.Errorf("ids %q and %q", r.answer.SID, r.answer.PID)
	}
	_ = s.Join("room", "left later")
	s.SetData(map[string]int{"n": 1})
	_ = srv.Emit("first", 1)
	r.event(`2["first",1]`)
	s.Leave("left later")
	r.cut()

	_ = srv.Emit("all", 1, []byte{7})
	_ = srv.To("room").Emit("room", map[string]int{"a": 1})
	_ = srv.To(r.answer.SID).Emit("own")
	_ = srv.To("elsewhere").Emit("not mine")
	_ = srv.To("left later").Emit("not mine")
	_ = srv.Except("room").Emit("not mine")
	_ = srv.Volatile().Emit("volatile")
	_ = srv.Local().Emit("local")
	go func() { _, _ = srv.Timeout(time.Second).EmitWithAck(context.Background(), "acked") }()
	_ = srv.To("room", "elsewhere").Except("other").Emit("last", "string")

	if !r.back() {
		t.Fatal("not recovered")
	}
	f := r.Next()
	if !strings.HasPrefix(f.Text, `51-["all",1,{"_placeholder":true,"num":0},"`) {
		t.Errorf("got %q", f.Text)
	}
	r.ExpectBinary("\x07")
	r.event(`2["room",{"a":1}]`)
	r.event(`2["own"]`)
	r.event(`2["last","string"]`)
	r.fence()
	now := socketOf(t, srv, r.answer)
	if d, ok := now.Data().(map[string]int); !ok || d["n"] != 1 {
		t.Errorf("data %v", now.Data())
	}
	if got := now.Rooms(); len(got) != 2 || got[1] != "room" {
		t.Errorf("rooms %q", got)
	}
	_ = srv.To("room").Emit("live")
	r.event(`2["live"]`)
}

// The first trap of the client: it takes any trailing string for an offset.
func TestEveryEventWithoutAckEndsInAnOffset(t *testing.T) {
	srv := recovering(t, nil)
	r := arrive(t, srv)
	s := socketOf(t, srv, r.answer)
	_ = s.Emit("kept", "text")
	r.event(`2["kept","text"]`)
	position := r.offset
	for i, emit := range []func(string, ...any) error{
		s.Volatile().Emit, srv.Volatile().Emit, srv.Local().Emit, srv.To(s.ID()).Local().Emit,
	} {
		var text string
		sockettest.Eventually(t, "a volatile event", func() bool { // a busy client gets none
			if err := emit("n", "text"); err != nil {
				t.Fatal(err)
			}
			select {
			case f := <-r.Frames():
				text = f.Text
				return true
			case <-time.After(50 * time.Millisecond):
				return false
			}
		})
		if want := `2["n","text","` + position + `"]`; text != want {
			t.Errorf("%d: got %q, want %q with the position repeated", i, text, want)
		}
	}
	go func() { _, _ = s.EmitWithAck(context.Background(), "ask", "text") }()
	r.Expect(`20["ask","text"]`)
	go func() { _, _ = srv.EmitWithAck(context.Background(), "ask", "text") }()
	r.Expect(`21["ask","text"]`)
	r.cut()
	if !r.back() {
		t.Error("not recovered")
	}
	r.fence()
}

// The second trap: it keeps its offset when it gets a new session.
func TestOffsetOlderThanTheSessionCountsAsItsStart(t *testing.T) {
	srv := recovering(t, nil)
	r := arrive(t, srv)
	_ = srv.Emit("one")
	r.event(`2["one"]`)
	socketOf(t, srv, r.answer).Disconnect(false)
	r.Expect("1")
	_ = srv.Emit("before the new session")
	if r.back() {
		t.Fatal("a client that was sent away was recovered")
	}
	r.cut()
	_ = srv.Emit("after")
	if !r.back() {
		t.Fatal("not recovered")
	}
	r.event(`2["after"]`)
	r.fence()

	r.offset = "AAAAAA.zz" // of another server's life
	r.cut()
	if !r.back() {
		t.Fatal("not recovered with an offset of another epoch")
	}
	r.event(`2["after"]`)
}

func TestClientThatSawNothingYetIsRecovered(t *testing.T) {
	srv := recovering(t, nil)
	r := arrive(t, srv)
	_ = srv.Emit("lost on the way?")
	r.cut()
	_ = srv.Emit("missed")
	if !r.back() {
		t.Fatal("not recovered")
	}
	r.event(`2["lost on the way?"]`)
	r.event(`2["missed"]`)
	r.fence()
}

func TestWhoIsNotRecovered(t *testing.T) {
	for name, tc := range map[string]struct {
		leave   func(r *returning)
		offset  string
		options func(o *socketio.Options)
	}{
		"left":              {leave: func(r *returning) { r.Send("1") }},
		"sent away":         {leave: func(r *returning) { socketOf(r.t, r.srv, r.answer).Disconnect(false) }},
		"unknown offset":    {offset: "not an offset"},
		"offset of a dream": {offset: "future"},
		"unknown pid":       {leave: func(r *returning) { r.cut(); r.answer.PID = strings.Repeat("x", 40) }},
		"too late": {
			options: func(o *socketio.Options) { o.Recovery.MaxDisconnection = time.Nanosecond },
		},
		"too much": {
			leave: func(r *returning) {
				r.cut()
				for range 100 {
					_ = r.srv.Emit("filler", strings.Repeat("x", 1000))
				}
			},
			options: func(o *socketio.Options) { o.Recovery.MaxBytes = 50_000 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := recovering(t, tc.options)
			r := arrive(t, srv)
			_ = srv.Emit("one")
			r.event(`2["one"]`)
			s := socketOf(t, srv, r.answer)
			if tc.leave == nil {
				tc.leave = (*returning).cut
			}
			tc.leave(r)
			sockettest.Receive(t, "the end", s.Context().Done())
			switch tc.offset {
			case "":
			case "future":
				r.offset = r.offset[:strings.Index(r.offset, ".")+1] + "zzz"
			default:
				r.offset = tc.offset
			}
			if r.back() {
				t.Error("recovered")
			}
			r.fence()
		})
	}
}

// A quiet client in a busy namespace: its offset is long gone from the log, but
// nothing was sent to it since.
func TestQuietClientIsRecoveredInABusyNamespace(t *testing.T) {
	srv := recovering(t, func(o *socketio.Options) { o.Recovery.MaxBytes = 50_000 })
	r := arrive(t, srv)
	s := socketOf(t, srv, r.answer)
	_ = s.Emit("one")
	r.event(`2["one"]`)
	for range 200 {
		_ = srv.To("busy").Emit("filler", strings.Repeat("x", 1000))
	}
	r.cut()
	_ = srv.To(r.answer.SID).Emit("two")
	if !r.back() {
		t.Fatal("not recovered")
	}
	r.event(`2["two"]`)
	r.fence()
}

// What was sent to a room is missed by who was in it at that time, whatever
// happened since: packets on their way are lost when a connection breaks.
func TestReplayFollowsTheRoomsOfTheTime(t *testing.T) {
	srv := recovering(t, nil)
	r := arrive(t, srv)
	s := socketOf(t, srv, r.answer)
	_ = srv.Emit("seen")
	r.event(`2["seen"]`)
	_ = srv.To("r").Emit("before it joined")
	_ = s.Join("r")
	_ = srv.To("r").Emit("while it was in")
	s.Leave("r")
	_ = srv.To("r").Emit("after it left")
	_ = s.Join("r")
	_ = srv.To("r").Emit("in again")
	r.cut() // as if nothing after "seen" had arrived
	if !r.back() {
		t.Fatal("not recovered")
	}
	r.event(`2["while it was in"]`)
	r.event(`2["in again"]`)
	r.fence()
}

func TestMiddlewareRunsOnRecoveryToo(t *testing.T) {
	for _, skip := range []bool{false, true} {
		srv := recovering(t, func(o *socketio.Options) { o.Recovery.SkipMiddleware = skip })
		var mu sync.Mutex
		calls, refuse := 0, false
		srv.Use(func(_ context.Context, s *socketio.Socket) error {
			mu.Lock()
			defer mu.Unlock()
			calls++
			if refuse && s.Recovered() {
				return errors.New("not now")
			}
			return nil
		})
		r := arrive(t, srv)
		_ = srv.Emit("one")
		r.event(`2["one"]`)
		r.cut()
		if !skip { // a refused client may try again
			mu.Lock()
			refuse = true
			mu.Unlock()
			c := sockettest.Dial(t, srv.URL)
			c.Send(fmt.Sprintf(`0{"pid":%q,"offset":%q}`, r.answer.PID, r.offset))
			c.Expect(`4{"message":"not now"}`)
			mu.Lock()
			refuse = false
			mu.Unlock()
		}
		if !r.back() {
			t.Errorf("skip %v: not recovered", skip)
		}
		r.fence()
		mu.Lock()
		if want := map[bool]int{true: 1, false: 3}[skip]; calls != want {
			t.Errorf("skip %v: middleware ran %d times, want %d", skip, calls, want)
		}
		mu.Unlock()
	}
}

// Who the client is must be asked again whenever it comes, whatever is skipped.
func TestAdmitIsAskedOnRecoveryToo(t *testing.T) {
	for _, skip := range []bool{false, true} {
		var refuse atomic.Bool
		srv := recovering(t, func(o *socketio.Options) {
			o.Recovery.SkipMiddleware = skip
			o.Admit = func(_ context.Context, s *socketio.Socket) error {
				if refuse.Load() {
					return &socketio.ConnectError{Message: "blocked", Data: map[string]string{"code": "blocked"}}
				}
				s.SetIdentity("ann")
				return nil
			}
		})
		srv.Use(func(_ context.Context, s *socketio.Socket) error {
			if s.Identity() != "ann" {
				t.Errorf("middleware sees %v", s.Identity())
			}
			return nil
		})
		r := arrive(t, srv)
		_ = srv.Emit("one")
		r.event(`2["one"]`)
		r.cut()
		refuse.Store(true)
		c := sockettest.Dial(t, srv.URL)
		c.Send(fmt.Sprintf(`0{"pid":%q,"offset":%q}`, r.answer.PID, r.offset))
		c.Expect(`4{"data":{"code":"blocked"},"message":"blocked"}`)
		refuse.Store(false)
		if !r.back() {
			t.Errorf("skip %v: not recovered", skip)
		}
		r.fence()
	}
}

// A connection that broke silently is noticed late; its client is back before.
func TestReturnBeforeTheBreakIsNoticed(t *testing.T) {
	srv := recovering(t, nil)
	reasons := make(chan socketio.DisconnectReason, 2)
	srv.Of("/").OnDisconnect(func(_ *socketio.Socket, r socketio.DisconnectReason) { reasons <- r })
	r := arrive(t, srv)
	_ = socketOf(t, srv, r.answer).Join("r")
	_ = srv.Emit("one")
	r.event(`2["one"]`)
	_ = srv.To("r").Emit("into the void")
	if !r.back() {
		t.Fatal("not recovered")
	}
	want := socketio.DisconnectReason{Reason: "transport close", Detail: "replaced"}
	if got := sockettest.Receive(t, "disconnect", reasons); got != want {
		t.Errorf("reason %+v", got)
	}
	r.event(`2["into the void"]`)
	r.fence()
	if n := srv.Of("/").Len(); n != 1 {
		t.Errorf("%d sockets", n)
	}
}

// While packets are published without a pause, a client is cut and returns again
// and again: it gets every packet once and in order.
func TestNothingIsLostOrDoubledAroundTheCut(t *testing.T) {
	srv := recovering(t, nil)
	const total = 3000
	r := arrive(t, srv)
	_ = socketOf(t, srv, r.answer).Join("r")
	start := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		<-start
		for i := range total {
			_ = srv.To("r").Emit("n", i)
			if i%50 == 0 {
				<-time.After(time.Millisecond)
			}
		}
	})
	close(start)
	next, cuts := 0, 0
	for next < total {
		r.event(fmt.Sprintf(`2["n",%d]`, next))
		next++
		if next%307 == 0 {
			r.Cut() // and what was on its way is lost
			if !r.back() {
				t.Fatalf("not recovered after packet %d", next-1)
			}
			cuts++
		}
	}
	wg.Wait()
	r.fence()
	if cuts < 5 {
		t.Errorf("only %d cuts", cuts)
	}
}

func TestRecoveryNeedsAnAdapter(t *testing.T) {
	_, err := socketio.New(&socketio.Options{Recovery: socketio.Recovery{MaxDisconnection: time.Minute}})
	if !errors.Is(err, socketio.ErrNoRecovery) {
		t.Errorf("New: %v", err)
	}
	srv := serve(t, nil)
	if err := srv.Of("/a").EnableRecovery(socketio.Recovery{MaxDisconnection: time.Minute}); !errors.Is(err, socketio.ErrNoRecovery) {
		t.Errorf("EnableRecovery: %v", err)
	}
}

func TestRecoveryOfOneNamespace(t *testing.T) {
	srv := serve(t, &socketio.Options{Adapter: memory.New()})
	if err := srv.Of("/a").EnableRecovery(socketio.Recovery{MaxDisconnection: time.Minute}); err != nil {
		t.Fatal(err)
	}
	c := sockettest.Dial(t, srv.URL)
	if a := c.Connect("/", ""); a.PID != "" {
		t.Errorf("answer in /: %+v", a)
	}
	if a := c.Connect("/a", ""); a.PID == "" {
		t.Errorf("answer in /a: %+v", a)
	}
	_ = srv.Emit("x", "text")
	c.Expect(`2["x","text"]`)
	_ = srv.Of("/a").Emit("x", "text")
	if f := c.Next(); !trailing.MatchString(f.Text) || !strings.HasPrefix(f.Text, `2/a,["x","text","`) {
		t.Errorf("got %q", f.Text)
	}
}

// Joining and leaving all day long must not cost memory, nor the recovery.
func TestManyRoomChangesDoNotPreventRecovery(t *testing.T) {
	srv := recovering(t, func(o *socketio.Options) { o.Recovery.MaxBytes = 200_000 })
	r := arrive(t, srv)
	s := socketOf(t, srv, r.answer)
	for i := range 3000 { // nothing between
		_ = s.Join("r")
		if i%2 == 0 {
			_ = s.Join("q")
		}
		s.Leave("r", "q")
	}
	for range 3000 { // packets between
		_ = s.Join("r")
		_ = srv.To("elsewhere").Emit("n")
		s.Leave("r")
		_ = srv.To("elsewhere").Emit("n")
	}
	_ = s.Emit("seen")
	r.event(`2["seen"]`)
	_ = s.Join("r")
	r.cut()
	_ = srv.To("r").Emit("missed")
	if !r.back() {
		t.Fatal("not recovered")
	}
	r.event(`2["missed"]`)
	r.fence()
}
