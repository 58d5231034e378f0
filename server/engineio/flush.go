package engineio

import (
	"errors"
	"os"
	"sync"
	"time"
)

// errStandstill tells that the client took nothing for the grace.
var errStandstill = errors.New("engineio: no byte taken")

// writeBuffers holds the buffers in which small frames are gathered.
var writeBuffers = sync.Pool{New: func() any { b := make([]byte, 0, maxWrite); return &b }}

// flush writes everything queued, in as few writes as it takes, and goes away
// when the queue is empty. At most one runs for a session, or one of the flushers has it
// in hand.
func (s *Session) flush(c *wsConn) {
	var few [8]entry
	batch, more := s.turn(c, few[:0], replayed{}, true)
	for more {
		batch, more = s.flushBatch(c, batch)
	}
}

// flushBatch writes a batch and takes the next.
func (s *Session) flushBatch(c *wsConn, batch []entry) ([]entry, bool) {
	page, err := c.writeEntries(batch)
	if err != nil {
		s.writeFailed(c, batch, page, err)
		return nil, false
	}
	return s.turn(c, batch, page, true)
}

// flushRest is flush that begins in the middle: with the rest of what the frames of a
// batch are, or with a replay.
func (s *Session) flushRest(c *wsConn, batch []entry, rest []byte) {
	more := true
	if len(rest) > 0 {
		if err := c.write(rest); err != nil {
			s.writeFailed(c, batch, replayed{}, err)
			return
		}
		batch, more = s.turn(c, batch, replayed{}, true)
	}
	for more {
		batch, more = s.flushBatch(c, batch)
	}
}

// turn is what a flusher does between two writes: it settles what was written, whose
// memory it uses again, and takes what comes next, if it is to. When nothing more is queued
// the flusher has to go away.
func (s *Session) turn(c *wsConn, written []entry, page replayed, take bool) (batch []entry, more bool) {
	s.mu.Lock()
	if len(written) > 0 {
		s.settleLocked(written, page)
	}
	if s.state == stateClosed || s.ws != c || s.out.empty() || s.out.pulled {
		s.flushing = false
		done, why := s.state == stateClosing && s.out.empty() && s.ws == c, s.why
		ended := s.state == stateClosed
		s.mu.Unlock()
		if done {
			s.end(why)
		} else if ended {
			go c.leave(why)
		}
		return nil, false
	}
	if take {
		batch = s.out.take(written[:0], maxWrite)
	}
	s.mu.Unlock()
	return batch, true
}

// settleLocked takes what was written off the account.
func (s *Session) settleLocked(written []entry, page replayed) {
	s.out.settle(written)
	s.out.sent.add(page.messages, page.bytes)
	s.countLocked()
	if page.more && s.state != stateClosed {
		s.out.putBack(written[0])
	}
	clear(written)
}

// startFlush has written what is queued for a session that is marked as flushing.
func (s *Session) startFlush(c *wsConn) {
	if c.raw != nil {
		s.srv.flushers.add(c)
		return
	}
	go s.flush(c)
}

// flushFirst is startFlush for a new connection. When it returns, what the handshake is owed
// is written, or in the hands of the one who writes, with the open packet where that waits for nobody.
func (s *Session) flushFirst(c *wsConn) {
	if c.raw == nil {
		_ = answerNow(c.conn, c.takeAnswer()) // a connection that is broken says so when it is read
		go s.flush(c)
		return
	}
	p := takePen()
	more := p.flush(c)
	pens.Put(p)
	if more {
		s.srv.flushers.add(c)
	}
}

// writeFailed ends the session of a flusher that cannot go on.
func (s *Session) writeFailed(c *wsConn, batch []entry, page replayed, err error) {
	s.mu.Lock()
	s.settleLocked(batch, page)
	s.flushing = false
	s.mu.Unlock()
	if errors.Is(err, errStandstill) {
		s.standstill()
	} else {
		s.end(&CloseError{Reason: ReasonTransportClose, Detail: DetailWriteFailed, Err: err})
	}
	_ = c.conn.Close()
}

