package limit

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestEventsAboveTheRateAreRefusedAndSaidWhen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &heard{}
		p := enter(t, New(&Options{Events: Rate{PerSecond: 10, Burst: 20}, Observer: h}), "192.0.2.1:1")
		for i := range 20 {
			if retry, _ := p.Packet(); retry != 0 {
				t.Fatalf("event %d of the burst is refused", i)
			}
		}
		retry, expel := p.Packet()
		if retry != 100*time.Millisecond || expel {
			t.Fatalf("got %v, %v", retry, expel)
		}
		if !p.Notify() || p.Notify() {
			t.Error("the client is told not once")
		}
		time.Sleep(retry) //nolint:forbidigo // in a bubble
		if retry, _ := p.Packet(); retry != 0 {
			t.Errorf("after that time: %v", retry)
		}
		if h.of(Events, Refused) != 1 {
			t.Errorf("heard %v", h.hits)
		}
	})
}

func TestWhoGoesOnAboveTheRateIsExpelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &heard{}
		p := enter(t, New(&Options{Events: Rate{PerSecond: 10, Burst: 10}, Observer: h}), "192.0.2.1:1")
		began := time.Now()
		for {
			if _, expel := p.Packet(); expel {
				break
			}
			time.Sleep(50 * time.Millisecond) //nolint:forbidigo // in a bubble
		}
		if took := time.Since(began); took < streakTime || took > streakTime+3*time.Second {
			t.Errorf("expelled after %v", took)
		}
		if h.of(Events, Disconnected) != 1 {
			t.Errorf("heard %v", h.hits)
		}
	})
}

func TestWhoPausesIsNotExpelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := enter(t, New(&Options{Events: Rate{PerSecond: 10, Burst: 10}}), "192.0.2.1:1")
		for range 30 {
			for range 25 { // now and then too much at once
				if _, expel := p.Packet(); expel {
					t.Fatal("expelled")
				}
			}
			time.Sleep(2 * time.Second) //nolint:forbidigo // in a bubble
		}
	})
}

func TestTenTimesTheRateIsExpelledAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := enter(t, New(&Options{Events: Rate{PerSecond: 10, Burst: 10}}), "192.0.2.1:1")
		n := 0
		for expel := false; !expel; n++ {
			_, expel = p.Packet()
		}
		if n != 10+10*abuseFactor+10 {
			t.Errorf("expelled after %d", n)
		}
	})
}

// An app that draws was disconnected for good when its network was back after half a
// minute.
func TestWhatWasGatheredWhileTheNetworkWasAwayDoesNotExpel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := enter(t, New(&Options{Events: Rate{PerSecond: 200, Burst: 2000}}), "192.0.2.1:1")
		for n := range 120 * 45 {
			if _, expel := p.Packet(); expel {
				t.Fatalf("expelled after %d", n)
			}
		}
	})
}

func TestBytesAboveTheRateTakeTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &heard{}
		p := enter(t, New(&Options{Bytes: Rate{PerSecond: 1000, Burst: 4000}, Observer: h}), "192.0.2.1:1")
		began := time.Now()
		for range 20 {
			time.Sleep(p.Read(1000)) //nolint:forbidigo // in a bubble
		}
		if took := time.Since(began); took != 16*time.Second {
			t.Errorf("20,000 bytes took %v", took)
		}
		if wait := p.Read(10_000); wait != 10*time.Second { // more than the burst at once
			t.Errorf("10,000 bytes at once: %v", wait)
		}
		if h.of(Bytes, Paused) == 0 {
			t.Errorf("heard %v", h.hits)
		}
	})
}

// A new connection brings a new burst, but not to who opens one after the other.
func TestManyConnectionsBringNotManyBursts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := New(&Options{IPHandshakes: Rate{PerSecond: 1, Burst: 10}, Events: Rate{PerSecond: 1, Burst: 100}, Bytes: Rate{PerSecond: 1, Burst: 100}})
		events, bytes := 0, 0
		for range 10 {
			p := enter(t, d, "192.0.2.1:1")
			for retry, _ := p.Packet(); retry == 0; retry, _ = p.Packet() {
				events++
			}
			for p.Read(1) == 0 {
				bytes++
			}
			p.Leave()
		}
		if events < 430 || events > 470 || bytes < 430 || bytes > 470 { // 90 + 80 + ... + 0
			t.Errorf("%d events and %d bytes", events, bytes)
		}
	})
}

// Who comes last of a crowd behind one address began with no events at all, so that what
// its app said first was refused.
func TestTheLastOfACrowdMaySayWhatAnAppSaysFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := New(&Options{IPHandshakes: Rate{PerSecond: 1, Burst: 10}, Events: Rate{PerSecond: 20, Burst: 200}})
		var last *Pass
		for range 10 {
			last = enter(t, d, "192.0.2.1:1")
		}
		for n := range 20 {
			if retry, _ := last.Packet(); retry != 0 {
				t.Fatalf("event %d is refused", n)
			}
		}
		if retry, _ := last.Packet(); retry == 0 {
			t.Error("it had more than a second's worth")
		}
	})
}

func BenchmarkPacket(b *testing.B) {
	p, err := New(&Options{Events: Rate{PerSecond: 1e9, Burst: 1e9}}).Enter(b.Context(), "192.0.2.1:1")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Packet()
	}
}

func BenchmarkEnterAndLeave(b *testing.B) {
	d := New(&Options{IPConnections: 1 << 30, IPHandshakes: Rate{PerSecond: 1e9, Burst: 1e9}})
	b.ReportAllocs()
	for b.Loop() {
		p, err := d.Enter(b.Context(), "192.0.2.1:1")
		if err != nil {
			b.Fatal(err)
		}
		p.Leave()
	}
}
