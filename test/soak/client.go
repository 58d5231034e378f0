package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// The ways by which clients reach the server.
const (
	bySocket = iota
	byPolling
	byUpgrade // by polling first
)

// client is a connection to the namespace "/". Its methods may be called at once.
type client struct {
	base   string
	events func(e event) // called by one goroutine, in order
	done   chan struct{} // closed when reading has ended

	reading sync.WaitGroup
	mu      sync.Mutex // also around writing, so that frames of a packet stay together
	now     wire
	next    int
	waiting map[int]chan []any
	leaving bool
	failure error

	pause  chan struct{} // closed to have the polling stop after the pending GET
	paused chan struct{} // closed by the reader then
	moved  chan wire     // has where it goes on
}

// dial connects and waits for the answer of the namespace. The client ends with ctx, too.
func dial(ctx context.Context, base string, way int, events func(e event)) (*client, error) {
	c := &client{
		base: base, events: events, done: make(chan struct{}), waiting: make(map[int]chan []any),
		pause: make(chan struct{}), paused: make(chan struct{}), moved: make(chan wire, 1),
	}
	var first []frame
	var err error
	if way == bySocket {
		var w *socketWire
		if w, err = openSocket(ctx, base, "", 0); err != nil {
			return nil, err
		}
		c.now = w
		first, err = w.read() // the handshake
		if err == nil && !strings.HasPrefix(first[0].text, "0{") {
			err = fmt.Errorf("%w: handshake %v", errMalformed, first)
		}
	} else if c.now, err = openPolling(ctx, base); err != nil {
		return nil, err
	}
	if err == nil {
		err = c.now.write([]frame{{text: "40"}})
	}
	if err == nil {
		err = c.await("40")
	}
	if err != nil {
		c.now.close()
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.close() })
	c.reading.Go(func() {
		defer stop()
		c.read()
	})
	return c, nil
}

// await reads until the namespace has answered. What else there is then is a heartbeat.
func (c *client) await(prefix string) error {
	for {
		all, err := c.now.read()
		if err != nil {
			return err
		}
		for _, f := range all {
			switch {
			case strings.HasPrefix(f.text, prefix):
				return nil
			case f.text == "2":
				if err := c.now.write([]frame{{text: "3"}}); err != nil {
					return err
				}
			default:
				return fmt.Errorf("%w: %.60q instead of %q", errMalformed, f.text, prefix)
			}
		}
	}
}

// read takes what comes until the end.
func (c *client) read() {
	var d decoder
	w := c.wire()
	pause := c.pause
	for {
		all, err := w.read()
		for _, f := range all {
			if err == nil {
				err = c.take(&d, f)
			}
		}
		if err != nil {
			c.end(err)
			return
		}
		select {
		case <-pause:
			pause = nil
			close(c.paused)
			next, ok := <-c.moved
			if !ok {
				c.end(errors.New("the upgrade failed"))
				return
			}
			w = next
		default:
		}
	}
}

// take handles one frame.
func (c *client) take(d *decoder, f frame) error {
	switch {
	case f.binary == nil && f.text == "":
		return fmt.Errorf("%w: an empty frame", errMalformed)
	case f.binary == nil && f.text[0] == '2':
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.now.write([]frame{{text: "3"}})
	case f.binary == nil && f.text[0] == '6':
		return nil
	case f.binary == nil && f.text[0] == '1':
		return errors.New("the server closed the session")
	case f.binary == nil && f.text[0] != '4':
		return fmt.Errorf("%w: %.60q", errMalformed, f.text)
	}
	e, complete, err := d.add(f)
	if err != nil || !complete {
		return err
	}
	if !e.ack {
		c.events(e)
		return nil
	}
	c.mu.Lock()
	answer, ok := c.waiting[e.id]
	delete(c.waiting, e.id)
	c.mu.Unlock()
	if !ok {
		return fmt.Errorf("acknowledgement %d, for which nobody waits", e.id)
	}
	answer <- e.args
	return nil
}

// call emits an event and waits for its acknowledgement.
func (c *client) call(args ...any) ([]any, error) {
	answer, err := c.send(args...)
	if err != nil {
		return nil, err
	}
	select {
	case got := <-answer:
		return got, nil
	case <-c.done:
		return nil, c.why()
	}
}

// send emits an event whose acknowledgement comes on the channel.
func (c *client) send(args ...any) (<-chan []any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.next
	c.next++
	all, err := encode(id, args...)
	if err != nil {
		return nil, err
	}
	answer := make(chan []any, 1)
	c.waiting[id] = answer
	return answer, c.now.write(all)
}

// upgrade moves from polling to WebSocket, as the official client does.
func (c *client) upgrade(ctx context.Context) error {
	from, ok := c.wire().(*pollWire)
	if !ok {
		return errors.New("only a polling client upgrades")
	}
	defer close(c.moved)
	to, err := openSocket(ctx, c.base, from.sid, 0)
	if err != nil {
		close(c.pause)
		return err
	}
	err = to.write([]frame{{text: "2probe"}})
	var answer []frame
	if err == nil {
		answer, err = to.read()
	}
	if err == nil && answer[0].text != "3probe" {
		err = fmt.Errorf("%w: %.60q instead of the answer to the probe", errMalformed, answer[0].text)
	}
	close(c.pause)
	if err != nil {
		to.close()
		return err
	}
	select {
	case <-c.paused: // after the GET that is pending
	case <-c.done:
		to.close()
		return c.why()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := to.write([]frame{{text: "5"}}); err != nil {
		to.close()
		return err
	}
	c.now = to
	c.moved <- to
	from.close()
	return nil
}

func (c *client) wire() wire {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *client) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leaving {
		c.failure = err
	}
	close(c.done)
}

// why is the reason of an end that was not wanted, or that it was.
func (c *client) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure != nil {
		return c.failure
	}
	return errLeft
}

var errLeft = errors.New("this client left")

// close ends the connection and waits for the reading to end. A polite client says so
// before.
func (c *client) close() { c.leave(false) }

func (c *client) leave(polite bool) {
	c.mu.Lock()
	c.leaving = true
	if polite {
		_ = c.now.write([]frame{{text: "41"}, {text: "1"}}) // it may have ended
	}
	c.now.close()
	c.mu.Unlock()
	c.reading.Wait()
}
