package ready

import "errors"

// ErrUnsupported says that this system has no Poller.
var ErrUnsupported = errors.New("ready: there is no poller for this system")

// ErrClosed says that the Poller was closed.
var ErrClosed = errors.New("ready: closed")

// Waiter waits for a connection.
type Waiter interface {
	// Ready is called once for each Watch, when there is something to read or the
	// connection is broken. It may be called before Watch returns, and now and then for
	// nothing. It must not block: all connections wait for it.
	Ready()
}
