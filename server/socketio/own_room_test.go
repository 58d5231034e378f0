package socketio_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// The room of a client that was cut off used to look like any other until it was
// back, so that who entered it heard what was meant for that client.
func TestTheRoomOfAClientThatIsAwayStaysItsOwn(t *testing.T) {
	srv := recovering(t, nil)
	ns := srv.Of("/")
	var during bool
	refuse := errors.New("not now")
	turn := make(chan error, 1)
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		if !s.Recovered() {
			return nil
		}
		during = ns.OwnRoom(s.ID())
		return <-turn
	})
	r := arrive(t, srv)
	id := r.answer.SID
	if !ns.OwnRoom(id) || ns.OwnRoom("lobby") || ns.OwnRoom(strings.Repeat("x", len(id))) {
		t.Error("while it is connected")
	}
	r.cut()
	if !ns.OwnRoom(id) {
		t.Error("while it is away")
	}
	turn <- refuse
	c := sockettest.Dial(t, srv.URL)
	c.Send(`0{"pid":"` + r.answer.PID + `"}`)
	c.Expect(`4{"message":"not now"}`)
	if !during || !ns.OwnRoom(id) {
		t.Errorf("while middleware ran: %v, and after it refused: %v", during, ns.OwnRoom(id))
	}
	turn <- nil
	if !r.back() {
		t.Fatal("not recovered")
	}
	r.fence()
	if !during || !ns.OwnRoom(id) {
		t.Errorf("while middleware ran: %v, and after it came back: %v", during, ns.OwnRoom(id))
	}
	s := socketOf(t, srv, r.answer)
	r.Send("1")
	sockettest.Receive(t, "the end", s.Context().Done())
	sockettest.Eventually(t, "the room is anyone's once its owner has left", func() bool { return !ns.OwnRoom(id) })
}
