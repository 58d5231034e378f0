package main

import (
	"context"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/bench/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFloorKeepsTheRelayContract(t *testing.T) {
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- newServer().serve(ctx, ln) }()
	for _, w := range []load.Work{
		{Kind: load.Connect, Clients: 20},
		{Kind: load.Fanout, Clients: 20, Window: 1, Messages: 50},
		{Kind: load.Fanout, Clients: 20, Window: 32, Publishers: 4, Messages: 500},
		{Kind: load.Fanout, Clients: 3, Payload: 5000, Messages: 50},
		{Kind: load.Echo, Clients: 20, Window: 32, Messages: 100},
		{Kind: load.Idle, Clients: 20, Settle: 100 * time.Millisecond},
	} {
		w.Baseline = 2
		r, err := load.Run(t.Context(), load.Target{URL: "http://" + ln.Addr().String()}, w)
		if err != nil {
			t.Fatal(err)
		}
		if r.Failure() != "" || r.Delivered != r.Expected {
			t.Errorf("%s, window %d: failure %q, delivered %d of %d", w.Kind, w.Window, r.Failure(), r.Delivered, r.Expected)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
