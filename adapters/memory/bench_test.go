package memory

import (
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// BenchmarkBroadcast is an event that is kept, without recipients.
func BenchmarkBroadcast(b *testing.B) {
	in, err := socketio.NewRaw(map[string]any{"room": "a", "text": "some text of usual length"})
	if err != nil {
		b.Fatal(err)
	}
	for name, args := range map[string][]any{"relayed": {in}, "encoded": {"a", 1, "some text"}} {
		b.Run(name, func(b *testing.B) {
			a := node(b, socketio.Recovery{MaxDisconnection: time.Minute})
			b.ReportAllocs()
			for b.Loop() {
				emit(b, a, args...)
			}
		})
	}
}
