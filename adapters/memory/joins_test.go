package memory

import (
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// With recovery on, a broadcast to a large room holds the delivery lock until every
// member has it. Who enters and leaves rooms meanwhile does not wait for that.
func TestJoinDoesNotWaitForADelivery(t *testing.T) {
	srv := sockettest.Serve(t, &socketio.Options{Adapter: New(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute}})
	sockets := make(chan *socketio.Socket, 1)
	srv.Of("/").OnConnection(func(s *socketio.Socket) { sockets <- s })
	c := sockettest.Dial(t, srv.URL)
	c.Connect("/", "")
	s := sockettest.Receive(t, "the socket", sockets)
	a, ok := srv.Of("/").Adapter().(*Adapter)
	if !ok {
		t.Fatal("another adapter")
	}
	moved := make(chan error, 1)
	a.mu.Lock() // as a delivery does
	defer a.mu.Unlock()
	go func() {
		err := s.Join("crowd")
		s.Leave("crowd")
		moved <- err
	}()
	if err := sockettest.Receive(t, "a join and a leave", moved); err != nil {
		t.Error(err)
	}
}
