package engineio

import (
	"bytes"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
)

// More clients that have stopped reading than there are flushers hold nobody up, and get
// what they were sent, in order, once they read.
func TestFlushersDoNotWaitForWhoDoesNotRead(t *testing.T) {
	t.Parallel()
	const messages = 100
	stalled := 2*runtime.GOMAXPROCS(0) + 1
	f := serve(t, &Options{OutboxLimit: 64 << 20, OutboxMax: 64 << 20, SlowReaderGrace: time.Hour}, nil)
	var socks []*socket
	for range stalled + 3 {
		s := f.ws(4)
		if len(socks) < stalled {
			tcp, ok := s.conn.(*net.TCPConn)
			if !ok || tcp.SetReadBuffer(64<<10) != nil {
				t.Fatal("the receive buffer cannot be kept small")
			}
		}
		socks = append(socks, s)
	}
	text := strings.Repeat("x", 64<<10)
	sent := make([]*Message, messages)
	for i := range sent {
		sent[i] = says(text + string(rune('a'+i%26)))
		for _, s := range socks {
			if err := s.side(f).Send(sent[i], 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func(s *socket) {
		for i := range sent {
			got, err := s.next()
			want := sent[i].parts[0].Data
			if err != nil || got.Header.OpCode != ws.OpText || len(got.Payload) != 1+len(want) || !bytes.HasSuffix(got.Payload, want[len(want)-8:]) {
				t.Errorf("message %d: %v, %d bytes", i, err, len(got.Payload))
				return
			}
		}
	}
	var wg sync.WaitGroup
	for _, s := range socks[stalled:] {
		wg.Go(func() { read(s) })
	}
	wg.Wait()
	for _, s := range socks[:stalled] {
		wg.Go(func() { read(s) })
	}
	wg.Wait()
}

// A line longer than what flushers take at once, with more added while they are at it, is
// worked off in order.
func TestALineOfConnectionsIsWorkedOff(t *testing.T) {
	var f flushers
	var conns [500]wsConn
	all := runtime.GOMAXPROCS(0)
	f.running = all // so no other is started
	var got []*wsConn
	var chunk [flushChunk]*wsConn
	for i := range conns {
		f.add(&conns[i])
		if i%7 == 6 {
			got = append(got, chunk[:f.take(chunk[:5])]...)
		}
	}
	for n := f.take(chunk[:]); n > 0; n = f.take(chunk[:]) {
		got = append(got, chunk[:n]...)
	}
	if len(got) != len(conns) {
		t.Fatalf("%d of %d", len(got), len(conns))
	}
	for i, c := range got {
		if c != &conns[i] {
			t.Fatalf("place %d: another connection", i)
		}
	}
	if f.running != all-1 || len(f.line) != 0 || f.head != 0 {
		t.Errorf("left: %d running, line %d, head %d", f.running, len(f.line), f.head)
	}
	for i, c := range f.line[:cap(f.line)] {
		if c != nil {
			t.Fatalf("place %d of an empty line is held", i)
		}
	}
}

// Handing messages to many connections that take them allocates nothing for each, be they
// one at a time or many in flight. With the race detector, pools lose some of what they get.
func TestADeliveryAllocatesNothing(t *testing.T) {
	f := serve(t, nil, nil)
	var sides []*Session
	for range 101 {
		s := f.ws(4)
		sides = append(sides, s.side(f).Session)
		go discard(s)
	}
	m := says(`2["msg","hello there"]`)
	fanOut := func(to []*Session, inFlight int) float64 {
		return testing.AllocsPerRun(50/inFlight+10, func() {
			for range inFlight {
				for _, s := range to {
					if err := s.Send(m, 0); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, s := range to {
				for !s.Writable() {
					runtime.Gosched()
				}
			}
		})
	}
	for inFlight, most := range map[int]float64{1: 0.05, 32: 0.1} {
		one, all := fanOut(sides[:1], inFlight), fanOut(sides, inFlight)
		if per := (all - one) / float64((len(sides)-1)*inFlight); per > most {
			t.Errorf("%d in flight: %v allocations for each delivery: one costs %v, %d cost %v", inFlight, per, one, len(sides), all)
		}
	}
}

// discard reads what comes without a look and without memory.
func discard(s *socket) {
	buf := make([]byte, 64<<10)
	for {
		if _, err := s.conn.Read(buf); err != nil {
			return
		}
	}
}

// How many flushers there may be follows how many processors Go uses, also while a line is
// never empty.
func TestFlushersFollowTheProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	f := flushers{line: make([]*wsConn, 3)}
	for i := range 2 {
		runtime.GOMAXPROCS(1 + i)
		if f.take(make([]*wsConn, 1)); f.limit != 1+i {
			t.Errorf("at most %d with %d processors", f.limit, 1+i)
		}
	}
}
