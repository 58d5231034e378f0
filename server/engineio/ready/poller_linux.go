package ready

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// batch is how many connections are asked for at once.
const batch = 128

// Poller watches connections. Close ends it.
type Poller struct {
	file *os.File
	raw  syscall.RawConn
	done chan struct{} // closed when the goroutine has ended

	mu     sync.Mutex
	closed bool
	slots  []slot // by file descriptor
}

// slot is what is known of a file descriptor.
type slot struct {
	w     Waiter // nil: nobody waits
	turn  uint32 // of the watch, so that an event of an earlier one is known
	added bool   // it was in the epoll instance at some time; a closed one leaves it
}

// New returns a Poller.
func New() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("ready: epoll_create1: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or the runtime would not wait for it
		return nil, errors.Join(fmt.Errorf("ready: epoll: %w", err), unix.Close(fd))
	}
	p := &Poller{file: os.NewFile(uintptr(fd), "epoll"), done: make(chan struct{})}
	if p.raw, err = p.file.SyscallConn(); err != nil {
		return nil, errors.Join(fmt.Errorf("ready: epoll: %w", err), p.file.Close())
	}
	go p.run()
	return p, nil
}

// Watch calls w once, when a connection has something to read. Whoever watches a connection
// that is watched already takes the place of the other. After an error w is not called.
func (p *Poller) Watch(conn syscall.RawConn, w Waiter) error {
	var failed error
	err := conn.Control(func(fd uintptr) { failed = p.watch(int(fd), w) })
	if err == nil {
		err = failed
	}
	return err
}

func (p *Poller) watch(fd int, w Waiter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	for len(p.slots) <= fd {
		p.slots = append(p.slots, slot{})
	}
	s := &p.slots[fd]
	s.turn++
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(fd), Pad: int32(s.turn)} //nolint:gosec // a descriptor is small, and bits are bits
	err := p.control(s.added, fd, &event)
	if err != nil {
		return fmt.Errorf("ready: epoll_ctl: %w", err)
	}
	s.w, s.added = w, true
	return nil
}

// control arms a descriptor, which may have been closed and opened again since it was added.
func (p *Poller) control(added bool, fd int, event *unix.EpollEvent) (err error) {
	failed := p.raw.Control(func(epoll uintptr) {
		if added {
			if err = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_MOD, fd, event); !errors.Is(err, unix.ENOENT) {
				return
			}
		}
		err = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, fd, event)
	})
	if failed != nil {
		return failed
	}
	return err
}

// Forget ends the watch of a connection, if w still waits for it. It must be called before
// the connection is closed.
func (p *Poller) Forget(conn syscall.RawConn, w Waiter) {
	_ = conn.Control(func(fd uintptr) { // one that is closed is not watched
		p.mu.Lock()
		defer p.mu.Unlock()
		if int(fd) < len(p.slots) && p.slots[fd].w == w {
			p.slots[fd].w = nil
		}
	})
}

// run calls those who wait.
func (p *Poller) run() {
	defer close(p.done)
	var events [batch]unix.EpollEvent
	for {
		n := 0
		err := p.raw.Read(func(epoll uintptr) bool {
			var err error
			for {
				if n, err = unix.EpollWait(int(epoll), events[:], 0); !errors.Is(err, unix.EINTR) {
					return err == nil && n > 0 // or the runtime waits
				}
			}
		})
		if err != nil {
			return // closed
		}
		for i := range events[:n] {
			if w := p.take(&events[i]); w != nil {
				w.Ready()
			}
		}
	}
}

// take returns who waits for an event, and ends the watch.
func (p *Poller) take(e *unix.EpollEvent) Waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	s := &p.slots[e.Fd]
	if s.turn != uint32(e.Pad) { //nolint:gosec // bits are bits
		return nil
	}
	w := s.w
	s.w = nil
	return w
}

// Close ends the Poller and waits until it calls nobody any more. It is idempotent. Who
// still waits is not called.
func (p *Poller) Close() error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.slots = nil
	p.mu.Unlock()
	var err error
	if first {
		err = p.file.Close()
	}
	<-p.done
	return err
}
