package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/load"
)

// redisServer is Debian's program. Where it is missing there are no rows of two nodes.
const redisServer = "redis-server"

// between is a fresh Redis in memory, between two nodes.
type between struct {
	cmd *exec.Cmd
	url string
}

// onTwo starts a fresh Redis and two nodes of s, does the work of r and stops them.
func onTwo(ctx context.Context, s *server, r row, tick func()) outcome {
	ctx, cancel := bounded(ctx, r.work)
	defer cancel()
	redis, err := startRedis(ctx)
	if err != nil {
		return outcome{Error: err.Error()}
	}
	o := acrossTwo(ctx, s.across(r.across, redis.url), redis, r, tick)
	if err := redis.stop(); err != nil && o.Error == "" {
		o.Error = err.Error()
	}
	return o
}

func acrossTwo(ctx context.Context, s *server, redis *between, r row, tick func()) outcome {
	first, err := child.Start(ctx, s.command...)
	if err != nil {
		return outcome{Error: err.Error(), dead: true}
	}
	second, err := child.Start(ctx, s.command...)
	if err != nil {
		return outcome{Error: errors.Join(err, first.Stop()).Error(), dead: true}
	}
	t := first.Target
	t.Aside = redis.cmd.Process.Pid
	switch {
	case !r.carried:
		t.Others = []load.Target{second.Target}
	case s.name != localServer:
		t.Onward = &second.Target
	}
	return work(ctx, t, r.work, tick, first, second)
}

// startRedis returns once Redis accepts connections.
func startRedis(ctx context.Context) (*between, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil || !ok {
		return nil, fmt.Errorf("no free port for Redis: %w", err)
	}
	cmd := exec.CommandContext(ctx, redisServer, "--port", strconv.Itoa(addr.Port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = child.StopTimeout
	child.BindToParent(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	r := &between{cmd: cmd, url: "redis://" + addr.String()}
	if err := answers(ctx, addr.String()); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

func answers(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, child.StartTimeout)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis does not answer: %w", err)
		case <-again.C:
		}
	}
}

// stop ends Redis and waits for it.
func (r *between) stop() error {
	_ = r.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended
	err := r.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil // a signal ended it, which is what was asked for
	}
	return err
}
