package load

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func newLoop(portable bool) (loop, error) {
	if portable {
		return newPortableLoop(), nil
	}
	return newEpollLoop()
}

// epollLoop waits in one level-triggered epoll set and reads each ready
// connection once per round into one buffer. Compared with a goroutine for each
// connection it saves the second read that finds nothing, and the switches.
type epollLoop struct {
	epoll  int
	slots  []*link // by slot; a closed link leaves nil
	dirty  []*link
	spare  []*link // the other half of dirty's double buffer
	events []unix.EpollEvent
	buf    []byte
	bytes  int64 // received
}

var _ loop = (*epollLoop)(nil)

func newEpollLoop() (*epollLoop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("load: epoll: %w", err)
	}
	return &epollLoop{epoll: fd, events: make([]unix.EpollEvent, 512), buf: make([]byte, 64<<10)}, nil
}

// attach moves the connection from Go's poller into the loop's own set: a
// duplicate of the descriptor stays open while the net.Conn is closed, which
// takes its registration with it.
func (l *epollLoop) attach(k *link) error {
	tcp, ok := k.conn.(syscall.Conn)
	if !ok {
		return fmt.Errorf("load: %T has no descriptor", k.conn)
	}
	fd, err := duplicate(tcp)
	if err != nil {
		return fmt.Errorf("load: take over a connection: %w", err)
	}
	if err := k.conn.Close(); err != nil {
		return errors.Join(fmt.Errorf("load: take over a connection: %w", err), unix.Close(fd))
	}
	k.conn, k.fd, k.slot, k.owner = nil, fd, len(l.slots), l
	l.slots = append(l.slots, k)
	if err := l.watch(unix.EPOLL_CTL_ADD, k, unix.EPOLLIN); err != nil {
		return err
	}
	if len(k.out) > 0 {
		k.touch()
	}
	return nil
}

func duplicate(c syscall.Conn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var fd int
	var dupErr error
	err = raw.Control(func(old uintptr) {
		fd, dupErr = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0)
	})
	return fd, errors.Join(err, dupErr)
}

func (l *epollLoop) watch(op int, k *link, events uint32) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(k.slot)}
	if err := unix.EpollCtl(l.epoll, op, k.fd, &ev); err != nil {
		return fmt.Errorf("load: epoll: %w", err)
	}
	return nil
}

func (l *epollLoop) flushLater(k *link) { l.dirty = append(l.dirty, k) }

func (l *epollLoop) detach(k *link) {
	l.slots[k.slot] = nil
	linger := unix.Linger{Onoff: 1, Linger: 0}
	_ = unix.SetsockoptLinger(k.fd, unix.SOL_SOCKET, unix.SO_LINGER, &linger)
	_ = unix.Close(k.fd)
}

func (l *epollLoop) wait(timeout time.Duration) error {
	if err := l.flush(); err != nil {
		return err
	}
	if timeout > 0 && timeout < time.Millisecond {
		if err := l.waitBriefly(timeout); err != nil {
			return err
		}
		timeout = 0
	}
	n, err := unix.EpollWait(l.epoll, l.events, int(max(timeout, 0)/time.Millisecond))
	if err != nil {
		if errors.Is(err, unix.EINTR) {
			return nil
		}
		return fmt.Errorf("load: epoll: %w", err)
	}
	for i := range l.events[:n] {
		ev := &l.events[i]
		k := l.slots[ev.Fd]
		if k == nil {
			continue // closed earlier in this batch
		}
		if ev.Events&unix.EPOLLOUT != 0 {
			l.writable(k)
		}
		if ev.Events&^uint32(unix.EPOLLOUT) != 0 && !k.closed {
			l.readable(k)
		}
	}
	return nil
}

// waitBriefly waits for what epoll_wait, which counts in milliseconds, rounds
// away.
func (l *epollLoop) waitBriefly(timeout time.Duration) error {
	fds := []unix.PollFd{{Fd: int32(l.epoll), Events: unix.POLLIN}}
	ts := unix.NsecToTimespec(timeout.Nanoseconds())
	if _, err := unix.Ppoll(fds, &ts, nil); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("load: ppoll: %w", err)
	}
	return nil
}

func (l *epollLoop) readable(k *link) {
	n, err := unix.Read(k.fd, l.buf)
	switch {
	case err != nil && (errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR)):
	case err != nil:
		l.fail(k, err)
	case n == 0:
		l.fail(k, io.EOF)
	default:
		l.bytes += int64(n)
		if err := k.to.feed(l.buf[:n]); err != nil {
			l.fail(k, err)
		}
	}
}

func (l *epollLoop) fail(k *link, err error) {
	if !k.closed {
		k.close()
		k.to.ended(err)
	}
}

func (l *epollLoop) flush() error {
	// A link that fails may have its client open and touch another meanwhile.
	dirty := l.dirty
	l.dirty, l.spare = l.spare[:0], dirty
	for _, k := range dirty {
		k.dirty = false
		if k.closed {
			continue
		}
		if l.write(k); len(k.out) > 0 && !k.closed {
			if err := l.watch(unix.EPOLL_CTL_MOD, k, unix.EPOLLIN|unix.EPOLLOUT); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *epollLoop) writable(k *link) {
	l.write(k)
	if len(k.out) > 0 || k.closed {
		return
	}
	if err := l.watch(unix.EPOLL_CTL_MOD, k, unix.EPOLLIN); err != nil {
		l.fail(k, err)
	}
}

// write writes what the connection takes and keeps the rest in k.out.
func (l *epollLoop) write(k *link) {
	for len(k.out) > 0 {
		n, err := unix.Write(k.fd, k.out)
		if err != nil {
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if !errors.Is(err, unix.EAGAIN) {
				l.fail(k, err)
			}
			return
		}
		k.out = k.out[:copy(k.out, k.out[n:])]
	}
}

func (l *epollLoop) received() int64 { return l.bytes }

func (l *epollLoop) close() {
	for _, k := range l.slots {
		if k != nil {
			k.close()
		}
	}
	_ = unix.Close(l.epoll)
}
