package carry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// closes reads up to the close frame and returns its code.
func (k *socket) closes() int {
	k.t.Helper()
	for {
		_, _, err := k.read()
		var closed wsutil.ClosedError
		switch {
		case err == nil:
		case errors.As(err, &closed):
			return int(closed.Code)
		default:
			return 0 // cut
		}
	}
}

// A node that stops has the sessions end whose WebSockets come through it: with what is
// queued before, and a close frame.
func TestDrainEndsTheSessionsOfItsWebSocketsInOrder(t *testing.T) {
	t.Parallel()
	c := start(t, 3, setup{})
	var sockets []*socket
	for range 5 {
		sockets = append(sockets, c.open(0).upgrade(1, 2))
	}
	ending := slices.Clone(c.nodes[0].open)
	own, other := c.open(1).upgrade(1, 1), c.open(0).upgrade(2, 2) // by other ways
	for i, s := range ending {
		eventually(t, "the upgrade is complete", func() bool { return s.Transport() == engineio.TransportWebSocket })
		text := []byte(fmt.Sprint("number ", i))
		if err := s.Send(engineio.NewMessage(engineio.Part{Data: text}), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.nodes[1].carrier.Drain(t.Context(), 100*time.Millisecond); err != nil {
		t.Error(err)
	}
	for i, k := range sockets {
		k.expect(fmt.Sprint("4number ", i))
		if code := k.closes(); code != int(ws.StatusGoingAway) {
			t.Errorf("close code %d", code)
		}
		k.conn.Close()
		c.nodes[0].ended(engineio.ReasonShutdown, engineio.DetailDrain)
	}
	for _, k := range []*socket{own, other} {
		k.send("4x")
		k.expect("4x")
	}
	eventually(t, "nothing is relayed", func() bool { return c.nodes[1].carrier.Relays() == 0 })
}

func TestDrainCutsWebSocketsWhoseOwnersCannotEndThem(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{old: true})
	k := c.open(0).upgrade(1, 1)
	if err := c.nodes[1].carrier.Drain(t.Context(), time.Hour); err != nil {
		t.Error(err)
	}
	if code := k.closes(); code != 0 {
		t.Errorf("close code %d", code)
	}
	c.nodes[0].ended(engineio.ReasonTransportClose, engineio.DetailConnectionLost)
}

func TestDrainIsEvenAndBoundByItsContext(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	for range 3 {
		k := c.open(0).upgrade(1, 1)
		go k.closes()
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.nodes[1].carrier.Drain(ctx, time.Hour) }()
	c.nodes[0].ended(engineio.ReasonShutdown, engineio.DetailDrain)
	cancel()
	if err := await(t, "Drain", done); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := c.nodes[0].engine.Len(); n != 2 {
		t.Errorf("%d sessions are left", n)
	}
}

// A balancer may not have noticed yet that the node stops.
func TestWebSocketsThatBeginDuringADrainAreEndedToo(t *testing.T) {
	t.Parallel()
	c := start(t, 2, setup{})
	for range 3 {
		k := c.open(0).upgrade(1, 1)
		go k.closes()
	}
	done := make(chan error, 1)
	go func() { done <- c.nodes[1].carrier.Drain(t.Context(), 4*time.Second) }()
	c.nodes[0].ended(engineio.ReasonShutdown, engineio.DetailDrain)
	late := c.open(0).upgrade(1, 1)
	if err := await(t, "Drain", done); err != nil {
		t.Error(err)
	}
	if code := late.closes(); code != int(ws.StatusGoingAway) {
		t.Errorf("close code %d", code)
	}
}
