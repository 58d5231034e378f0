package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
	"github.com/sockeye-io/sockeye/bench/load"
)

// checkTimeout bounds one check of the relay contract; it takes a second.
const checkTimeout = time.Minute

// ways are those in which servers are asked to keep the relay contract, as rows.
func ways() []row {
	return []row{
		{title: "WebSocket"},
		{title: "polling", work: load.Work{Transport: load.Polling}},
		{title: "upgrade", work: load.Work{Transport: load.Upgrade}},
		{title: "MessagePack", work: load.Work{Parser: load.MsgPack}},
		{title: "permessage-deflate", work: load.Work{Deflate: true}},
	}
}

// contract checks with the official client that the servers keep the relay contract, and
// writes a table. It reports whether all do, in every way that they do not lack.
func (w workshop) contract(ctx context.Context, p *plan, out io.Writer) (bool, error) {
	if err := w.install(ctx, w.check(), "socket.io-client", "socket.io-msgpack-parser"); err != nil {
		return false, err
	}
	var b strings.Builder
	p.rows, p.guarantees = ways(), nil
	b.WriteString("| The relay contract |")
	for _, r := range p.rows {
		fmt.Fprintf(&b, " %s |", r.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(p.rows)) + "\n")
	all := true
	for _, s := range p.servers {
		fmt.Fprintf(&b, "| %s |", s.name)
		for _, r := range p.rows {
			cell := "–"
			if s.can(r) {
				_, _ = fmt.Fprintf(w.progress, "checking %s, %s\n", s.name, r.title)
				cell = "kept"
				if err := w.keeps(ctx, s.set(r), r.work); err != nil {
					cell, all = "**"+err.Error()+"**", false
				}
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	for _, line := range p.leftOut() {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	for _, s := range p.servers {
		if reason := s.lacks[featureUnasked]; reason != "" {
			fmt.Fprintf(&b, "- %s: %s: %s\n", s.name, featureUnasked, reason)
		}
	}
	_, err := io.WriteString(out, b.String())
	return all, err
}

func (w workshop) check() string { return filepath.Join(w.root, "bench", "peers", "check") }

// keeps starts the server and returns what it does not do.
func (w workshop) keeps(ctx context.Context, s *server, work load.Work) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	c, err := child.Start(ctx, s.command...)
	if err != nil {
		return err
	}
	args := []string{"check.js", "--url", c.Target.URL}
	if work.Transport != "" {
		args = append(args, "--transport", string(work.Transport))
	}
	if work.Parser != "" {
		args = append(args, "--parser", string(work.Parser))
	}
	if work.Deflate {
		args = append(args, "--deflate")
	}
	if s.lacks[featureUnasked] != "" {
		args = append(args, "--needs-ack")
	}
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = w.check()
	said, err := cmd.CombinedOutput()
	if len(said) > 0 && err != nil {
		err = errors.New(child.Tail(said))
	}
	if crash := c.Crashed(); crash != nil {
		err = crash
	}
	if stop := c.Stop(); err == nil {
		err = stop
	}
	return err
}
