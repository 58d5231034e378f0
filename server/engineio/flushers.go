package engineio

import (
	"bytes"
	"runtime"
	"sync"
	"syscall"

	"github.com/sockeye-io/sockeye/server/workers"
)

// flushChunk is how many connections a flusher of many takes at once. Then it lets other
// goroutines run: writing so many takes about a tenth of a millisecond. So many must
// wait for each before another is started.
const flushChunk = 32

// flushers write for many connections, which wait in line, with as few goroutines as keep
// the cores busy: a message to a room costs neither a goroutine nor memory for each
// member. They never wait for a client. One that does not take what is written at once
// gets a flusher of its own, which does; so does one whose writes are more than a system
// call, as with TLS.
type flushers struct {
	pool workers.Pool[struct{}]

	mu      sync.Mutex
	line    []*wsConn // line[head:] wait
	head    int
	running int
	limit   int // of running: how many processors Go used when it was last looked
}

func (f *flushers) init() { f.pool.Work = func(struct{}) { f.run() } }

// add puts a connection in line. Its session must be marked as flushing.
func (f *flushers) add(c *wsConn) {
	f.mu.Lock()
	f.line = append(f.line, c)
	more := f.running == 0 || f.running < f.limit && len(f.line)-f.head > f.running*flushChunk
	if more {
		f.running++
	}
	f.mu.Unlock()
	if more {
		f.pool.Do(struct{}{})
	}
}

// take moves those at the head of the line to dst. When there are none the caller must
// go away.
func (f *flushers) take(dst []*wsConn) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = runtime.GOMAXPROCS(0)
	n := copy(dst, f.line[f.head:])
	clear(f.line[f.head : f.head+n])
	f.head += n
	switch rest := len(f.line) - f.head; {
	case n == 0:
		f.running--
	case rest == 0 && cap(f.line) > maxLine:
		f.line, f.head = nil, 0
	case rest < f.head: // so that each is moved once, on average
		copy(f.line, f.line[f.head:])
		clear(f.line[max(rest, f.head):])
		f.line, f.head = f.line[:rest], 0
	}
	return n
}

// maxLine bounds the memory that an empty line keeps: 64 KiB.
const maxLine = 8 << 10

func (f *flushers) run() {
	p := takePen()
	defer pens.Put(p)
	for n := f.take(p.chunk[:]); n > 0; n = f.take(p.chunk[:]) {
		for i, c := range p.chunk[:n] {
			p.chunk[i] = nil
			if p.flush(c) {
				f.add(c)
			}
		}
		runtime.Gosched()
	}
}

// pen writes without waiting. One goroutine uses it at a time.
type pen struct {
	chunk [flushChunk]*wsConn
	batch []entry               // memory for what is taken
	try   func(fd uintptr) bool // tryWrite, made once

	b []byte // what tryWrite writes
	n int    // how much of it was taken
}

var pens = sync.Pool{New: func() any {
	p := &pen{batch: make([]entry, 0, flushChunk)}
	p.try = p.tryWrite
	return p
}}

func takePen() *pen {
	p, _ := pens.Get().(*pen)
	return p
}

// flush writes what is queued for c, at most maxWrite. more says that there is more by now,
// and the session still marked as flushing.
func (p *pen) flush(c *wsConn) (more bool) {
	batch, ok := c.s.turn(c, p.batch[:0], replayed{}, true)
	if !ok {
		return false
	}
	p.batch = batch[:0]
	if batch[0].m == nil {
		go c.s.flushRest(c, []entry{batch[0]}, nil)
		clear(batch)
		return false
	}
	if !p.write(c, batch) {
		clear(batch)
		return false
	}
	_, more = c.s.turn(c, batch, replayed{}, false)
	return more
}

// write writes a batch. If not all of it is taken at once, it leaves the rest to a flusher
// of the connection's own and reports false.
func (p *pen) write(c *wsConn, batch []entry) bool {
	c.s.srv.stats.messagesOut.Add(uint64(len(batch)))
	var buf *[]byte
	if p.b = c.frameOf(batch[0]); len(batch) > 1 {
		buf, _ = writeBuffers.Get().(*[]byte)
		defer func() { writeBuffers.Put(buf) }()
		p.b = append((*buf)[:0], p.b...)
		for _, e := range batch[1:] {
			p.b = append(p.b, c.frameOf(e)...)
		}
	}
	rest, err := p.put(c.raw)
	c.handedOver(p.n)
	if err == nil && len(rest) == 0 {
		return true
	}
	if buf != nil {
		rest = bytes.Clone(rest)
	}
	go c.s.flushRest(c, append([]entry(nil), batch...), rest)
	return false
}

// put writes what the connection takes of p.b at once, n bytes, and returns the rest.
func (p *pen) put(raw syscall.RawConn) (rest []byte, err error) {
	p.n = 0
	err = raw.Write(p.try)
	rest, p.b = p.b[p.n:], nil
	return rest, err
}

// tryWrite writes what a connection takes at once. An error is left to who writes the
// rest.
func (p *pen) tryWrite(fd uintptr) bool {
	p.n = writeNow(fd, p.b)
	return true
}
