package engineio

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// toll is a Pass that counts, and may pause.
type toll struct {
	read, left atomic.Int64
	pause      func(n int) time.Duration
}

func (p *toll) Read(n int) time.Duration {
	p.read.Add(int64(n))
	if p.pause != nil {
		return p.pause(n)
	}
	return 0
}

func (p *toll) Leave() { p.left.Add(1) }

func TestEverySessionHasItsPassUntilItIsOver(t *testing.T) {
	t.Parallel()
	p := &toll{}
	f := serve(t, &Options{Enter: func(*http.Request) (Pass, error) { return p, nil }}, nil)
	s := f.ws(4)
	if s.side(f).Pass() != p {
		t.Error("it has another")
	}
	_ = s.conn.Close()
	await(t, "Closed", s.side(f).closed)
	if n := p.left.Load(); n != 1 {
		t.Errorf("given back %d times", n)
	}
	c := f.poll(4)
	c.post("1").want(t, http.StatusOK, "ok")
	await(t, "Closed", c.side().closed)
	if n := p.left.Load(); n != 2 {
		t.Errorf("given back %d times", n)
	}
}

func TestWhoIsNotLetInIsToldWhen(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{Enter: func(*http.Request) (Pass, error) {
		return nil, &Refusal{Status: http.StatusTooManyRequests, Message: "slowly", RetryAfter: 1500 * time.Millisecond}
	}}, nil)
	a := f.get("EIO=4&transport=polling")
	a.refused(t, http.StatusTooManyRequests, 3, "slowly")
	if got := a.header.Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After: %s", got)
	}
	f = serve(t, &Options{Enter: func(*http.Request) (Pass, error) { return nil, errors.New("no") }}, nil)
	f.get("EIO=4&transport=polling").refused(t, http.StatusForbidden, 4, "no")
}

// What never becomes a message counts too: control frames, pieces, pongs, bodies.
func TestEverythingThatIsReadCounts(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(f *fixture){
		"messages": func(f *fixture) { f.ws(4).send("4" + strings.Repeat("a", 8000)) },
		"pings":    func(f *fixture) { f.ws(4).write([]byte(strings.Repeat(string(whole(ws.OpPing, "")), 200))) },
		"pongs":    func(f *fixture) { f.ws(4).write([]byte(strings.Repeat(string(whole(ws.OpPong, "")), 200))) },
		"noops":    func(f *fixture) { f.ws(4).write([]byte(strings.Repeat(string(whole(ws.OpText, "6")), 200))) },
		"fragments": func(f *fixture) {
			f.ws(4).write(append(frame(false, 0, ws.OpText, []byte("4")), strings.Repeat(string(frame(false, 0, ws.OpContinuation, nil)), 2000)...))
		},
		"half a frame": func(f *fixture) { f.ws(4).write(whole(ws.OpText, strings.Repeat("a", 30_000))[:20_000]) },
		"bodies":       func(f *fixture) { f.poll(4).post("6" + strings.Repeat("\x1e6", 3000)) },
		"requests": func(f *fixture) {
			for c, i := f.poll(4), 0; i < 12; i++ {
				c.post("6")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &toll{}
			f := serve(t, &Options{Enter: func(*http.Request) (Pass, error) { return p, nil }}, nil)
			send(f)
			eventually(t, name+" are counted", func() bool { return p.read.Load() >= paceStep })
		})
	}
}

// Who is paused answers its pings late, and is not taken for dead.
func TestAPausedClientIsNotTakenForDead(t *testing.T) {
	t.Parallel()
	o := &Options{PingInterval: 60 * time.Millisecond, PingTimeout: time.Second}
	o.Enter = func(*http.Request) (Pass, error) {
		return &toll{pause: func(n int) time.Duration { return time.Duration(n) * time.Second / 5000 }}, nil
	}
	f := serve(t, o, nil)
	s := f.ws(4)
	p := s.side(f)
	s.send("4" + strings.Repeat("a", 20_000)) // takes four seconds, four times the time for a pong
	if got := await(t, "the message", p.in); len(got.data) != 20_000 {
		t.Errorf("%d bytes", len(got.data))
	}
	p.ended(t, ReasonPingTimeout, DetailNoPong) // but when it falls silent it is
}

func TestAPauseEndsWithItsSession(t *testing.T) {
	t.Parallel()
	o := &Options{Enter: func(*http.Request) (Pass, error) {
		return &toll{pause: func(int) time.Duration { return time.Hour }}, nil
	}}
	f := serve(t, o, nil)
	s := f.ws(4)
	s.send("4" + strings.Repeat("a", 20_000))
	c := f.poll(4)
	posted := make(chan answer, 1)
	go func() { posted <- f.do(t.Context(), http.MethodPost, c.query, "4"+strings.Repeat("a", 20_000), nil) }()
	for _, p := range []*peer{s.side(f), c.side()} {
		eventually(t, "reading is paused", func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			return !p.beat.slowed.IsZero()
		})
		p.Abort(ReasonForcedClose, DetailNone, nil)
		p.ended(t, ReasonForcedClose, DetailNone)
	}
	await(t, "the answer", posted)
}

// wrapped is a connection that changes no byte, as limit.Listener makes them.
type wrapped struct{ net.Conn }

