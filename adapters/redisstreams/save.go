package redisstreams

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// saveBatch is how many commands of sessions go out at once.
const saveBatch = 500

// saveQueue bounds the commands that wait: while Redis is slow, what is not saved is
// not recovered.
const saveQueue = 200_000

// saveTimeout bounds one batch.
const saveTimeout = 2 * time.Second

// command is one script on one session.
type command struct {
	script *redis.Script
	key    string
	args   []any
	done   func(cmd *redis.Cmd) // hears the answer, on the saver's goroutine; or nil
	over   func() bool          // nobody waits any more, and it is left out; nil is never
}

func (c command) isOver() bool { return c.over != nil && c.over() }

// saver sends commands on sessions in the order they were given, from one goroutine:
// what is said of a session first is done first.
type saver struct {
	hub *Hub

	mu     sync.Mutex
	queue  []command
	closed bool
	wake   chan struct{}
}

func newSaver(h *Hub) *saver { return &saver{hub: h, wake: make(chan struct{}, 1)} }

// add queues a command. It reports false when the saver is closed, or too much waits.
func (s *saver) add(c command) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if len(s.queue) >= saveQueue {
		return false
	}
	s.queue = append(s.queue, c)
	s.signal()
	return true
}

func (s *saver) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// do is add that waits for the answer. If the wait ends before the command was sent, it
// is not: a claim that comes late would take a session from a client that is somewhere
// else by then.
func (s *saver) do(ctx context.Context, c command) (*redis.Cmd, error) {
	answer := make(chan *redis.Cmd, 1)
	c.done = func(cmd *redis.Cmd) { answer <- cmd }
	c.over = func() bool { return ctx.Err() != nil }
	if !s.add(c) {
		return nil, errGone
	}
	select {
	case cmd := <-answer:
		return cmd, cmd.Err()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *saver) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.signal()
}

func (s *saver) take() (batch []command, closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.queue), saveBatch)
	batch = s.queue[:n:n]
	if s.queue = s.queue[n:]; len(s.queue) == 0 {
		s.queue = nil
	}
	return batch, s.closed
}

func (s *saver) run() {
	for {
		batch, closed := s.take()
		switch {
		case len(batch) > 0:
			if !s.send(batch) && s.dropAtTheEnd() {
				return
			}
		case closed:
			return
		default:
			<-s.wake
		}
	}
}

// dropAtTheEnd gives up what waits if the saver is closed, and reports whether it is:
// Redis has just not answered, and each batch would wait for it anew.
func (s *saver) dropAtTheEnd() bool {
	s.mu.Lock()
	closed, rest := s.closed, s.queue
	if closed {
		s.queue = nil
	}
	s.mu.Unlock()
	for _, c := range rest {
		if closed && c.done != nil {
			cmd := redis.NewCmd(context.Background())
			cmd.SetErr(errGone)
			c.done(cmd)
		}
	}
	return closed
}

// send sends a batch in one pipeline, and again for a while if the connection is lost;
// a script that Redis does not know yet is sent whole. So commands may be done twice,
// which none of them minds. It reports whether Redis has answered.
func (s *saver) send(batch []command) bool {
	deadline := time.Now().Add(s.hub.o.Hold)
	whole, lost := false, false
	for try := 0; ; try++ {
		if batch = slices.DeleteFunc(batch, command.isOver); len(batch) == 0 {
			return !lost
		}
		cmds, err := s.pipeline(batch, whole)
		again := slices.ContainsFunc(cmds, func(cmd *redis.Cmd) bool { return redis.HasErrorPrefix(cmd.Err(), "NOSCRIPT") })
		lost = err != nil && !answered(err)
		switch {
		case again && !whole:
			whole = true
		case lost && time.Now().Before(deadline) && s.hub.Up() && s.hub.ctx.Err() == nil:
			s.hub.pause(try)
		default:
			s.tell(batch, cmds, err)
			return !lost
		}
	}
}

// answered reports whether an error is Redis' answer to a single command.
func answered(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// tell hands the answers on.
func (s *saver) tell(batch []command, cmds []*redis.Cmd, err error) {
	if err != nil && !errors.Is(err, redis.Nil) {
		s.hub.log.Debug("sessions not saved", "error", err)
	}
	for i, c := range batch {
		if c.done != nil {
			c.done(cmds[i])
		}
	}
}

func (s *saver) pipeline(batch []command, whole bool) ([]*redis.Cmd, error) {
	ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
	defer cancel()
	p := s.hub.redis.Pipeline()
	cmds := make([]*redis.Cmd, len(batch))
	for i, c := range batch {
		if whole {
			cmds[i] = c.script.Eval(ctx, p, []string{c.key}, c.args...)
		} else {
			cmds[i] = c.script.EvalSha(ctx, p, []string{c.key}, c.args...)
		}
	}
	_, err := p.Exec(ctx)
	return cmds, err
}
