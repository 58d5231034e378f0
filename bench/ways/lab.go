package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/load"
	"github.com/sockeye-io/sockeye/bench/process"
)

// lab is where a row finds its servers. It belongs to one goroutine.
type lab struct {
	// quick says that sizes should be small: to see that it works, not to quote.
	quick bool

	sockeye string // the binary
	dir     string // for configurations
	nodes   []*node
}

// pick is a size: the full one, or the quick one.
func (l *lab) pick(full, quick int) int {
	if l.quick {
		return quick
	}
	return full
}

// time is a span likewise.
func (l *lab) time(full, quick time.Duration) time.Duration {
	if l.quick {
		return quick
	}
	return full
}

// node is one running Sockeye. The lab ends it.
type node struct{ *child.Child }

// start starts Sockeye on a free port of the loopback interface, without limits on what
// one client may send, with a configuration in YAML ("" is none) and further flags.
func (l *lab) start(ctx context.Context, config string, flags ...string) (*node, error) {
	command := []string{l.sockeye, "serve", "--listen", "127.0.0.1:0", "--log-level", "info", "--event-rate", "off", "--byte-rate", "off"}
	if config != "" {
		path := filepath.Join(l.dir, fmt.Sprintf("sockeye-%d.yaml", len(l.nodes)))
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			return nil, err
		}
		command = append(command, "--config", path)
	}
	c, err := child.Start(ctx, append(command, flags...)...)
	if err != nil {
		return nil, err
	}
	n := &node{c}
	l.nodes = append(l.nodes, n)
	return n, nil
}

// url is the address of a path, which begins with a slash.
func (n *node) url(path string) string { return n.Target.URL + path }

// cpu is the CPU time, user and system, that the server has used.
func (n *node) cpu() (time.Duration, error) { return process.CPU([]int{n.Target.PID}) }

// rss is the server's resident memory, in bytes.
func (n *node) rss() (int64, error) { return process.RSS([]int{n.Target.PID}) }

// end ends the servers. It is an error if one had ended by itself.
func (l *lab) end() error {
	var errs []error
	for _, n := range l.nodes {
		errs = append(errs, n.Crashed(), n.Stop())
	}
	l.nodes = nil
	return errors.Join(errs...)
}

// work has socket.io clients do something with a server, and puts the figures into r,
// their names beginning with name. What was lost is noted.
func (l *lab) work(ctx context.Context, n *node, name string, w load.Work, r *result) (*load.Result, error) {
	res, err := load.Run(ctx, n.Target, w)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if failure := res.Failure(); failure != "" {
		r.lose("%s: %s", name, failure)
	}
	return res, nil
}
