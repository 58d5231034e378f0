package engineio

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// bystanders are well-behaved sessions on a server that others attack. check
// fails unless they still work.
type bystanders struct {
	f *fixture
	c *pollClient
	s *socket
}

func (f *fixture) bystanders() *bystanders {
	f.t.Helper()
	return &bystanders{f, f.poll(4), f.ws(4)}
}

func (b *bystanders) check() {
	b.f.t.Helper()
	b.s.send("4still here")
	b.s.want("4still here")
	b.c.post("4still here").want(b.f.t, http.StatusOK, "ok")
	b.c.get().want(b.f.t, http.StatusOK, "4still here")
}

// alone waits until only the bystanders are left.
func (b *bystanders) alone() {
	b.f.t.Helper()
	eventually(b.f.t, "only the bystanders are left", func() bool { return b.f.srv.Len() == 2 })
}

func TestGarbageOverWebSocketHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{MaxPayload: 10_000, PerMessageDeflate: &Compression{}, AllowEIO3: true}, echo)
	b := f.bystanders()
	random := rand.New(rand.NewPCG(1, 2))
	var all sync.WaitGroup
	for i := range 60 {
		s := f.ws(3+i%2, offer)
		var stream []byte
		for range 20 {
			junk := make([]byte, random.IntN(300))
			for k := range junk {
				junk[k] = byte(random.Uint32())
			}
			if i%3 == 0 {
				stream = append(stream, junk...)
			} else {
				stream = append(stream, frame(random.IntN(4) > 0, ws.Rsv(random.IntN(2) == 0, false, false), ws.OpCode(random.IntN(3)), junk)...)
			}
		}
		stream = append(stream, 0xFF, 0xFF) // whatever came before, this is no frame
		all.Go(func() {
			s.write(stream)
			_ = s.conn.SetReadDeadline(time.Now().Add(within))
			_, _ = io.Copy(io.Discard, s.conn)
			_ = s.conn.Close()
		})
	}
	all.Wait()
	b.alone()
	b.check()
}

func TestGarbageOverPollingHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	b := f.bystanders()
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 60 {
		c := f.poll(3 + i%2)
		junk := make([]byte, 1+random.IntN(200))
		for k := range junk {
			junk[k] = byte(random.Uint32() % 128)
		}
		junk[0] = 'z'
		header := http.Header{}
		if i%4 == 0 {
			header.Set("Content-Type", typeBinary)
		}
		a := f.do(t.Context(), http.MethodPost, c.query, string(junk), header)
		if a.status != http.StatusBadRequest {
			t.Errorf("%q: %d %q", junk, a.status, a.body)
		}
		c.gone(t)
	}
	b.alone()
	b.check()
}

func TestClientsThatVanishAnywhereLeaveNothing(t *testing.T) {
	t.Parallel()
	f := serve(t, nil, echo) // with time-outs long enough to be there to be cut off
	b := f.bystanders()
	for i := range 20 {
		s := f.ws(4)
		s.write(whole(ws.OpText, "4hello there")[:i])
		_ = s.conn.Close()

		c := f.poll(4) // mid-poll
		conn := f.dial()
		conn.request(http.MethodGet, c.query, "", "")
		eventually(t, "the poll waits", func() bool { return c.waitingPoll() != nil })
		_ = conn.Close()

		c = f.poll(4) // mid-body
		conn = f.dial()
		conn.request(http.MethodPost, c.query, "Content-Length: 100\r\n", strings.Repeat("4", i))
		eventually(t, "the POST is read", func() bool { return c.posting() != nil })
		_ = conn.Close()

		c = f.poll(4) // mid-upgrade, and mid-poll
		s = f.upgrade("EIO=4&transport=websocket&sid=" + c.SID)
		w := c.hold("")
		_ = s.conn.Close()
		w.cut()
	}
	b.alone()
	b.check()
}

// Thousands of sessions of one client that says nothing are ended by the
// heartbeat.
func TestSessionsOfNobodyTimeOut(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{PingInterval: 100 * time.Millisecond, PingTimeout: 200 * time.Millisecond}, nil)
	for range 200 {
		f.get("EIO=4&transport=polling")
	}
	eventually(t, "none is left", func() bool { return f.srv.Len() == 0 })
}

// A flood of WebSocket pings is answered only as fast as the answers are taken.
func TestAFloodOfPingsIsBounded(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{OutboxLimit: 100_000, OutboxMax: 1 << 20, SlowReaderGrace: 100 * time.Millisecond}, echo)
	b := f.bystanders()
	s := f.ws(4)
	p := s.side(f)
	flood := []byte(strings.Repeat(string(whole(ws.OpPing, strings.Repeat("p", 125))), 500))
	go func() {
		for {
			if _, err := s.conn.Write(flood); err != nil {
				return
			}
		}
	}()
	e := await(t, "the end", p.closed)
	if e.Detail != DetailSlowReader && e.Detail != DetailOutboxOverflow {
		t.Errorf("ended with %v", e)
	}
	_ = s.conn.Close()
	b.alone()
	b.check()
}

func TestManySessionsAtOnce(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{AllowEIO3: true}, echo)
	f.transport().MaxIdleConnsPerHost = 100
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			text := fmt.Sprint("4client ", i)
			if i%2 == 0 {
				s, err := f.tryUpgrade("EIO=4&transport=websocket")
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := s.next(); err != nil {
					t.Error(err)
				}
				for range 20 {
					s.send(text)
					if got, err := s.next(); err != nil || string(got.Payload) != text {
						t.Errorf("got %q, %v", got.Payload, err)
						return
					}
				}
				_ = s.conn.Close()
				return
			}
			a := f.do(t.Context(), http.MethodGet, "EIO=4&transport=polling", "", nil)
			var h handshake
			if a.err == nil {
				h = parseOpen(t, a.body)
			}
			q := "EIO=4&transport=polling&sid=" + h.SID
			for range 10 {
				if a := f.do(t.Context(), http.MethodPost, q, text, nil); a.body != "ok" {
					t.Errorf("%d %q %v", a.status, a.body, a.err)
				}
				if a := f.do(t.Context(), http.MethodGet, q, "", nil); a.body != text {
					t.Errorf("%d %q %v", a.status, a.body, a.err)
				}
			}
			f.do(t.Context(), http.MethodPost, q, "1", nil)
		})
	}
	all.Wait()
	eventually(t, "none is left", func() bool { return f.srv.Len() == 0 })
}
