package redisstreams

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
)

const (
	// batchEntries and batchBytes bound what is appended by one call.
	batchEntries = 200
	batchBytes   = 1 << 20
	// queueBytes bounds what waits to be appended: beyond it Emit waits.
	queueBytes = 32 << 20
	// appendTimeout bounds one call: Redis that does not answer counts as away.
	appendTimeout = 2 * time.Second
	// seqTTL is how long Redis remembers what a node appended last, after its last
	// entry: a call that is made again comes much earlier.
	seqTTL = time.Hour
	// deliveryPatience bounds how long an Emit whose entry is in the log waits for the
	// node's reader.
	deliveryPatience = 5 * time.Second
)

// errAway says that the log cannot be written now.
var errAway = errors.New("redisstreams: the log cannot be written: Redis is away")

// errGone says that the hub is closed.
var errGone = errors.New("redisstreams: closed")

// deliverFunc delivers a packet to sockets of this node, as socketio.Local.Deliver.
type deliverFunc func(track bool) (after func(), err error)

// job is one entry to append.
type job struct {
	nsp, data string
	kind      int
	packet    *socketio.Packet // what the reader delivers when it comes to the entry, or nil
	target    *socketio.Target // to whom
	deliver   deliverFunc      // how
	rooms     []keptRoom       // whose history it goes into

	seq  uint64
	done chan error // the end of the wait; capacity 1; nil if nobody waits
	once sync.Once
}

func (j *job) size() int { return len(j.nsp) + len(j.data) + 64 }

// finish ends the wait for a job, if anybody waits; only the first call counts.
func (j *job) finish(err error) {
	if j.done != nil {
		j.once.Do(func() { j.done <- err })
	}
}

// appender appends the entries of this node in order. Whoever appends waits; one
// goroutine takes all that wait and sends them in one call.
type appender struct {
	hub *Hub

	mu       sync.Mutex
	queue    []*job
	bytes    int
	room     *sync.Cond
	seq      uint64
	inflight map[uint64]*job // whose packet the reader delivers
	closed   bool
	wake     chan struct{}

	sent proof // owned by run
}

// proof is what Redis has confirmed: a log that does not know it has lost its end, as
// when a replica took over that was behind.
type proof struct {
	epoch string
	seq   uint64
	at    time.Time
}

// of is the sequence number that the log must know, 0 for none.
func (p *proof) of(epoch string) uint64 {
	if p.epoch != epoch || time.Since(p.at) > seqTTL/2 {
		return 0
	}
	return p.seq
}

func newAppender(h *Hub) *appender {
	a := &appender{hub: h, inflight: make(map[uint64]*job), wake: make(chan struct{}, 1)}
	a.room = sync.NewCond(&a.mu)
	return a
}

// do appends an entry, and returns when it is in the log, and delivered here if it has
// a packet. errAway says that it is not to be counted on: if it gets into the log all
// the same, the reader treats it as anybody's.
func (a *appender) do(j *job) error {
	j.done = make(chan error, 1)
	if err := a.enqueue(j); err != nil {
		return err
	}
	return <-j.done
}

