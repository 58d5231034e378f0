package sockettest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// Frame is one Socket.IO message as it came, without the Engine.IO type.
type Frame struct {
	Text   string
	Binary []byte // nil for text
}

// Client is a WebSocket connection that answers pings and nothing else.
type Client struct {
	t    testing.TB
	conn net.Conn
	eio  int
	mute bool

	mu sync.Mutex // serializes writes

	frames  chan Frame
	stop    atomic.Bool   // read no more
	stopped chan struct{} // closed at the end of the test
	done    chan struct{} // closed when the server has closed the connection
}

// Dial opens a connection of Engine.IO protocol 4 and reads its handshake.
func Dial(t testing.TB, url string) *Client {
	t.Helper()
	return dial(t, url, 4, false)
}

// DialMute opens a connection that answers no pings.
func DialMute(t testing.TB, url string) *Client {
	t.Helper()
	return dial(t, url, 4, true)
}

// Dial3 opens a connection of Engine.IO protocol 3.
func Dial3(t testing.TB, url string) *Client {
	t.Helper()
	return dial(t, url, 3, false)
}

func dial(t testing.TB, url string, eio int, mute bool) *Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Wait)
	defer cancel()
	sep := "/socket.io/?"
	if strings.Contains(url, "?") {
		sep = "&"
	}
	target := fmt.Sprintf("%s%sEIO=%d&transport=websocket", strings.Replace(url, "http", "ws", 1), sep, eio)
	conn, br, _, err := ws.Dial(ctx, target)
	if err != nil {
		t.Fatalf("dialing %s: %v", target, err)
	}
	c := &Client{t: t, conn: conn, eio: eio, mute: mute, frames: make(chan Frame, 1<<16), done: make(chan struct{}), stopped: make(chan struct{})}
	var r io.Reader = conn
	if br != nil {
		r = br
	}
	opened := make(chan struct{})
	go c.read(r, opened)
	t.Cleanup(func() {
		close(c.stopped)
		_ = conn.Close()
		<-c.done
	})
	Receive(t, "Engine.IO handshake", opened)
	return c
}

func (c *Client) read(r io.Reader, opened chan struct{}) {
	defer close(c.done)
	rw := struct {
		io.Reader
		io.Writer
	}{r, io.Discard}
	for {
		if c.stop.Load() {
			<-c.stopped
			return
		}
		data, op, err := wsutil.ReadServerData(rw)
		if err != nil {
			return
		}
		if op == ws.OpBinary {
			if c.eio == 3 {
				data = data[1:]
			}
			c.frames <- Frame{Binary: data}
			continue
		}
		switch {
		case len(data) > 0 && data[0] == '0' && opened != nil:
			close(opened)
			opened = nil
		case string(data) == "2":
			if !c.mute {
				c.write(ws.OpText, []byte("3"))
			}
		case len(data) > 0 && data[0] == '4':
			c.frames <- Frame{Text: string(data[1:])}
		}
	}
}

func (c *Client) write(op ws.OpCode, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = wsutil.WriteClientMessage(c.conn, op, data) // a test notices by what does not come
}

// Send sends a text message.
func (c *Client) Send(text string) { c.write(ws.OpText, []byte("4"+text)) }

// SendBinary sends a binary message.
func (c *Client) SendBinary(data []byte) {
	if c.eio == 3 {
		data = append([]byte{4}, data...)
	}
	c.write(ws.OpBinary, data)
}

// Next returns the next message.
func (c *Client) Next() Frame {
	c.t.Helper()
	select {
	case f := <-c.frames:
		return f
	default:
	}
	select {
	case f := <-c.frames:
		return f
	case <-c.done:
		select {
		case f := <-c.frames:
			return f
		default:
		}
		c.t.Fatal("the server closed the connection while a message was awaited")
	case <-time.After(Wait):
		c.t.Fatal("no message came")
	}
	panic("unreachable")
}

// Expect fails unless the next message is this text.
func (c *Client) Expect(text string) {
	c.t.Helper()
	f := c.Next()
	if f.Binary != nil {
		c.t.Fatalf("got %d binary bytes, want %q", len(f.Binary), text)
	}
	if f.Text != text {
		c.t.Fatalf("got %q, want %q", f.Text, text)
	}
}

// ExpectBinary fails unless the next message is binary with these bytes.
func (c *Client) ExpectBinary(want string) {
	c.t.Helper()
	f := c.Next()
	if f.Binary == nil || string(f.Binary) != want {
		c.t.Fatalf("got %q %q, want binary %q", f.Text, f.Binary, want)
	}
}

// Answer is the server's answer to CONNECT.
type Answer struct {
	SID string `json:"sid"`
	PID string `json:"pid"`
}

// Connect connects to a namespace; auth is JSON, or empty.
func (c *Client) Connect(namespace, auth string) Answer {
	c.t.Helper()
	prefix := "0"
	if namespace != "/" {
		prefix += namespace + ","
	}
	c.Send(prefix + auth)
	f := c.Next()
	rest, ok := strings.CutPrefix(f.Text, prefix)
	var a Answer
	if !ok || json.Unmarshal([]byte(rest), &a) != nil {
		c.t.Fatalf("got %q in answer to CONNECT %s", f.Text, namespace)
	}
	return a
}

// Fence fails if a message came that was not awaited: it sends an event "fence"
// with an acknowledgement, which handlers registered with Fence answer, and
// expects the answer next. Only for the namespace "/".
func (c *Client) Fence() {
	c.t.Helper()
	c.Send(`2987654["fence"]`)
	c.Expect(`3987654[]`)
}

// ExpectClose waits until the server has closed the connection.
func (c *Client) ExpectClose() {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(Wait):
		c.t.Fatal("the connection stayed open")
	}
}

// Cut closes the TCP connection without a word.
func (c *Client) Cut() { _ = c.conn.Close() }

// Open reports whether the server has not closed the connection.
func (c *Client) Open() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// ExpectNothing fails if there is a message that was not taken.
func (c *Client) ExpectNothing() {
	c.t.Helper()
	select {
	case f := <-c.frames:
		c.t.Fatalf("got %q %q, want nothing", f.Text, f.Binary)
	default:
	}
}

// Stop makes the client read no more after the next message.
func (c *Client) Stop() { c.stop.Store(true) }

// Frames gives the messages that came and were not taken.
func (c *Client) Frames() <-chan Frame { return c.frames }
