package engineio

import (
	"testing"

	"github.com/sockeye-io/sockeye/server/engineio/wire"
)

// A ping that is due before the client has its handshake does not overtake it; another
// one stands for both.
func TestAPingDoesNotOvertakeTheOpenPacket(t *testing.T) {
	t.Parallel()
	open, ping, message := control(wire.Open, "{}"), control(wire.Ping, ""), NewMessage(Part{Data: []byte("x")})
	for name, first := range map[string]*Message{"open": open, "head of a stream": rawFrame([]byte("HTTP/1.1 200 OK"))} {
		var o outbox
		o.push(entry{m: first})
		o.push(entry{m: message})
		o.pushControl(ping)
		o.pushControl(ping)
		o.pushControl(wsPing)
		o.pushControl(wsPing)
		want := []*Message{first, wsPing, ping, message}
		if len(o.queue) != len(want) {
			t.Fatalf("%s: %d entries, want %d", name, len(o.queue), len(want))
		}
		for i, m := range want {
			if o.queue[i].m != m {
				t.Errorf("%s: entry %d is another", name, i)
			}
		}
	}
}
