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
	keeps(t, newServer(), load.JSON, []load.Work{
		{Kind: load.Connect, Clients: 20},
		{Kind: load.Fanout, Clients: 20, Window: 1, Messages: 50},
		{Kind: load.Fanout, Clients: 20, Window: 32, Publishers: 4, Messages: 500},
		{Kind: load.Fanout, Clients: 20, Rooms: 5, Window: 8, Messages: 100},
		{Kind: load.Fanout, Clients: 3, Payload: 5000, Messages: 50},
		{Kind: load.Fanout, Clients: 3, Payload: 5000, Binary: true, Messages: 50},
		{Kind: load.Echo, Clients: 20, Window: 32, Messages: 100},
		{Kind: load.Echo, Clients: 20, Window: 32, Binary: true, Messages: 100},
		{Kind: load.Idle, Clients: 20, Settle: 100 * time.Millisecond},
	})
}

func TestFloorKeepsItInMessagePack(t *testing.T) {
	s := newServer()
	s.msgpack = true
	keeps(t, s, load.MsgPack, []load.Work{
		{Kind: load.Fanout, Clients: 20, Window: 8, Messages: 50},
		{Kind: load.Fanout, Clients: 3, Payload: 5000, Binary: true, Messages: 50},
		{Kind: load.Echo, Clients: 20, Window: 32, Messages: 100},
	})
}

func keeps(t *testing.T, s *server, parser load.Parser, all []load.Work) {
	t.Helper()
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, ln) }()
	for _, w := range all {
		w.Baseline, w.Parser = 2, parser
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
