//go:build !unix

package carry

import "net"

// lazyReader does not exist here: see lazy_unix.go.
type lazyReader struct{}

func newLazyReader(net.Conn) *lazyReader { return nil }

func (*lazyReader) next() (*buffer, error) { panic("carry: there is no lazyReader here") }

func (*lazyReader) quiet() bool { panic("carry: there is no lazyReader here") }
