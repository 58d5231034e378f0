//go:build !linux

package ready

import "syscall"

// Poller watches connections. There is none for this system.
type Poller struct{}

// New returns ErrUnsupported.
func New() (*Poller, error) { return nil, ErrUnsupported }

// Watch returns ErrUnsupported.
func (*Poller) Watch(syscall.RawConn, Waiter) error { return ErrUnsupported }

// Forget does nothing.
func (*Poller) Forget(syscall.RawConn, Waiter) {}

// Close does nothing.
func (*Poller) Close() error { return nil }
