package socketio_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// heap returns the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools gave up
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What is kept for recovery used to hold the whole packets that its arguments
// came with, and counted the arguments alone.
func TestKeptEventsHoldNoMoreThanIsAllowed(t *testing.T) {
	const limit = 1 << 20
	for name, message := range map[string]string{
		"white space": `2["say",` + strings.Repeat(" ", 300_000) + `1]`,
		"a part":      `2["say",1,"` + strings.Repeat("x", 300_000) + `"]`,
		"all of it":   `2["say","` + strings.Repeat("x", 300_000) + `"]`,
	} {
		srv := serve(t, &socketio.Options{
			Adapter: memory.New(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute, MaxBytes: limit},
		})
		srv.On("say", func(_ context.Context, e *socketio.Event) { _ = srv.Emit("msg", e.Args().At(0)) })
		c, _ := join(t, srv)
		before := heap()
		for range 30 {
			c.Send(message)
			c.Next()
		}
		c.Fence()
		sockettest.Eventually(t, name+": a heap that keeps what is allowed", func() bool { return heap()-before <= 2*limit })
	}
}

// A kept packet used to hold every encoding that some client had needed.
func TestKeptEventsHoldNoEncodings(t *testing.T) {
	const limit = 8 << 20
	srv := serve(t, &socketio.Options{
		Engine:  engineio.Options{AllowEIO3: true},
		Adapter: memory.New(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute, MaxBytes: limit},
	})
	a, _ := join(t, srv)
	m := sockettest.Dial(t, srv.URL)
	m.SendBinary([]byte("\x82\xa4type\x00\xa3nsp\xa1/"))
	m.Next()
	old := sockettest.Dial3(t, srv.URL)
	old.Next()
	before := heap()
	for range 100 {
		_ = srv.Emit("msg", make([]byte, 100_000))
		for _, c := range []*sockettest.Client{a, a, m, old, old} {
			c.Next()
		}
	}
	sockettest.Eventually(t, "a heap that keeps what is allowed", func() bool { return heap()-before <= limit*5/4 })
}
