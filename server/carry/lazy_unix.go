//go:build unix

package carry

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// lazyReader reads a TCP connection without holding a buffer while nothing comes,
// which is most of the time for waiting polls and for WebSockets. io.Copy, which
// would use splice(2), holds a pipe for each direction, of two descriptors and 10 KiB
// of kernel memory, and of up to 1 MiB of the pipe memory that a user may have.
// It is for one goroutine at a time.
type lazyReader struct {
	raw syscall.RawConn
	try func(fd uintptr) bool

	got *buffer
	err error

	look    func(fd uintptr) bool
	nothing bool
}

// newLazyReader returns nil for a connection that cannot do that.
func newLazyReader(c net.Conn) *lazyReader {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	l := &lazyReader{raw: raw}
	l.try, l.look = l.read, l.peek
	return l
}

// read is called while the connection may have something to read. It reports false
// to wait until it has.
func (l *lazyReader) read(fd uintptr) bool {
	b := getBuffer()
	for {
		n, err := syscall.Read(int(fd), b.room())
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			b.free()
			return false
		case err != nil:
			l.err = os.NewSyscallError("read", err)
		case n == 0:
			l.err = io.EOF
		default:
			b.fill(n)
			l.got = b
			return true
		}
		b.free()
		return true
	}
}

// next waits for bytes and returns them. The caller frees the buffer.
func (l *lazyReader) next() (*buffer, error) {
	l.got, l.err = nil, nil
	err := l.raw.Read(l.try)
	got := l.got
	l.got = nil
	if got != nil {
		return got, nil
	}
	if err == nil {
		err = l.err
	}
	return nil, err
}

// quiet reports whether the connection is open and has nothing to read. It does not
// wait.
func (l *lazyReader) quiet() bool {
	l.nothing = false
	return l.raw.Read(l.look) == nil && l.nothing
}

func (l *lazyReader) peek(fd uintptr) bool {
	var one [1]byte
	_, err := syscall.Read(int(fd), one[:])
	l.nothing = errors.Is(err, syscall.EAGAIN)
	return true
}
