package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/gobwas/ws"
)

// server is the floor. Each connection has one goroutine that reads and, while
// something waits for it, one that writes.
type server struct {
	msgpack bool // what clients send is MessagePack
	tasks   sync.WaitGroup

	mu    sync.Mutex
	conns map[*conn]struct{}
	rooms map[string][]*conn // copied on change, so that a broadcast needs no lock
	count int
}

func newServer() *server {
	return &server{conns: make(map[*conn]struct{}), rooms: make(map[string][]*conn)}
}

// serve accepts until ctx ends, then closes every connection and waits.
func (s *server) serve(ctx context.Context, ln net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	for {
		c, err := ln.Accept()
		if err != nil {
			break
		}
		s.tasks.Go(func() { s.greet(s.enter(c)) })
	}
	s.mu.Lock()
	for c := range s.conns {
		_ = c.conn.Close()
	}
	s.mu.Unlock()
	s.tasks.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return errors.New("listener failed")
}

func (s *server) enter(nc net.Conn) *conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	c := &conn{conn: nc, server: s, sid: "floor" + strconv.Itoa(s.count)}
	s.conns[c] = struct{}{}
	return c
}

// greet makes the WebSocket handshake and hands the connection to a fresh
// goroutine, whose stack has not grown with it.
func (s *server) greet(c *conn) {
	if _, err := ws.Upgrade(c.conn); err != nil {
		s.end(c)
		return
	}
	c.send(text(`0{"sid":"`, []byte(c.sid), []byte(`","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)))
	s.tasks.Go(func() {
		defer s.end(c)
		c.read()
	})
}

func (s *server) end(c *conn) {
	_ = c.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	for _, room := range c.rooms {
		s.dropLocked(c, room)
	}
}

func (s *server) dropLocked(c *conn, room string) {
	members := slices.DeleteFunc(slices.Clone(s.rooms[room]), func(m *conn) bool { return m == c })
	s.rooms[room] = members
	if len(members) == 0 {
		delete(s.rooms, room)
	}
}

// event is an event of a client: ["name",arguments...]. It does not outlive the buffer it
// was read from, unless it waits for attachments.
type event struct {
	id   []byte // of the acknowledgement, or empty
	args []byte

	count    []byte // "2-" if there are two attachments, or empty
	attached []byte // they, as frames
}

var (
	join  = []byte(`["join","`)
	leave = []byte(`["leave","`)
	say   = []byte(`["say","`)
	echo  = []byte(`["echo"`)
)

// packet takes one Engine.IO packet.
func (s *server) packet(c *conn, p []byte) {
	if len(p) < 2 || p[0] != '4' {
		return // a pong
	}
	switch p[1] {
	case '0':
		c.send(text("40", nil, []byte(`{"sid":"`+c.sid+`"}`)))
	case '2':
		s.handle(c, parse(p[2:], nil))
	case '5':
		p = slices.Clone(p[2:])
		dash := bytes.IndexByte(p, '-') + 1
		c.event = parse(p[dash:], p[:dash])
		c.missing, _ = strconv.Atoi(string(p[:max(0, dash-1)]))
	}
}

func parse(p, count []byte) event {
	args := max(0, bytes.IndexByte(p, '['))
	return event{id: p[:args], args: p[args:], count: count}
}

// attachment takes the next attachment of the event that waits for them.
func (s *server) attachment(c *conn, p []byte) {
	c.event.attached = append(c.event.attached, ws.MustCompileFrame(ws.NewBinaryFrame(p))...)
	c.missing--
	if c.missing == 0 {
		s.handle(c, c.event)
		c.event = event{}
	}
}

func (s *server) handle(c *conn, e event) {
	switch {
	case bytes.HasPrefix(e.args, say):
		room, rest, _ := bytes.Cut(e.args[len(say):], []byte{'"'})
		s.broadcast(room, e.answer("42", "45", nil, `["msg"`, rest))
		c.ok(e)
	case bytes.HasPrefix(e.args, echo) && len(e.id) == 0:
		c.send(e.answer("42", "45", nil, "", e.args))
	case bytes.HasPrefix(e.args, echo):
		args := bytes.TrimPrefix(e.args[len(echo):], []byte{','})
		c.send(e.answer("43", "46", e.id, "[", args))
	case bytes.HasPrefix(e.args, join):
		room, _, _ := bytes.Cut(e.args[len(join):], []byte{'"'})
		s.join(c, string(room))
		c.ok(e)
	case bytes.HasPrefix(e.args, leave):
		room, _, _ := bytes.Cut(e.args[len(leave):], []byte{'"'})
		s.leave(c, string(room))
		c.ok(e)
	}
}

// answer makes a packet with the attachments of e, of the kind plain if there are none, as
// a block that any number of connections may share.
func (e *event) answer(plain, binary string, id []byte, start string, rest []byte) []byte {
	if len(e.count) == 0 {
		return text(plain, id, []byte(start), rest)
	}
	return append(text(binary, e.count, id, []byte(start), rest), e.attached...)
}

func (s *server) join(c *conn, room string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.rooms = append(c.rooms, room)
	s.rooms[room] = append(slices.Clip(s.rooms[room]), c)
}

func (s *server) leave(c *conn, room string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.rooms = slices.DeleteFunc(c.rooms, func(name string) bool { return name == room })
	s.dropLocked(c, room)
}

func (s *server) broadcast(room, frame []byte) {
	s.mu.Lock()
	members := s.rooms[string(room)]
	s.mu.Unlock()
	for _, m := range members {
		m.send(frame)
	}
}

// text makes a frame of the parts.
func text(kind string, parts ...[]byte) []byte {
	size := len(kind)
	for _, part := range parts {
		size += len(part)
	}
	payload := append(make([]byte, 0, size), kind...)
	for _, part := range parts {
		payload = append(payload, part...)
	}
	return ws.MustCompileFrame(ws.NewTextFrame(payload))
}