// enqueue appends an entry without waiting for more than room in the queue.
func (a *appender) enqueue(j *job) error {
	if !a.hub.Up() {
		a.hub.o.Observer.NotPublished(cluster.Log, 1)
		return errAway
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.bytes > queueBytes && !a.closed {
		a.room.Wait()
	}
	if a.closed {
		return errGone
	}
	a.seq++
	j.seq = a.seq
	if j.packet != nil {
		a.inflight[j.seq] = j
	}
	a.queue = append(a.queue, j)
	a.bytes += j.size()
	a.signal()
	return nil
}

func (a *appender) signal() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// claim hands the packet of an entry of this node to the reader; nil if nobody waits
// for it any more.
func (a *appender) claim(seq uint64) *job {
	a.mu.Lock()
	defer a.mu.Unlock()
	j := a.inflight[seq]
	delete(a.inflight, seq)
	return j
}

func (a *appender) close() {
	a.mu.Lock()
	a.closed = true
	a.room.Broadcast()
	a.mu.Unlock()
	a.signal()
}

func (a *appender) take() (batch []*job, closed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	bytes := 0
	for len(batch) < len(a.queue) && len(batch) < batchEntries && (bytes < batchBytes || len(batch) == 0) {
		bytes += a.queue[len(batch)].size()
		batch = append(batch, a.queue[len(batch)])
	}
	clear(a.queue[:len(batch)])
	if a.queue = a.queue[len(batch):]; len(a.queue) == 0 {
		a.queue = nil
	}
	a.bytes -= bytes
	a.room.Broadcast()
	return batch, a.closed
}

// run appends until the appender is closed and nothing is left.
func (a *appender) run() {
	for {
		batch, closed := a.take()
		switch {
		case len(batch) > 0:
			a.send(batch, closed)
		case closed:
			return
		default:
			<-a.wake
		}
	}
}

// send appends a batch, trying again for a while if the connection is lost: Redis
// appends no sequence number twice.
func (a *appender) send(batch []*job, closing bool) {
	h := a.hub
	deadline := time.Now().Add(h.o.Hold)
	for try := 0; ; try++ {
		began := time.Now()
		answer, err := a.call(batch)
		if err == nil && answer.other {
			err = a.adopt(answer.epoch)
			if err == nil {
				continue
			}
		}
		if err == nil {
			h.o.Observer.Published(cluster.Log, len(batch), time.Since(began))
			a.settle(batch)
			return
		}
		if closing || h.ctx.Err() != nil || time.Now().After(deadline) || !h.Up() {
			a.giveUp(batch, err)
			return
		}
		h.pause(try)
	}
}

type appended struct {
	epoch string
	other bool // the log has another epoch than this node knows: nothing was appended
}

func (a *appender) call(batch []*job) (appended, error) {
	h := a.hub
	at := h.at.Load()
	args := make([]any, 0, appendArgs+entryArgs*len(batch))
	args = append(args, at.epoch, newEpoch(), seqTTL.Milliseconds(), batch[0].seq, a.sent.of(at.epoch), at.epoch, at.n, h.histories.bytes.Load())
	for _, j := range batch {
		args = append(args, h.o.NodeID, j.nsp, strconv.Itoa(j.kind), j.data, len(j.rooms))
		for _, r := range j.rooms {
			args = r.append(args)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), appendTimeout)
	defer cancel()
	res, err := appendScript.Run(ctx, h.redis, []string{h.stream(), h.logKey(), h.seqKey(), h.historyKey()}, args...).Slice()
	if err != nil {
		return appended{}, err
	}
	epoch, _ := res[0].(string)
	switch len(res) {
	case 1:
		return appended{epoch: epoch, other: true}, nil
	case 1 + 2*len(batch):
		a.sent = proof{epoch: epoch, seq: batch[len(batch)-1].seq, at: time.Now()}
		return appended{epoch: epoch}, nil
	}
	return appended{}, fmt.Errorf("redisstreams: the script answered %d values to %d entries", len(res), len(batch))
}

// adopt waits until the reader has dealt with a log that was lost.
func (a *appender) adopt(epoch string) error {
	h := a.hub
	h.rejoin.Store(true)
	ctx, cancel := context.WithTimeout(h.ctx, appendTimeout)
	defer cancel()
	for h.at.Load().epoch != epoch {
		if err := h.next(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *appender) settle(batch []*job) {
	var waiting []uint64
	for _, j := range batch {
		if j.packet == nil {
			j.finish(nil)
		} else {
			waiting = append(waiting, j.seq)
		}
	}
	if len(waiting) == 0 {
		return
	}
	// The reader finishes them. If it does not come to them, what is in the log stays
	// the truth. Only their numbers are held so long: packets would be too much.
	time.AfterFunc(deliveryPatience, func() {
		for _, seq := range waiting {
			if j := a.claim(seq); j != nil {
				j.finish(nil)
			}
		}
	})
}

// giveUp tells who waits, and everybody behind them, that the log is away.
func (a *appender) giveUp(batch []*job, cause error) {
	a.hub.lost(fmt.Errorf("appending to the log: %w", cause))
	for len(batch) > 0 {
		a.hub.o.Observer.NotPublished(cluster.Log, len(batch))
		for _, j := range batch {
			// If it is in the log all the same, its data speaks, unless the reader is
			// delivering it at this moment.
			if j.packet == nil || a.claim(j.seq) != nil {
				j.finish(errAway)
			}
		}
		batch, _ = a.take()
	}
}

// hello appends an entry that says nothing, so that this node knows where the log is.
// It is called by the reader. It has sequence numbers of its own, as entries of the
// node may be on their way.
func (h *Hub) hello(ctx context.Context) (position, error) {
	h.hellos++
	at := h.at.Load()
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	res, err := appendScript.Run(ctx, h.redis, []string{h.stream(), h.logKey(), h.seqKey() + ":hello", h.historyKey()},
		"", newEpoch(), seqTTL.Milliseconds(), h.hellos, 0, at.epoch, at.n, 0, h.o.NodeID, "", "", "", 0).Slice()
	if err != nil {
		return position{}, err
	}
	if len(res) != 3 {
		return position{}, fmt.Errorf("redisstreams: the script answered %d values", len(res))
	}
	var p position
	p.epoch, _ = res[0].(string)
	id, _ := res[1].(string)
	n, _ := res[2].(string)
	var ok bool
	if p.id, ok = parseID(id); !ok || !isEpoch(p.epoch) {
		return position{}, fmt.Errorf("redisstreams: the script answered %q", res)
	}
	p.n, err = strconv.ParseUint(n, 10, 64)
	return p, err
}

func newEpoch() string {
	var b [epochLen * 6 / 8]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
