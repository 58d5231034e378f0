package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// What a round puts on the server, whatever its length.
const (
	rooms      = 4
	churners   = 6                     // clients that come and go, at once
	stallers   = 2                     // readers that stop, at once
	pace       = 50 * time.Millisecond // between two messages of a client that stays
	stallBody  = 32 << 10              // bytes of each message that a stalled reader is sent
	stallMost  = 64 << 20              // bytes after which it should have been ended
	stallSmall = 16 << 10              // its receive buffer
)

// stays are the clients that stay, in each room.
var stays = []int{bySocket, bySocket, bySocket, byPolling, byPolling, byUpgrade}

// round is one stretch of work against a server at base.
type round struct {
	base   string
	counts *counts
	// cutPolls has polling clients cut off, too. One that is between two polls then ends
	// with its heartbeat, which a short soak does not want to wait for.
	cutPolls bool
	all      []*stay
}

// stay is a client that is there for the whole round.
type stay struct {
	*follower

	client *client
	id     int
	room   string
	way    int
	said   int // after the round
}

// run works for d and leaves nothing connected. Faults are counted; an error means that
// the work could not be done.
func (r *round) run(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := r.gather(ctx); err != nil {
		return err
	}
	until, stop := context.WithTimeout(ctx, d)
	defer stop()
	var wg sync.WaitGroup
	for _, s := range r.all {
		wg.Go(func() { r.talk(ctx, until, s) })
	}
	for i := range churners {
		wg.Go(func() { r.churn(ctx, until, i) })
	}
	for i := range stallers {
		wg.Go(func() { r.stall(ctx, until, i) })
	}
	wg.Wait()
	r.complete(ctx)
	for i, s := range r.all {
		r.part(s.client, s.way, i%2 == 0)
	}
	return ctx.Err()
}

// gather connects those that stay.
func (r *round) gather(ctx context.Context) error {
	for i := range rooms {
		for _, way := range stays {
			s := &stay{follower: newFollower(r.counts, true), id: len(r.all), room: fmt.Sprint("room-", i), way: way}
			c, err := r.dial(ctx, way, s.take)
			if err != nil {
				return fmt.Errorf("client %d: %w", s.id, err)
			}
			s.client = c
			r.all = append(r.all, s)
			if err := r.ask(c, "join", s.room); err != nil {
				return fmt.Errorf("client %d: %w", s.id, err)
			}
		}
	}
	return nil
}

func (r *round) dial(ctx context.Context, way int, events func(event)) (*client, error) {
	c, err := dial(ctx, r.base, way, events)
	if err == nil {
		r.counts.connects[way].Add(1)
	}
	return c, err
}

// ask emits what the server answers with "ok".
func (r *round) ask(c *client, args ...any) error {
	what := fmt.Sprint(args[0])
	got, err := c.call(args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if len(got) != 1 || got[0] != "ok" {
		return fmt.Errorf("%s: the answer is %.80v", what, got)
	}
	if what != "say" {
		r.counts.moves.Add(1)
	}
	return nil
}

// part has a client leave: politely, or cut off.
func (r *round) part(c *client, way int, polite bool) {
	polite = polite || way == byPolling && !r.cutPolls
	c.leave(polite)
	if polite {
		r.counts.goodbyes.Add(1)
	} else {
		r.counts.cuts.Add(1)
	}
}

// message is argument of message n of a publisher.
func message(from, n int) any {
	if binary(n) {
		return attachment(body(from, n))
	}
	return string(body(from, n))
}

// talk says messages and has others echoed until the time is up.
func (r *round) talk(ctx, until context.Context, s *stay) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		select {
		case <-until.Done():
			return
		case <-tick.C:
		}
		n := s.said + 1
		err := r.ask(s.client, "say", s.room, s.id, n, message(s.id, n))
		if err == nil {
			s.said = n
			r.counts.said.Add(1)
			err = r.echo(s.client, s.id, n)
		}
		if err == nil && s.way == byUpgrade && n == 5 { // in the middle of it
			if err = s.client.upgrade(ctx); err == nil {
				r.counts.upgrades.Add(1)
			}
		}
		if err != nil {
			r.counts.fault(&r.counts.failed, 1, "client %d, which stays: %v", s.id, err)
			return
		}
	}
}

