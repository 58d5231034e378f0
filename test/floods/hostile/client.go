package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"github.com/gobwas/ws"
)

// beat is how often a client acts; it then does all that is due.
const beat = 20 * time.Millisecond

// client is one hostile client. One goroutine uses it.
type client struct {
	addr  string
	from  net.IP
	rate  int
	tally *tally
}

// dial opens a TCP connection from the client's address.
func (c *client) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: c.from}, Timeout: 2 * time.Second}
	conn, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil && ctx.Err() == nil {
		c.tally.Refused.Add(1)
	}
	return conn, err
}

// open opens a WebSocket in the namespace "/", or returns nil.
func (c *client) open(ctx context.Context) net.Conn {
	d := ws.Dialer{Timeout: 2 * time.Second, NetDial: func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx) }}
	conn, br, _, err := d.Dial(ctx, "ws://"+c.addr+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		if ctx.Err() == nil {
			c.tally.Refused.Add(1)
		}
		return nil
	}
	if br != nil {
		ws.PutReader(br) // its packets do not matter
	}
	if _, err := conn.Write(text("40")); err != nil {
		_ = conn.Close()
		return nil
	}
	c.tally.Connected.Add(1)
	return conn
}

// text is a frame with a text message.
func text(s string) []byte {
	return ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(s))))
}

// limited is in the answers to what is too much.
var limited = [][]byte{[]byte("rate_limited"), []byte("too_many"), []byte(`"limit"`)}

// hear reads what comes, counts what says that it is too much, and answers pings.
func (c *client) hear(conn net.Conn, gone context.CancelFunc) {
	defer gone()
	buf := make([]byte, 16<<10)
	for {
		n, err := conn.Read(buf)
		for _, word := range limited {
			c.tally.Limited.Add(int64(bytes.Count(buf[:n], word)))
		}
		if bytes.Contains(buf[:n], []byte("\x81\x012")) { // a ping of Engine.IO
			_, _ = conn.Write(text("3"))
		}
		if err != nil {
			return
		}
	}
}

// flood opens a WebSocket and sends what make returns, at the client's rate, until the
// server ends it or ctx is done.
func (c *client) flood(ctx context.Context, frame func(i int) []byte) {
	conn := c.open(ctx)
	if conn == nil {
		return
	}
	defer conn.Close()
	here, gone := context.WithCancel(ctx)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		c.hear(conn, gone)
	}()
	i := 0
	c.pace(here, func(n int) bool {
		var batch []byte
		for range n {
			batch = append(batch, frame(i)...)
			i++
		}
		_ = conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
		sent, err := conn.Write(batch)
		c.tally.Bytes.Add(int64(sent))
		c.tally.Sent.Add(int64(n))
		return err == nil
	})
	if ctx.Err() == nil {
		c.tally.Ended.Add(1)
	}
	_ = conn.Close()
	<-heard
}

// pace calls f with how many actions are due, until it returns false or ctx is done.
// What could not be done in time is not made up for.
func (c *client) pace(ctx context.Context, f func(n int) bool) {
	time.Sleep(rand.N(beat)) // they do not march in step
	tick := time.NewTicker(beat)
	defer tick.Stop()
	due := 0.0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		due += float64(c.rate) * beat.Seconds()
		n := int(due)
		due -= float64(n)
		if n > 0 && !f(n) {
			return
		}
	}
}

// rest is what a client waits before it begins anew.
func (c *client) rest(ctx context.Context) {
	timer := time.NewTimer(100 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// ask sends a request on a connection of its own and reports whether it was granted.
func (c *client) ask(ctx context.Context, request string) (ok bool) {
	conn, err := c.dial(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		return false
	}
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil {
		return false
	}
	if bytes.HasSuffix(answer, []byte(" 429")) {
		c.tally.Limited.Add(1)
	}
	return bytes.HasSuffix(answer, []byte(" 200"))
}
