package socketio

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sockeye-io/sockeye/server/engineio"
)

// parallelAbove is the number of recipients from which a broadcast is spread
// over all cores: below it, starting goroutines costs more than it gains.
const parallelAbove = 4096

// delivery is one packet on its way to the sockets of this node.
type delivery struct {
	p     *Packet
	flags engineio.SendFlag
	track bool
	since time.Time // when it began, of a broadcast

	mu        sync.Mutex
	listening []*Socket // recipients with OnAnyOutgoing listeners
}

func (f Flags) send() engineio.SendFlag {
	var sf engineio.SendFlag
	if f.Volatile {
		sf |= engineio.Volatile
	}
	if f.NoCompress {
		sf |= engineio.NoCompress
	}
	return sf
}

// prepare encodes the packet, so that an argument that cannot be encoded is an
// error whoever is there to receive it.
func (d *delivery) prepare(v variant) error {
	_, err := d.p.message(v)
	return err
}

// sent is how many sockets a packet was handed to, and the bytes of all together.
type sent struct {
	n, bytes int
}

// add counts one more, unless bytes is 0: it was not taken.
func (t *sent) add(bytes int) {
	if bytes > 0 {
		t.n++
		t.bytes += bytes
	}
}

// each calls f with every recipient, from several goroutines if there are many, and
// returns what was sent when all have returned. f returns the bytes of one.
func (rs *recipients) each(f func(*Socket) (bytes int)) (all sent) {
	total := 0
	if rs.one != nil && !rs.except.has(rs.one) {
		all.add(f(rs.one))
	}
	for c := range rs.list.each() {
		total += len(c)
	}
	chunks := rs.list.chunks()
	workers := min(runtime.GOMAXPROCS(0), chunks)
	if total < parallelAbove || workers < 2 {
		for c := range rs.list.each() {
			rs.eachOf(c, f, &all)
		}
		return all
	}
	var next, n, bytes atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			var some sent
			for i := next.Add(1) - 1; i < int64(chunks); i = next.Add(1) - 1 {
				rs.eachOf(rs.list.chunk(int(i)), f, &some)
			}
			n.Add(int64(some.n))
			bytes.Add(int64(some.bytes))
		})
	}
	wg.Wait()
	all.n += int(n.Load())
	all.bytes += int(bytes.Load())
	return all
}

func (rs *recipients) eachOf(chunk []*Socket, f func(*Socket) (bytes int), all *sent) {
	for _, s := range chunk {
		if rs.except != nil && rs.except.has(s) {
			continue
		}
		all.add(f(s))
	}
}

// send hands the packet to one socket's transport. It returns how many bytes the
// transport took, 0 for none.
func (d *delivery) send(s *Socket) (bytes int) {
	if !s.reachable() {
		if d.track && s.rec != nil {
			s.rec.broken = true
		}
		return 0
	}
	if s.endsBefore(d.p, d.track) {
		return 0
	}
	m, err := d.p.message(s.variant)
	if err != nil {
		return 0 // cannot be: the same arguments were encoded before
	}
	if d.p.unlogged() {
		s.bits.Or(bitUnlogged)
	}
	err = s.sess.Send(m, d.flags)
	if d.track && s.rec != nil {
		if errors.Is(err, engineio.ErrClosed) {
			s.rec.broken = true
		} else {
			s.rec.last = d.p.offset
		}
	}
	if err != nil {
		return 0
	}
	if s.bits.Load()&bitOutgoing != 0 {
		d.mu.Lock()
		d.listening = append(d.listening, s)
		d.mu.Unlock()
	}
	return m.Len()
}

// endsBefore ends the connection of a session that cannot be recovered any more,
// instead of handing it a packet with an offset: the client would take that for what
// it has, and might be given back a session that is not its own any more. One that
// never was saved ends before a packet that is kept, which its client may have had
// elsewhere. It is called between two deliveries, and reports whether it did so.
func (s *Socket) endsBefore(p *Packet, kept bool) bool {
	if s.bits.Load()&bitUnlogged == 0 || s.rec == nil && !kept || p.offset == "" || p.unlogged() {
		return false
	}
	s.sess.Abort(engineio.ReasonTransportError, engineio.DetailLogGap, nil)
	return true
}

// finish counts what was sent, and returns the calls of listeners that are owed,
// if any: user code, to be run under no lock.
func (d *delivery) finish(n *Namespace, all sent) (after func()) {
	o := n.srv.opts.Observer
	if all.n > 0 {
		o.EventSent(n.name, all.n, all.bytes)
	}
	if !d.since.IsZero() {
		o.FannedOut(n.name, all.n, time.Since(d.since))
	}
	if d.listening == nil {
		return nil
	}
	return func() {
		for _, s := range d.listening {
			s.outgoing(d.p.event, d.p.args)
		}
	}
}
