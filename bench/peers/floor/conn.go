package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"syscall"

	"github.com/gobwas/ws"
)

// maxWrite is how much one write coalesces at most, in bytes.
const maxWrite = 64 << 10

var (
	readBuffers  = sync.Pool{New: func() any { return new([16 << 10]byte) }}
	writeBuffers = sync.Pool{New: func() any { return new([maxWrite]byte) }}
)

type conn struct {
	conn   net.Conn
	server *server
	sid    string
	rooms  []string // guarded by server.mu

	// Owned by the reading side.
	partial []byte // an incomplete frame
	event   event  // a binary event whose attachments are still to come
	missing int    // so many of them

	mu      sync.Mutex
	queue   [][]byte
	writing bool
}

// send queues a frame, and starts a writer if there is none.
func (c *conn) send(frame []byte) {
	c.mu.Lock()
	c.queue = append(c.queue, frame)
	start := !c.writing
	c.writing = true
	c.mu.Unlock()
	if start {
		go c.write()
	}
}

// ok acknowledges a packet that asks for it.
func (c *conn) ok(e event) {
	if len(e.id) > 0 {
		c.send(text("43", e.id, []byte(`["ok"]`)))
	}
}

// write writes all that waits and goes away.
func (c *conn) write() {
	var spare [][]byte
	for {
		c.mu.Lock()
		queue := c.queue
		if len(queue) == 0 {
			c.writing = false
			c.mu.Unlock()
			return
		}
		c.queue = spare
		c.mu.Unlock()
		if err := c.writeAll(queue); err != nil {
			_ = c.conn.Close() // the reader ends it
		}
		clear(queue)
		spare = queue[:0]
	}
}

func (c *conn) writeAll(queue [][]byte) error {
	if len(queue) == 1 {
		_, err := c.conn.Write(queue[0])
		return err
	}
	buf, ok := writeBuffers.Get().(*[maxWrite]byte)
	if !ok {
		return errors.New("pool")
	}
	defer writeBuffers.Put(buf)
	out := buf[:0]
	for _, frame := range queue {
		if len(out)+len(frame) > maxWrite && len(out) > 0 {
			if _, err := c.conn.Write(out); err != nil {
				return err
			}
			out = out[:0]
		}
		out = append(out, frame...)
	}
	_, err := c.conn.Write(out)
	return err
}

// read takes frames until the connection ends. A buffer is held only while
// there are bytes: the descriptor is read once it is ready.
func (c *conn) read() {
	sc, ok := c.conn.(syscall.Conn)
	if !ok {
		return
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	for {
		var n int
		var readErr error
		err := raw.Read(func(fd uintptr) bool {
			buf, ok := readBuffers.Get().(*[16 << 10]byte)
			if !ok {
				return true
			}
			defer readBuffers.Put(buf)
			n, readErr = syscall.Read(int(fd), buf[:])
			if errors.Is(readErr, syscall.EAGAIN) {
				return false
			}
			if n > 0 {
				readErr = c.feed(buf[:n])
			}
			return true
		})
		if err != nil || readErr != nil || n <= 0 {
			return
		}
	}
}

// feed cuts p into frames. Clients of the bench send neither fragments nor
// frames above 64 KiB.
func (c *conn) feed(p []byte) error {
	if len(c.partial) > 0 {
		p = append(c.partial, p...)
		c.partial = nil
	}
	for len(p) >= 2 {
		head, size := 6, int(p[1]&0x7f)
		if size == 126 && len(p) >= 4 {
			head, size = 8, int(p[2])<<8|int(p[3])
		}
		if len(p) < head+size || size == 126 && head == 6 {
			break
		}
		if p[0]&0x0f == byte(ws.OpClose) {
			return io.EOF
		}
		payload := p[head : head+size]
		ws.Cipher(payload, [4]byte(p[head-4:head]), 0)
		switch binary := p[0]&0x0f == byte(ws.OpBinary); {
		case binary && c.server.msgpack:
			c.server.packed(c, payload)
		case binary:
			c.server.attachment(c, payload)
		default:
			c.server.packet(c, payload)
		}
		p = p[head+size:]
	}
	if len(p) > 0 {
		c.partial = append([]byte(nil), p...)
	}
	return nil
}
