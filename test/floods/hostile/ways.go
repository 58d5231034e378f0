package main

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// ways are the ways to send too much. Each returns when the server does not want any
// more, and is begun again.
var ways = map[string]func(context.Context, *client){
	"events":     events,
	"bytes":      garbage,
	"handshakes": handshakes,
	"namespaces": namespaces,
	"rooms":      rooms,
	"half-open":  halfOpen,
}

// events sends events, every other one with an acknowledgement.
func events(ctx context.Context, c *client) {
	c.flood(ctx, func(i int) []byte {
		if i%2 == 0 {
			return text(`42["echo","x"]`)
		}
		return text("42" + strconv.Itoa(i) + `["echo","x"]`)
	})
}

// garbage sends bytes of which little becomes an event: noops, pings, pongs, answers to
// nothing, pieces of a message, and long events.
func garbage(ctx context.Context, c *client) {
	long := strings.Repeat("x", 16<<10)
	kinds := [][]byte{
		text("6" + long),
		text(`43999["` + long + `"]`),
		text(`42["echo","` + long + `"]`),
		ws.MustCompileFrame(ws.MaskFrame(ws.NewPingFrame([]byte(strings.Repeat("p", 125))))),
		ws.MustCompileFrame(ws.MaskFrame(ws.NewPongFrame(nil))),
		ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(ws.OpText, false, []byte("6")))),
		ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(ws.OpContinuation, false, nil))),
		ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, []byte(long)))),
	}
	c.flood(ctx, func(i int) []byte { return kinds[i%len(kinds)] })
}

// handshakes opens sessions by polling and forgets them, and sends requests for sessions
// that never were.
func handshakes(ctx context.Context, c *client) {
	n := 0
	c.pace(ctx, func(due int) bool {
		for range due {
			n++
			c.tally.Sent.Add(1)
			query := "EIO=4&transport=polling"
			if n%4 == 0 {
				query += "&sid=AAAAAAAAAAAAAAAAAAAAAAAA"
			}
			if c.ask(ctx, "GET /socket.io/?"+query+" HTTP/1.1\r\nHost: hostile\r\n\r\n") {
				c.tally.Connected.Add(1)
			} else if ctx.Err() == nil {
				c.tally.Refused.Add(1)
			}
		}
		return true
	})
}

// namespaces connects to namespaces, to those of a pattern and to others.
func namespaces(ctx context.Context, c *client) {
	c.flood(ctx, func(i int) []byte {
		if i%4 == 0 {
			return text("40/none-" + strconv.Itoa(i) + ",")
		}
		return text("40/n-" + strconv.Itoa(i) + ",")
	})
}

// rooms joins one room after the other.
func rooms(ctx context.Context, c *client) {
	c.flood(ctx, func(i int) []byte {
		n := strconv.Itoa(i)
		return text("42" + n + `["join","room ` + n + `"]`)
	})
}

// halfOpen opens connections that never become a session, or one that is never used: silent
// ones, half a header, a header of a byte a second, and WebSockets whose answer nobody reads.
func halfOpen(ctx context.Context, c *client) {
	const most = 400 // of one client at once
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	n := 0
	slow := time.NewTicker(time.Second)
	defer slow.Stop()
	c.pace(ctx, func(due int) bool {
		for range due {
			if len(open) == most {
				_ = open[0].Close()
				open = open[1:]
			}
			conn, err := c.dial(ctx)
			if err != nil {
				return ctx.Err() == nil
			}
			c.tally.Sent.Add(1)
			n++
			begin := []string{
				"", "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nX-Half: ", "GET /socket.io/?EIO=4&tr",
				"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
					"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
			}[n%4]
			_, _ = io.WriteString(conn, begin)
			open = append(open, conn)
		}
		select {
		case <-slow.C:
			for _, conn := range open {
				_ = conn.SetWriteDeadline(time.Now().Add(time.Millisecond))
				_, _ = io.WriteString(conn, "x")
			}
		default:
		}
		return true
	})
}
