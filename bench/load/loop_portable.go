package load

import (
	"fmt"
	"sync"
	"time"
)

// portableLoop reads each link on a goroutine of its own and runs everything
// under one lock, which the owner holds except inside wait. It costs more than
// the epoll loop and works everywhere.
type portableLoop struct {
	mu    sync.Mutex
	links map[*link]struct{}
	dirty []*link
	bytes int64 // received

	wake  chan struct{} // holds one token while something has arrived
	tasks sync.WaitGroup
}

var _ loop = (*portableLoop)(nil)

func newPortableLoop() *portableLoop {
	l := &portableLoop{links: make(map[*link]struct{}), wake: make(chan struct{}, 1)}
	l.mu.Lock()
	return l
}

func (l *portableLoop) attach(k *link) error {
	if err := k.conn.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("load: take over a connection: %w", err)
	}
	k.owner = l
	l.links[k] = struct{}{}
	l.tasks.Go(func() { l.read(k) })
	if len(k.out) > 0 {
		k.touch()
	}
	return nil
}

func (l *portableLoop) read(k *link) {
	buf := make([]byte, 16<<10)
	for {
		n, err := k.conn.Read(buf)
		l.mu.Lock()
		l.bytes += int64(n)
		if n > 0 && !k.closed {
			if bad := k.to.feed(buf[:n]); bad != nil {
				err = bad
			}
		}
		if err != nil && !k.closed {
			k.close()
			k.to.ended(err)
		}
		ended := k.closed
		l.mu.Unlock()
		select {
		case l.wake <- struct{}{}:
		default:
		}
		if ended {
			return
		}
	}
}

func (l *portableLoop) flushLater(k *link) { l.dirty = append(l.dirty, k) }

func (l *portableLoop) detach(k *link) {
	delete(l.links, k)
	abort(k.conn)
}

func (l *portableLoop) wait(timeout time.Duration) error {
	dirty := l.dirty
	l.dirty = nil
	for _, k := range dirty {
		out := k.out
		k.out = nil
		l.tasks.Go(func() { l.write(k, out) })
	}
	l.mu.Unlock()
	defer l.mu.Lock()
	timer := time.NewTimer(max(timeout, 0))
	defer timer.Stop()
	select {
	case <-l.wake:
	case <-timer.C:
	}
	return nil
}

// write writes out and whatever was added meanwhile. The link stays dirty until
// then, so there is one writer at a time. A failed write shows in the reader.
func (l *portableLoop) write(k *link, out []byte) {
	for {
		_, err := k.conn.Write(out)
		l.mu.Lock()
		out, k.out = k.out, nil
		if err != nil || len(out) == 0 {
			k.dirty = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
	}
}

func (l *portableLoop) received() int64 { return l.bytes }

func (l *portableLoop) close() {
	for k := range l.links {
		k.close()
	}
	l.mu.Unlock()
	l.tasks.Wait()
}