// writeEntries writes a batch: one entry as it is, several gathered. Of one that is a
// replay it tells what was taken.
func (c *wsConn) writeEntries(batch []entry) (replayed, error) {
	if e := batch[0]; e.m == nil {
		return c.writeReplay(e)
	}
	c.s.srv.stats.messagesOut.Add(uint64(len(batch)))
	if len(batch) == 1 {
		return replayed{}, c.write(c.frameOf(batch[0]))
	}
	return replayed{}, c.writeGathered(batch)
}

// writeGathered writes several entries in as few writes as it takes.
func (c *wsConn) writeGathered(batch []entry) error {
	p, _ := writeBuffers.Get().(*[]byte)
	defer func() { *p = (*p)[:0]; writeBuffers.Put(p) }()
	buf := (*p)[:0]
	for _, e := range batch {
		f := c.frameOf(e)
		if len(buf)+len(f) > cap(buf) {
			if err := c.write(buf); err != nil {
				return err
			}
			buf = buf[:0]
			if len(f) > cap(buf) {
				if err := c.write(f); err != nil {
					return err
				}
				continue
			}
		}
		buf = append(buf, f...)
	}
	return c.write(buf)
}

// writeReplay writes one page of a replay.
func (c *wsConn) writeReplay(e entry) (p replayed, err error) {
	defer func() { c.s.srv.stats.messagesOut.Add(uint64(p.messages)) }() //nolint:gosec // a count is not negative
	for size := 0; size < maxWrite; {
		m := e.next()
		if m == nil {
			return p, nil
		}
		f := c.frameOf(entry{m: m})
		if err := c.write(f); err != nil {
			return p, err
		}
		p.add(m)
		size += len(f)
	}
	p.more = true
	return p, nil
}

// frameOf returns the frame of an entry in the variant this connection speaks, behind what
// is owed to the handshake. It must be written.
func (c *wsConn) frameOf(e entry) []byte {
	f := e.m.encoded(c.formOf(e))
	if answer := c.takeAnswer(); answer != nil {
		return append(answer, f...)
	}
	return f
}

func (c *wsConn) formOf(e entry) form {
	f := formWS4
	deflated := c.deflate && e.flags&NoCompress == 0 && e.m.size-messageOverhead >= c.s.srv.opts.PerMessageDeflate.Threshold
	switch {
	case c.s.protocol == 3 && deflated:
		f = formWS3Deflated
	case c.s.protocol == 3:
		f = formWS3
	case deflated:
		f = formWS4Deflated
	}
	return f
}

// write writes b whole. When judge interrupts it, it goes on unless the client
// has taken nothing.
func (c *wsConn) write(b []byte) error {
	for len(b) > 0 {
		n, err := c.conn.Write(b[:min(len(b), c.stride(len(b)))])
		c.handedOver(n)
		b = b[n:]
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || !c.judged.Swap(false) || c.closed.Load() {
			return err
		}
		if !c.s.progressed(c) {
			return errStandstill
		}
		if err := c.conn.SetWriteDeadline(time.Time{}); err != nil {
			return err
		}
		if c.closed.Load() { // shutdown's deadline may just have been lifted
			_ = c.conn.SetWriteDeadline(time.Now().Add(flushTimeout))
		}
	}
	return nil
}

// handedOver notes that n bytes were written.
func (c *wsConn) handedOver(n int) {
	if n > 0 {
		c.s.srv.stats.bytesOut.Add(uint64(n))
		c.wrote.Add(int64(n))
		c.activity.sent()
	}
}

// tlsRecord is the longest TLS record, in bytes (RFC 8446, section 5.1).
const tlsRecord = 16 << 10

// stride is how much is written at once of n bytes: all, or, where interrupt
// cannot ask how far a write came, a TLS record, so that progress shows.
func (c *wsConn) stride(n int) int {
	if _, ok := plainTCP(c.conn); ok {
		return n
	}
	return tlsRecord
}

// interrupt asks a blocked write how far it came. It reports false where the
// connection cannot go on after that, as TLS cannot, or nothing is being written.
func (c *wsConn) interrupt() bool {
	if _, ok := plainTCP(c.conn); !ok {
		return false
	}
	c.judged.Store(true)
	return c.conn.SetWriteDeadline(time.Now()) == nil
}