func (w wrapped) TCPConn() (*net.TCPConn, bool) {
	tcp, ok := w.Conn.(*net.TCPConn)
	return tcp, ok
}

func TestTheTCPConnectionIsFound(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	for c, want := range map[net.Conn]bool{&net.TCPConn{}: true, wrapped{&net.TCPConn{}}: true, wrapped{here}: false, here: false} {
		if _, got := plainTCP(c); got != want {
			t.Errorf("%T: got %v", c, got)
		}
	}
}

func TestAllOutboxesTogetherAreBounded(t *testing.T) {
	t.Parallel()
	const total = 20 << 20
	f := serve(t, &Options{OutboxLimit: 64 << 20, OutboxMax: 64 << 20, OutboxTotal: total}, nil)
	good := f.ws(4)
	idle := f.ws(4)
	for i := 0; ; i++ { // slow readers, until there is too much
		eventually(t, "who comes is let in again", func() bool { return f.srv.Stats().Queued <= total })
		s := f.ws(4)
		p := s.side(f)
		for p.Send(chunk, 0) == nil {
			p.mu.Lock()
			n := p.out.bytes
			p.mu.Unlock()
			if n > 12<<20 { // more than the kernel takes
				break
			}
		}
		if p.Err() != nil || i == 4 {
			break
		}
	}
	ended := 0
	eventually(t, "slow readers are ended", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		ended = 0
		for _, p := range f.peers {
			if c := p.Err(); c != nil {
				ended++
				if c.Detail != DetailOutboxTotal || c.Reason != ReasonTransportClose {
					t.Fatalf("ended with %v", c)
				}
			}
		}
		return ended > 0 && f.srv.Stats().Queued <= total
	})
	for _, s := range []*socket{good, idle} {
		if err := s.side(f).Send(says("x"), 0); err != nil {
			t.Fatal(err)
		}
		s.want("4x")
	}
}

func TestTheSlowestReaderGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv, err := NewServer(&opener{peers: map[string]*peer{}}, &Options{OutboxTotal: 15_000, OutboxLimit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		reader := func(id string, bytes int, taken uint64) *Session {
			s := &Session{srv: srv, id: id, recv: nobody{}, poll: &poller{}}
			srv.sessions[id] = s
			srv.wg.Add(1)
			s.out.push(entry{m: NewMessage(Part{Data: make([]byte, bytes)})})
			s.mu.Lock()
			s.countLocked()
			s.out.taken += taken
			s.mu.Unlock()
			return s
		}
		fast, slow := reader("fast", 5000, 100_000), reader("slow", 4500, 1000)
		time.Sleep(time.Second) //nolint:forbidigo // in a bubble, where time passes when all wait
		last := reader("last", 8000, 0)
		synctest.Wait()
		if slow.Err() == nil || fast.Err() != nil || last.Err() != nil {
			t.Errorf("slow %v, fast %v, last %v", slow.Err(), fast.Err(), last.Err())
		}
		for _, s := range []*Session{fast, last} {
			s.end(&CloseError{Reason: ReasonForcedClose})
		}
		synctest.Wait()
		if n := srv.queued.bytes.Load(); n != 0 {
			t.Errorf("%d bytes are left in the total", n)
		}
	})
}

func TestHandshakesAreRefusedWhileOutboxesAreFull(t *testing.T) {
	t.Parallel()
	heard := make(chan *ConnectionError, 1)
	f := serve(t, &Options{OutboxTotal: 1000, ConnectionError: func(e *ConnectionError) { heard <- e }}, nil)
	f.srv.queued.bytes.Add(1000)
	a := f.get("EIO=4&transport=polling")
	a.refused(t, http.StatusServiceUnavailable, 3, outboxTotalRefusal.message)
	if a.header.Get("Retry-After") != "5" {
		t.Errorf("Retry-After: %q", a.header.Get("Retry-After"))
	}
	if e := await(t, "the error", heard); e.Context["name"] != RefusedOutboxTotal {
		t.Errorf("heard %v", e.Context)
	}
	f.srv.queued.bytes.Add(-1000)
	f.ws(4)
}

// Requests of a session that was slowed down waited without end, each with its goroutine
// and buffers, and by HTTP/2 a client sends hundreds on each connection.
func TestFewRequestsOfASessionWaitForItsPass(t *testing.T) {
	t.Parallel()
	slowly := atomic.Bool{}
	p := &toll{pause: func(int) time.Duration {
		if slowly.Load() {
			return time.Hour
		}
		return 0
	}}
	f, _, _ := http2(t, &Options{Enter: func(*http.Request) (Pass, error) { return p, nil }}, nil)
	c := f.poll(4)
	slowly.Store(true)
	var waits []*waiting
	for range maxHeldBack {
		waits = append(waits, c.start(http.MethodGet, "", ""))
	}
	session := c.side().Session
	eventually(t, "all wait", func() bool { return session.heldBack.Load() == maxHeldBack })
	c.get().refused(t, http.StatusTooManyRequests, 3, heldBackRefusal.message)
	waits[0].cut()
	eventually(t, "one waits less", func() bool { return session.heldBack.Load() < maxHeldBack })
	session.end(released)
	for _, w := range waits[1:] {
		await(t, "an answer", w.answer)
	}
}
