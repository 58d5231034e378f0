package socketio

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// crowd is a room of n members in a Local, without anything behind them.
func crowd(n int) (*Local, []*Socket) {
	l, socks := &Local{}, make([]*Socket, n)
	for i := range socks {
		socks[i] = &Socket{}
		l.enter("crowd", socks[i])
	}
	return l, socks
}

// move is a member's leave and its coming back.
func move(tb testing.TB, l *Local, s *Socket) {
	tb.Helper()
	l.exit(l.shard("crowd").rooms["crowd"], s)
	if r, _ := l.enter("crowd", s); r == nil {
		tb.Fatal("the socket was in the room")
	}
}

// BenchmarkLeaveJoin is one leave and one join, of members in turn; with a broadcast, one
// begins before each and shares the list of members with it.
func BenchmarkLeaveJoin(b *testing.B) {
	for _, members := range []int{100, 1000, 10_000, 100_000} {
		for _, broadcast := range []bool{false, true} {
			b.Run(fmt.Sprintf("members=%d/broadcast=%v", members, broadcast), func(b *testing.B) {
				l, socks := crowd(members)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if broadcast {
						l.roomSnapshot("crowd")
					}
					move(b, l, socks[i%members])
					i++
				}
			})
		}
	}
}

// bytesPerMove is what a leave and a join allocate when a broadcast begins before each.
func bytesPerMove(tb testing.TB, members int) uint64 {
	tb.Helper()
	const moves = 500
	l, socks := crowd(members)
	move(tb, l, socks[0])
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range moves {
		l.roomSnapshot("crowd")
		move(tb, l, socks[i])
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / moves
}

// What a join has to copy because a broadcast is under way does not grow with the room:
// the list of all chunks, which used to be copied, is 4.5 KiB here.
func TestJoinAndLeaveCopyAsMuchInALargeRoom(t *testing.T) {
	// Both end in a chunk that is half full, in a group with one chunk.
	const small, large = groupLen*chunkLen + chunkLen/2, 3*groupLen*chunkLen + chunkLen/2
	few, many := bytesPerMove(t, small), bytesPerMove(t, large)
	if many > few+1<<10 {
		t.Errorf("%d bytes at %d members, %d at %d", few, small, many, large)
	}
	if few > 8<<10 {
		t.Errorf("%d bytes at %d members", few, small)
	}
}

// A broadcast that is held at one member, on every core, does not hold up those who
// leave and join; and it reaches those who were there when it began.
func TestJoinAndLeaveWhileABroadcastIsHeld(t *testing.T) {
	const members = 2*parallelAbove + 1
	l, socks := crowd(members)
	rs := recipients{list: l.roomSnapshot("crowd")}
	held, release := make(chan struct{}), make(chan struct{})
	got := make(chan sent)
	go func() {
		got <- rs.each(func(s *Socket) int {
			if s == socks[members/2] {
				close(held)
				<-release
			}
			return 1
		})
	}()
	<-held
	moved := make(chan struct{})
	go func() {
		defer close(moved)
		for _, s := range socks {
			move(t, l, s)
		}
		l.enter("crowd", &Socket{})
	}()
	select {
	case <-moved:
	case <-time.After(10 * time.Second):
		t.Error("nobody could leave or join")
	}
	close(release)
	if all := <-got; all.n != members {
		t.Errorf("the broadcast reached %d, want %d", all.n, members)
	}
	<-moved
	if n := l.shard("crowd").rooms["crowd"].list.n; n != members+1 {
		t.Errorf("%d are in the room, want %d", n, members+1)
	}
}
