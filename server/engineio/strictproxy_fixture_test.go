package engineio

import (
	"io"
	"strings"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// page is an upgraded client in a bubble that answers pings, as a browser does.
type page struct {
	*socket

	side    *peer
	wsPings atomic.Int32 // WebSocket pings that came
}

// upgradeInMemory opens the WebSocket of a polling session.
func (f *fixture) upgradeInMemory(query string) *socket {
	f.t.Helper()
	l, ok := f.http.Listener.(*memoryListener)
	if !ok {
		f.t.Fatal("not in memory")
	}
	c, err := l.dial(f.t.Context(), "", "")
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = c.Close() })
	br, _, err := (ws.Dialer{}).Upgrade(c, mustURL(f.url+"?"+query))
	if err != nil {
		f.t.Fatal(err)
	}
	s := &socket{t: f.t, conn: c, in: c}
	if br != nil {
		s.in = io.MultiReader(io.LimitReader(br, int64(br.Buffered())), c)
	}
	return s
}

// visit connects by polling, and upgrades if that is offered.
func (f *fixture) visit() (p *page, offered bool) {
	f.t.Helper()
	c := f.poll(4)
	if len(c.Upgrades) == 0 {
		return nil, false
	}
	s := f.upgradeInMemory(strings.Replace(c.query, TransportPolling, TransportWebSocket, 1))
	s.send("2probe")
	s.patientWant("3probe")
	s.send("5")
	synctest.Wait()
	if got := c.side().Transport(); got != TransportWebSocket {
		f.t.Fatalf("the session is on %s", got)
	}
	return live(s, c.side()), true
}

// mustVisit is visit where the upgrade must be offered.
func (f *fixture) mustVisit() *page {
	f.t.Helper()
	p, offered := f.visit()
	if !offered {
		f.t.Fatal("no upgrade is offered")
	}
	return p
}

// live answers what comes until the connection ends.
func live(s *socket, side *peer) *page {
	p := &page{socket: s, side: side}
	_ = s.conn.SetDeadline(time.Time{})
	go func() {
		for {
			f, err := ws.ReadFrame(s.in)
			switch {
			case err != nil:
				return
			case f.Header.OpCode == ws.OpPing:
				p.wsPings.Add(1)
				_, err = s.conn.Write(whole(ws.OpPong, string(f.Payload)))
			case f.Header.OpCode == ws.OpText && string(f.Payload) == "2":
				_, err = s.conn.Write(whole(ws.OpText, "3"))
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

// cut is what a proxy does: the connection ends without a close frame.
func (p *page) cut() {
	_ = p.conn.Close()
	synctest.Wait()
}

// leave is what a page does that is closed.
func (p *page) leave() {
	_, _ = p.conn.Write(whole(ws.OpClose, "\x03\xe9"))
	synctest.Wait()
}

// offers reports whether the next handshake is offered the upgrade. Its session
// ends at once, in order.
func (f *fixture) offers() bool {
	f.t.Helper()
	c := f.poll(4)
	c.post("1")
	return len(c.Upgrades) == 1
}

// dieYoung lets this many sessions, one after the other, see their WebSocket cut
// after a second.
func (f *fixture) dieYoung(n int) {
	f.t.Helper()
	for range n {
		p := f.mustVisit()
		<-time.After(time.Second)
		p.cut()
	}
}
