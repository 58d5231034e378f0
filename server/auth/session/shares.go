package session

import (
	"context"
	"sync"
)

// shares keep one address, whoever connects again and again from there with something
// else to show, from having the site answer nobody else.
type shares struct {
	mu sync.Mutex
	of map[string]*share // of addresses that ask, or wait for that
}

type share struct {
	slots chan struct{}
	users int // guarded by shares.mu
}

// take waits until an address may ask; ok is false if ctx ended first. Clients whose
// address is not known are not bounded.
func (s *shares) take(ctx context.Context, address string) (release func(), ok bool) {
	if address == "" {
		return func() {}, true
	}
	s.mu.Lock()
	one := s.of[address]
	if one == nil {
		one = &share{slots: make(chan struct{}, maxOfOne)}
		s.of[address] = one
	}
	one.users++
	s.mu.Unlock()
	select {
	case one.slots <- struct{}{}:
		return func() {
			<-one.slots
			s.leave(address, one)
		}, true
	case <-ctx.Done():
		s.leave(address, one)
		return nil, false
	}
}

func (s *shares) leave(address string, one *share) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(s.of, address)
	}
}
