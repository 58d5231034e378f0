package socketio_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// drain is a client over WebSocket that joins "/" and reads what comes without a look.
func drain(b *testing.B, url string) {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	frame := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("40"))))
	_, err = fmt.Fprintf(conn, "GET /?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n%s", frame)
	if err != nil {
		b.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, conn) }()
}

// BenchmarkBroadcast is one event to all members, 32 of them in flight; the time is that
// of one broadcast until all frames are written.
func BenchmarkBroadcast(b *testing.B) {
	for _, members := range []int{0, 1, 64, 500} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			srv, err := socketio.New(&socketio.Options{Engine: engineio.Options{OutboxLimit: 1 << 30, OutboxMax: 1 << 30}})
			if err != nil {
				b.Fatal(err)
			}
			web := httptest.NewServer(http.HandlerFunc(srv.ServeHTTP))
			b.Cleanup(func() {
				if err := srv.Close(b.Context()); err != nil {
					b.Log(err)
				}
				web.Close()
			})
			for range members {
				drain(b, web.URL)
			}
			for srv.Of("/").Len() < members {
				runtime.Gosched()
			}
			begun := srv.Engine().Stats().MessagesOut
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				if err := srv.Emit("msg", "some text of usual length, as people write it in rooms"); err != nil {
					b.Fatal(err)
				}
				for n++; n%32 == 0 && srv.Engine().Stats().MessagesOut < begun+uint64(n*members); {
					runtime.Gosched()
				}
			}
		})
	}
}
