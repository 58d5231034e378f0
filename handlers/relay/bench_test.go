package relay_test

import (
	"testing"

	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// BenchmarkSay is the way of an event from one client through the relay to a room of
// one and back, acknowledged: with nobody asked what a client may, and with auth.Rooms.
func BenchmarkSay(b *testing.B) {
	for _, c := range []struct {
		name   string
		access auth.Access
	}{{"open", nil}, {"rooms", auth.Rooms{}}} {
		b.Run(c.name, func(b *testing.B) {
			srv := sockettest.Serve(b, &socketio.Options{})
			if err := relay.Mount(srv.Server, relay.Config{Access: c.access}); err != nil {
				b.Fatal(err)
			}
			client := sockettest.Dial(b, srv.URL)
			client.Connect("/", "")
			client.Send(`20["join","r"]`)
			client.Expect(`30["ok"]`)
			b.ReportAllocs()
			for b.Loop() {
				client.Send(`21["say","r","hello"]`)
				client.Next()
				client.Next()
			}
		})
	}
}
