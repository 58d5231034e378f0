package ready

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const within = 30 * time.Second

// calls counts how often it was called.
type calls chan struct{}

func (c calls) Ready() { c <- struct{}{} }

func (c calls) await(t *testing.T) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(within):
		t.Fatal("it was not called")
	}
}

func (c calls) none(t *testing.T) {
	t.Helper()
	select {
	case <-c:
		t.Fatal("it was called")
	default:
	}
}

func open(t *testing.T) *Poller {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// pair is a TCP connection: what is watched, and the other side.
func pair(t *testing.T) (net.Conn, syscall.RawConn, net.Conn) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = far.Close(), near.Close() })
	sc, ok := near.(syscall.Conn)
	if !ok {
		t.Fatal("no descriptor")
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return near, raw, far
}

func send(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := c.Write([]byte{1}); err != nil {
		t.Error(err)
	}
}

func watch(t *testing.T, p *Poller, raw syscall.RawConn, w Waiter) {
	t.Helper()
	if err := p.Watch(raw, w); err != nil {
		t.Fatal(err)
	}
}

func TestAWatchIsForOneTime(t *testing.T) {
	t.Parallel()
	p, c := open(t), make(calls, 10)
	near, raw, far := pair(t)
	for range 3 {
		watch(t, p, raw, c)
		c.none(t)
		send(t, far)
		c.await(t)
		send(t, far) // nobody watches
		var b [2]byte
		for n := 0; n < 2; {
			k, err := near.Read(b[:])
			if err != nil {
				t.Fatal(err)
			}
			n += k
		}
		c.none(t)
	}
	send(t, far)
	watch(t, p, raw, c) // what came before counts
	c.await(t)
}

func TestABrokenConnectionIsReady(t *testing.T) {
	t.Parallel()
	p, c := open(t), make(calls, 1)
	_, raw, far := pair(t)
	watch(t, p, raw, c)
	if err := far.Close(); err != nil {
		t.Fatal(err)
	}
	c.await(t)
}

func TestWhoForgetsIsNotCalled(t *testing.T) {
	t.Parallel()
	p, c, other := open(t), make(calls, 1), make(calls, 1)
	_, raw, far := pair(t)
	watch(t, p, raw, c)
	p.Forget(raw, other) // is not who waits
	p.Forget(raw, c)
	_, raw2, far2 := pair(t)
	watch(t, p, raw2, other)
	send(t, far)
	send(t, far2)
	other.await(t)
	c.none(t)
}

// Descriptors are used again: who waited for a closed connection hears nothing of another.
func TestADescriptorIsUsedAgain(t *testing.T) {
	t.Parallel()
	p := open(t)
	for range 50 {
		c := make(calls, 10)
		near, raw, far := pair(t)
		watch(t, p, raw, c)
		send(t, far)
		c.await(t)
		watch(t, p, raw, c)
		c.await(t) // it is still unread
		_, _ = far.Close(), near.Close()
	}
}

func TestManyConnections(t *testing.T) {
	t.Parallel()
	p := open(t)
	var all sync.WaitGroup
	var total atomic.Int64
	for range 3 * batch {
		c := make(calls, 1)
		near, raw, far := pair(t)
		all.Go(func() {
			for range 20 {
				if err := p.Watch(raw, c); err != nil {
					t.Error(err)
					return
				}
				send(t, far)
				select {
				case <-c:
				case <-time.After(within):
					t.Error("it was not called")
					return
				}
				var b [1]byte
				if _, err := near.Read(b[:]); err != nil {
					t.Error(err)
				}
				total.Add(1)
			}
		})
	}
	all.Wait()
	if n := total.Load(); n != 3*batch*20 {
		t.Errorf("%d of %d", n, 3*batch*20)
	}
}

func TestAClosedPollerWatchesNothing(t *testing.T) {
	t.Parallel()
	p, c := open(t), make(calls, 1)
	_, raw, far := pair(t)
	watch(t, p, raw, c)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	send(t, far)
	if err := p.Watch(raw, c); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	c.none(t)
}
