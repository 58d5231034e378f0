package redisclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Defaults of PublisherOptions, and how much one pipeline takes.
const (
	DefaultMaxQueued = 64 << 20 // bytes
	maxPipeline      = 4 << 20  // bytes
	perCommand       = 64       // bytes that a command counts beside its own
)

// Errors of a Publisher that a caller can act on.
var (
	// ErrAway is returned at once while Redis cannot be reached.
	ErrAway = errors.New("redis is away")
	// ErrQueueFull is returned when too many bytes wait to be sent.
	ErrQueueFull = errors.New("too much waits to be sent to redis")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("redis: closed")
)

// PublisherOptions configure a Publisher. The zero value of each field means its
// default.
type PublisherOptions struct {
	// Key is a key of what is written: in a Redis Cluster everything goes to the
	// server that has it. Without one any server is taken, which is right for PUBLISH.
	Key string
	// MaxQueued bounds the bytes of commands that wait for their replies (64 MiB).
	MaxQueued int
	// OnState is called when Redis cannot be reached, with why, and when it can be
	// reached again, with nil: on a goroutine of the Publisher, in order. It must not
	// wait for the Publisher.
	OnState func(err error)
	// OnSent is called after each pipeline: how many commands Redis took, how many it
	// did not, and how long that took. Commands that are refused at once are told, too.
	OnSent func(sent, failed int, took time.Duration)
}

// Publisher sends commands in the order in which they were given, all on one
// connection and everything that waits in one pipeline. A command is never sent a
// second time: one that failed may have arrived. Later ones go on, on a new
// connection; while none can be had, commands fail at once.
//
// Its methods may be called from any goroutine. A goroutine of its own exists only
// while commands of several callers are sent, or Redis is away.
type Publisher struct {
	client redis.UniversalClient
	o      PublisherOptions

	conn *redis.Conn // owned by who flushes; nil if there is none
	turn int         // which server is taken, likewise

	mu       sync.Mutex
	queue    []*command
	queued   int // bytes, those that are being sent included
	flushing bool
	away     error // why commands fail at once; nil while Redis can be reached
	closed   bool
	idle     *sync.Cond // signalled when nobody flushes or probes
	probing  bool
	closing  chan struct{}
}

// command is one command and who waits for it.
type command struct {
	cmd  redis.Cmder
	size int
	err  error
	done chan struct{} // receives once, unless nobody waits

	then func(err error) // hears of it instead, if it is not nil
}

var commands = sync.Pool{New: func() any { return &command{done: make(chan struct{}, 1)} }}

// NewPublisher returns a Publisher, without connecting.
func NewPublisher(c redis.UniversalClient, o PublisherOptions) *Publisher {
	o.MaxQueued = cmp.Or(o.MaxQueued, DefaultMaxQueued)
	if o.OnState == nil {
		o.OnState = func(error) {}
	}
	if o.OnSent == nil {
		o.OnSent = func(int, int, time.Duration) {}
	}
	p := &Publisher{client: c, o: o, turn: turn(), closing: make(chan struct{})}
	p.idle = sync.NewCond(&p.mu)
	return p
}

// Publish publishes a message to a channel and waits until Redis has it.
func (p *Publisher) Publish(channel string, payload []byte) error {
	return p.Do(redis.NewIntCmd(context.Background(), "publish", channel, payload), len(channel)+len(payload))
}

// Do sends a command, of about size bytes, and waits for the reply, which is then in
// cmd. The error is that of the command.
func (p *Publisher) Do(cmd redis.Cmder, size int) error {
	size += perCommand
	c := commands.Get().(*command) //nolint:errcheck,forcetypeassert // the pool holds nothing else
	c.cmd, c.size, c.err = cmd, size, nil
	first, err := p.enqueue(c)
	if err != nil {
		c.release()
		return err
	}
	if first { // its own pipeline needs no other goroutine
		p.flushOnce()
		p.handOver()
	}
	<-c.done
	err = c.err
	c.release()
	return err
}

// Post is Publish that does not wait: what many events are published with one after the
// other goes out together. An error says that it was not taken; otherwise then hears, on a
// goroutine of the Publisher, what became of it.
func (p *Publisher) Post(channel string, payload []byte, then func(err error)) error {
	c := commands.Get().(*command) //nolint:errcheck,forcetypeassert // the pool holds nothing else
	c.cmd = redis.NewIntCmd(context.Background(), "publish", channel, payload)
	c.size, c.err, c.then = perCommand+len(channel)+len(payload), nil, then
	first, err := p.enqueue(c)
	if err != nil {
		c.release()
		return err
	}
	if first {
		p.handOver()
	}
	return nil
}

// release gives the command back, for another one.
func (c *command) release() {
	c.cmd, c.then = nil, nil
	commands.Put(c)
}

// enqueue reports whether nobody flushes yet: then the caller does.
func (p *Publisher) enqueue(c *command) (first bool, err error) {
	first, err = p.append(c)
	if err != nil {
		p.o.OnSent(0, 1, 0)
	}
	return first, err
}

func (p *Publisher) append(c *command) (first bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return false, ErrClosed
	case p.away != nil:
		return false, fmt.Errorf("%w: %w", ErrAway, p.away)
	case p.queued > 0 && p.queued+c.size > p.o.MaxQueued:
		return false, ErrQueueFull
	}
	p.queue = append(p.queue, c)
	p.queued += c.size
	first = !p.flushing
	p.flushing = true
	return first, nil
}

