package socketio

import (
	"context"
	"time"
)

// socketContext is a Socket seen as the context of its handlers. It costs
// nothing until somebody waits for it or derives from it.
type socketContext Socket

var _ context.Context = (*socketContext)(nil)

// Deadline reports that there is none.
func (c *socketContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed when the socket has ended.
func (c *socketContext) Done() <-chan struct{} { return c.real().Done() }

// Err is context.Canceled once the socket has ended.
func (c *socketContext) Err() error {
	s := (*Socket)(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctxEnded {
		return context.Canceled
	}
	return nil
}

// Value has no values of its own. Asking the real context lets the context
// package attach derived contexts to it without a goroutine.
func (c *socketContext) Value(key any) any { return c.real().Value(key) }

// String names the context in logs.
func (c *socketContext) String() string { return "socketio.Socket(" + c.id + ")" }

func (c *socketContext) real() context.Context {
	s := (*Socket)(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		ctx, cancel := context.WithCancel(context.Background())
		if s.ctxEnded {
			cancel()
		}
		s.ctx = &cancelable{Context: ctx, cancel: cancel}
	}
	return s.ctx.Context
}

type cancelable struct {
	context.Context //nolint:containedctx // a socket's own context is stored with it
	cancel          context.CancelFunc
}

// endContext ends the context of the handlers.
func (s *Socket) endContext() {
	s.mu.Lock()
	s.ctxEnded = true
	c := s.ctx
	s.mu.Unlock()
	if c != nil {
		c.cancel()
	}
}
