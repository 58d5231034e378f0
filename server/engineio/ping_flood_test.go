package engineio

import (
	"strings"
	"testing"
)

// Each ping of protocol 3 used to queue a pong, which no limit counted: a client
// that sent pings and took nothing filled the memory.
func TestPingsDoNotFillTheOutbox(t *testing.T) {
	t.Parallel()
	c := serve(t, &Options{AllowEIO3: true}, nil).poll(3)
	for range 3 {
		c.post(strings.Repeat("1:2", 100_000)).want(t, 200, "ok")
	}
	s := c.side().Session
	s.mu.Lock()
	n := len(s.out.queue)
	s.mu.Unlock()
	if n != 1 {
		t.Errorf("%d packets are queued for 300,000 pings", n)
	}
	c.get().want(t, 200, "1:3")
	c.post("1:2").want(t, 200, "ok")
	c.get().want(t, 200, "1:3")
}
