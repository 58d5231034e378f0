package limit

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// enter enters and insists.
func enter(t *testing.T, d *Door, remote string) *Pass {
	t.Helper()
	p, err := d.Enter(t.Context(), remote)
	if err != nil {
		t.Fatalf("%s: %v", remote, err)
	}
	return p
}

// refused insists on a refusal.
func refused(t *testing.T, err error, limit Name) *Exceeded {
	t.Helper()
	var x *Exceeded
	if !errors.As(err, &x) || x.Limit != limit || x.RetryAfter <= 0 || x.Error() == "" {
		t.Fatalf("got %v, want that %s is exceeded", err, limit)
	}
	return x
}

func TestConnectionsOfAnAddress(t *testing.T) {
	t.Parallel()
	h := &heard{}
	d := New(&Options{IPConnections: 2, Observer: h, Except: func(a netip.Addr) bool { return a.IsLoopback() }})
	one := enter(t, d, "192.0.2.1:1")
	enter(t, d, "192.0.2.1:2")
	_, err := d.Enter(t.Context(), "192.0.2.1:3")
	refused(t, err, IPConnections)
	enter(t, d, "192.0.2.2:1") // another one
	for i := range 9 {
		enter(t, d, fmt.Sprintf("127.0.0.1:%d", i)) // an exception
		enter(t, d, "@")                            // no address of the network
	}
	one.Leave()
	one.Leave() // counts once
	enter(t, d, "192.0.2.1:4")
	_, err = d.Enter(t.Context(), "192.0.2.1:5")
	refused(t, err, IPConnections)
	if n := h.of(IPConnections, Refused); n != 2 {
		t.Errorf("%d refusals heard", n)
	}
}

func TestAddressesOfIPv6AreCountedByWhatOneCustomerHas(t *testing.T) {
	t.Parallel()
	d := New(&Options{IPConnections: 1})
	enter(t, d, "[2001:db8:1:2::1]:1")
	_, err := d.Enter(t.Context(), "[2001:db8:1:2:ffff::9]:1")
	refused(t, err, IPConnections)
	enter(t, d, "[2001:db8:1:3::1]:1")
	enter(t, d, "[::ffff:192.0.2.1]:1")
	_, err = d.Enter(t.Context(), "192.0.2.1:1")
	refused(t, err, IPConnections)
	enter(t, d, "[64:ff9b::192.0.2.1]:1") // translated: each is a client of its own
	enter(t, d, "[64:ff9b::192.0.2.2]:1")
}

func TestHandshakesOfAnAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := New(&Options{IPHandshakes: Rate{PerSecond: 2, Burst: 4}})
		for range 4 {
			enter(t, d, "192.0.2.1:1").Leave()
		}
		_, err := d.Enter(t.Context(), "192.0.2.1:1")
		x := refused(t, err, IPHandshakes)
		if x.RetryAfter != 500*time.Millisecond {
			t.Errorf("again after %v", x.RetryAfter)
		}
		time.Sleep(x.RetryAfter) //nolint:forbidigo // in a bubble, where time passes when all wait
		enter(t, d, "192.0.2.1:1")
	})
}

func TestConnectionsOfTheNode(t *testing.T) {
	t.Parallel()
	d := New(&Options{Connections: 1})
	p := enter(t, d, "192.0.2.1:1")
	_, err := d.Enter(t.Context(), "192.0.2.2:1")
	refused(t, err, NodeConnections)
	p.Leave()
	enter(t, d, "192.0.2.2:1")
}

func TestConnectionsOfAUserCountOnceEach(t *testing.T) {
	t.Parallel()
	d := New(&Options{UserConnections: 2, UserHandshakes: Rate{PerSecond: 0.001, Burst: 3}})
	ctx := t.Context()
	one, two, three := enter(t, d, "192.0.2.1:1"), enter(t, d, "192.0.2.1:2"), enter(t, d, "192.0.2.1:3")
	for range 5 { // five namespaces of one connection
		if err := d.EnterUser(ctx, one, "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.EnterUser(ctx, two, "ann"); err != nil {
		t.Fatal(err)
	}
	refused(t, d.EnterUser(ctx, three, "ann"), UserConnections)
	if err := d.EnterUser(ctx, three, "bob"); err != nil {
		t.Fatal(err)
	}
	one.Leave()
	if err := d.EnterUser(ctx, three, "ann"); err != nil {
		t.Fatal(err)
	}
	two.Leave()
	four := enter(t, d, "192.0.2.1:4")
	refused(t, d.EnterUser(ctx, four, "ann"), UserHandshakes)
	if err := d.EnterUser(ctx, four, ""); err != nil {
		t.Errorf("nobody in particular is limited: %v", err)
	}
}

// A connection that ends while its user is being counted leaves nothing behind.
func TestLeavingWhileEntering(t *testing.T) {
	t.Parallel()
	d := New(&Options{UserConnections: 1000, IPConnections: 1000})
	var wg sync.WaitGroup
	for i := range 200 {
		p := enter(t, d, "192.0.2.1:1")
		wg.Go(func() { _ = d.EnterUser(context.Background(), p, fmt.Sprint("u", i%3)) })
		wg.Go(p.Leave)
	}
	wg.Wait()
	for i := range 3 {
		d.users.at(fmt.Sprint("u", i), time.Now(), func(e *entry) {
			if e.open != 0 {
				t.Errorf("user %d has %d open", i, e.open)
			}
		})
	}
	if d.open.Load() != 0 {
		t.Errorf("%d open", d.open.Load())
	}
}

// A storm of addresses makes the table no larger than its bound, and those that have
// something open stay.
func TestTheTableIsBounded(t *testing.T) {
	t.Parallel()
	d := New(&Options{IPConnections: 1, IPHandshakes: Rate{PerSecond: 1, Burst: 5}})
	enter(t, d, "192.0.2.1:1")
	for i := range 3 * shards * idlePerShard {
		ip := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		enter(t, d, netip.AddrPortFrom(ip, 1).String()).Leave()
	}
	if n := d.ips.len(); n > shards*idlePerShard+1 {
		t.Errorf("%d entries", n)
	}
	_, err := d.Enter(t.Context(), "192.0.2.1:2")
	refused(t, err, IPConnections)
}

func TestNothingIsLimitedThatIsOff(t *testing.T) {
	t.Parallel()
	o := &Options{}
	if !o.Off() || (&Options{Bytes: Rate{PerSecond: 1}}).Off() {
		t.Error("Off is wrong")
	}
	d := New(o)
	for range 100 {
		p := enter(t, d, "192.0.2.1:1")
		if err := d.EnterUser(t.Context(), p, "ann"); err != nil {
			t.Fatal(err)
		}
		if p.Read(1<<30) != 0 {
			t.Error("bytes are limited")
		}
		if retry, expel := p.Packet(); retry != 0 || expel {
			t.Error("events are limited")
		}
	}
	if d.ips.len() != 0 || d.users.len() != 0 {
		t.Error("something is kept")
	}
}