func (r *round) echo(c *client, from, n int) error {
	got, err := c.call("echo", message(from, n))
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	if len(got) != 1 || !same(got[0], from, n) {
		return errors.New("echo: the answer is not what was sent")
	}
	r.counts.echoed.Add(1)
	return nil
}

// complete waits until those that stay have heard everything, and counts what is missing.
func (r *round) complete(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for _, s := range r.all {
		for _, other := range r.all {
			for other.room == s.room && !s.has(other.id, other.said) && ctx.Err() == nil {
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
			if other.room == s.room {
				s.complete(other.id, other.said)
			}
		}
	}
}

// churn has clients come, hear something in a room, and go.
func (r *round) churn(ctx, until context.Context, i int) {
	for n := 0; until.Err() == nil; n++ {
		if err := r.visit(ctx, until, (i+n)%3, n); err != nil && ctx.Err() == nil {
			r.counts.fault(&r.counts.failed, 1, "a client that comes and goes: %v", err)
		}
	}
}

// visit is one client's time: what it hears of each publisher has no gap from its first
// message on, across the upgrade, too.
func (r *round) visit(ctx, until context.Context, way, n int) error {
	heard := newFollower(r.counts, false)
	c, err := r.dial(ctx, way, heard.take)
	if err != nil {
		return err
	}
	defer func() { r.part(c, way, n%2 == 0) }()
	room, own := fmt.Sprint("room-", rand.IntN(rooms)), fmt.Sprint("own-", rand.IntN(1<<30))
	for _, name := range []string{room, own} {
		if err := r.ask(c, "join", name); err != nil {
			return err
		}
	}
	if way == byUpgrade {
		if err := c.upgrade(ctx); err != nil {
			return fmt.Errorf("upgrade: %w", err)
		}
		r.counts.upgrades.Add(1)
	}
	if err := r.echo(c, 1000, n); err != nil {
		return err
	}
	select {
	case <-time.After(rand.N(200 * time.Millisecond)):
	case <-until.Done():
	}
	if n%3 == 0 {
		return nil // in its rooms
	}
	for _, name := range []string{room, own} {
		if err := r.ask(c, "leave", name); err != nil {
			return err
		}
	}
	return nil
}

// stall has clients send themselves messages which they do not read, until the server
// ends them.
func (r *round) stall(ctx, until context.Context, i int) {
	text := strings.Repeat("x", stallBody)
	for n := 0; until.Err() == nil; n++ {
		ended, err := r.stalled(ctx, until, fmt.Sprintf("stalled-%d-%d", i, n), text)
		switch {
		case ended:
			r.counts.stalled.Add(1)
		case err != nil && ctx.Err() == nil:
			r.counts.fault(&r.counts.failed, 1, "a reader that stalls: %v", err)
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-until.Done():
		}
	}
}

// stalled reports whether the server ended one. It is cut when the time is up.
func (r *round) stalled(ctx, until context.Context, room, text string) (ended bool, err error) {
	w, err := openSocket(ctx, r.base, "", stallSmall)
	if err != nil {
		return false, err
	}
	defer w.close()
	join, err := encode(0, "join", room)
	if err != nil {
		return false, err
	}
	for _, step := range []struct {
		send  []frame
		until string
	}{{nil, "0"}, {[]frame{{text: "40"}}, "40"}, {join, "43"}} {
		if step.send != nil {
			err = w.write(step.send)
		}
		for answer := ""; err == nil && !strings.HasPrefix(answer, step.until); {
			var all []frame
			if all, err = w.read(); err == nil {
				answer = all[0].text
			}
		}
		if err != nil {
			return false, err
		}
	}
	defer context.AfterFunc(until, w.close)()
	say, err := encode(1, "say", room, text)
	if err != nil {
		return false, err
	}
	for sent := 0; sent < stallMost; sent += len(text) {
		if err := w.write(say); err != nil {
			return until.Err() == nil, nil //nolint:nilerr // the end of the connection is what is waited for
		}
	}
	return false, fmt.Errorf("was sent %d bytes and not ended", stallMost)
}