// handOver has what came meanwhile flushed by a goroutine.
func (p *Publisher) handOver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) == 0 {
		p.flushing = false
		p.idle.Broadcast()
		return
	}
	go func() {
		for more := true; more; {
			p.flushOnce()
			p.mu.Lock()
			if more = len(p.queue) > 0; !more {
				p.flushing = false
				p.idle.Broadcast()
			}
			p.mu.Unlock()
		}
	}()
}

// flushOnce sends what waits, as far as it goes into one pipeline.
func (p *Publisher) flushOnce() {
	batch := p.take()
	if len(batch) == 0 {
		return
	}
	began := time.Now()
	err := p.send(batch)
	took := time.Since(began)
	size, failed := 0, 0
	for _, c := range batch {
		size += c.size
		if err != nil || c.cmd.Err() != nil {
			failed++
		}
	}
	p.o.OnSent(len(batch)-failed, failed, took)
	p.mu.Lock()
	p.queued -= size
	p.mu.Unlock()
	for _, c := range batch {
		if c.err = err; err == nil {
			c.err = c.cmd.Err()
		}
		if c.then == nil {
			c.done <- struct{}{}
			continue
		}
		c.then(c.err)
		c.release()
	}
}

func (p *Publisher) take() []*command {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, size := 0, 0
	for _, c := range p.queue {
		if n > 0 && size+c.size > maxPipeline {
			break
		}
		size += c.size
		n++
	}
	batch := p.queue[:n:n]
	p.queue = p.queue[n:]
	if len(p.queue) == 0 {
		p.queue = nil // its room goes with the batch
	}
	return batch
}

// send runs one pipeline. An error is that of every command in it; what Redis replied
// to one of them is that command's own.
func (p *Publisher) send(batch []*command) error {
	ctx := context.Background() // the client's own time-outs bound it
	if p.conn == nil {
		if err := p.connect(); err != nil {
			return err
		}
	}
	pipe := p.conn.Pipeline()
	for _, c := range batch {
		if err := pipe.Process(ctx, c.cmd); err != nil {
			return err
		}
	}
	_, err := pipe.Exec(ctx)
	var reply redis.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return nil
	case !errors.As(err, &reply):
		p.drop()
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() { // a new connection would have others wait, too
			p.goAway(err)
		}
		return fmt.Errorf("redis: %w", err)
	}
	for _, c := range batch {
		if wrongServer(c.cmd.Err()) {
			p.drop()
			break
		}
	}
	return nil
}

// connect takes a connection, or says that Redis is away.
func (p *Publisher) connect() (err error) {
	p.mu.Lock()
	away, closed := p.away, p.closed
	p.mu.Unlock()
	if closed {
		return ErrClosed
	}
	if away != nil { // it was found out while this waited
		return fmt.Errorf("%w: %w", ErrAway, away)
	}
	if p.conn, err = p.dial(); err == nil {
		return nil
	}
	p.goAway(err)
	return fmt.Errorf("%w: %w", ErrAway, err)
}

// goAway has commands fail at once until Redis can be reached again.
func (p *Publisher) goAway(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = why
	if !p.closed {
		p.probing = true
		go p.probe(why)
	}
}

// dial takes a connection and sees that it works. An idle one may be found dead.
func (p *Publisher) dial() (*redis.Conn, error) {
	ctx := context.Background() // the client's own time-outs bound it
	var err error
	for range 2 {
		var c *redis.Client
		if c, err = server(ctx, p.client, p.o.Key, p.turn); err != nil {
			p.turn++
			continue
		}
		conn := c.Conn()
		if err = conn.Ping(ctx).Err(); err == nil {
			return conn, nil
		}
		_ = conn.Close() // the first error says more
		p.turn++
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() {
			break
		}
	}
	reload(ctx, p.client)
	return nil, err
}

func (p *Publisher) drop() {
	_ = p.conn.Close() // it is of no use any more
	p.conn = nil
	p.turn++
	reload(context.Background(), p.client) // it does not wait
}

// probe tries until Redis can be reached again. Nobody else connects meanwhile.
func (p *Publisher) probe(why error) {
	p.o.OnState(why)
	for attempt := 0; ; attempt++ {
		select {
		case <-p.closing:
			p.probed(nil)
			return
		case <-time.After(backoff(attempt)):
		}
		conn, err := p.dial()
		if err != nil {
			continue
		}
		p.probed(conn)
		return
	}
}

func (p *Publisher) probed(conn *redis.Conn) {
	if conn != nil {
		p.o.OnState(nil)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.flushing { // whoever flushes owns the connection; it fails at once
		p.idle.Wait()
	}
	p.conn, p.away, p.probing = conn, nil, false
	p.idle.Broadcast()
}

// Away returns why Redis cannot be reached, or nil.
func (p *Publisher) Away() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.away
}

// Close lets no more in, and waits until what waits has been sent or has failed, as
// long as the time-outs of the client allow.
func (p *Publisher) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	for p.flushing || p.probing {
		p.idle.Wait()
	}
	if p.conn != nil {
		_ = p.conn.Close() // it goes back to the client
		p.conn = nil
	}
}

// wrongServer reports whether a reply says that another server is to be asked.
func wrongServer(err error) bool {
	if err == nil {
		return false
	}
	word, _, _ := strings.Cut(err.Error(), " ")
	switch word {
	case "MOVED", "ASK", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "LOADING":
		return true
	}
	return false
}
