package socketio_test

import (
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// TestReadySaysWhetherAnEventWouldGoOutAtOnce: not while the client takes nothing, and not
// when it is gone.
func TestReadySaysWhetherAnEventWouldGoOutAtOnce(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	sockettest.Eventually(t, "an idle connection is ready", s.Ready)
	c.Stop()
	big := make([]byte, 1<<20)
	for range 12 { // more than the kernel takes
		if err := s.Emit("big", big); err != nil {
			t.Fatal(err)
		}
	}
	if s.Ready() {
		t.Error("a connection is ready that takes nothing")
	}
	c.Cut()
	other, b := join(t, srv)
	gone := socketOf(t, srv, b)
	sockettest.Eventually(t, "another connection is ready", gone.Ready)
	other.Cut()
	sockettest.Eventually(t, "who is gone is not ready", func() bool { return !gone.Ready() })
}
