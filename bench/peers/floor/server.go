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
	tasks sync.WaitGroup

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
		s.leave(c)
		return
	}
	c.send(text([]byte(`0{"sid":"` + c.sid + `","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)))
	s.tasks.Go(func() {
		defer s.leave(c)
		c.read()
	})
}

func (s *server) leave(c *conn) {
	_ = c.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	for _, room := range c.rooms {
		members := slices.DeleteFunc(slices.Clone(s.rooms[room]), func(m *conn) bool { return m == c })
		s.rooms[room] = members
		if len(members) == 0 {
			delete(s.rooms, room)
		}
	}
}

var (
	join = []byte(`["join","`)
	say  = []byte(`["say","`)
	echo = []byte(`["echo",`)
)

// packet takes one Engine.IO packet; everything that it keeps is copied.
func (s *server) packet(c *conn, p []byte) {
	if len(p) < 2 || p[0] != '4' {
		return // a pong
	}
	if p[1] == '0' {
		c.send(text([]byte(`40{"sid":"` + c.sid + `"}`)))
		return
	}
	args := bytes.IndexByte(p, '[')
	if p[1] != '2' || args < 0 {
		return
	}
	id, args2 := p[2:args], p[args:]
	switch {
	case bytes.HasPrefix(args2, say):
		room, rest, _ := bytes.Cut(args2[len(say):], []byte{'"'})
		s.broadcast(room, text(append([]byte(`42["msg"`), rest...)))
		c.ack(id, []byte(`"ok"]`))
	case bytes.HasPrefix(args2, echo):
		c.ack(id, args2[len(echo):])
	case bytes.HasPrefix(args2, join):
		room, _, _ := bytes.Cut(args2[len(join):], []byte{'"'})
		s.join(c, string(room))
		c.ack(id, []byte(`"ok"]`))
	}
}

func (s *server) join(c *conn, room string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.rooms = append(c.rooms, room)
	s.rooms[room] = append(slices.Clip(s.rooms[room]), c)
}

func (s *server) broadcast(room, frame []byte) {
	s.mu.Lock()
	members := s.rooms[string(room)]
	s.mu.Unlock()
	for _, m := range members {
		m.send(frame)
	}
}

// text makes a frame that any number of connections may share.
func text(payload []byte) []byte {
	return ws.MustCompileFrame(ws.NewTextFrame(payload))
}
