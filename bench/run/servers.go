package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sockeye-io/sockeye/bench/child"
)

// The servers that a bench may include.
const (
	sockeyeServer  = "sockeye"
	nodeServer     = "node"
	floorServer    = "floor"
	localServer    = "local" // Sockeye, with clients that reach the node of their session
	zishang2Server = "zishang-v2"
	zishang3Server = "zishang-v3"
)

// The adapters between two nodes, as Sockeye calls them.
const (
	adapterPubSub  = "redis"
	adapterStreams = "redis-streams"
)

var serverNames = []string{sockeyeServer, nodeServer, floorServer, localServer, zishang2Server, zishang3Server}

// server is one that is built and can be started any number of times.
type server struct {
	name    string
	version string
	command []string
	// webSocketOnly servers are left out of rows with another transport.
	webSocketOnly bool
	// joins is the option that names the Redis of several nodes; a server without one
	// is left out of rows with two nodes. The adapter is --adapter.
	joins string
}

// across is the server as a node of a cluster.
func (s *server) across(adapter, redis string) *server {
	node := *s
	node.command = append(slices.Clone(s.command), "--adapter", adapter, s.joins, redis)
	return &node
}

// workshop builds servers.
type workshop struct {
	root     string // of the repository
	tmp      string // where binaries go
	sockeye  string // Sockeye's binary
	progress io.Writer
}

func prepare(ctx context.Context, names []string, root, tmp, sockeye string, progress io.Writer) ([]*server, error) {
	w := workshop{root: root, tmp: tmp, sockeye: sockeye, progress: progress}
	servers := make([]*server, 0, len(names))
	for _, name := range names {
		s, err := w.prepare(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", name, err)
		}
		servers = append(servers, s)
	}
	return servers, nil
}

func (w workshop) prepare(ctx context.Context, name string) (*server, error) {
	switch name {
	case sockeyeServer:
		return w.ours(ctx)
	case localServer:
		s, err := w.ours(ctx)
		if err == nil {
			s.name, s.version = name, "the same, where every request reaches the node of its session"
		}
		return s, err
	case nodeServer:
		return w.node(ctx)
	case floorServer:
		bin, err := w.build(ctx, w.root, "./bench/peers/floor", name)
		return &server{name: name, version: "shares frames, coalesces writes and does nothing else; WebSocket only", command: []string{bin}, webSocketOnly: true}, err
	case zishang2Server:
		bin, err := w.build(ctx, filepath.Join(w.root, "bench", "peers", name), ".", name)
		return &server{name: name, version: "zishang520/socket.io v2.5.0 on Gin", command: []string{bin}}, err
	case zishang3Server:
		bin, err := w.build(ctx, filepath.Join(w.root, "bench", "peers", name), ".", name)
		return &server{name: name, version: "zishang520/socket.io v3.0.2 on Gin", command: []string{bin}}, err
	default:
		return nil, fmt.Errorf("unknown server, want one of %s", strings.Join(serverNames, ", "))
	}
}

// ours uses the binary that make built, so that what is measured is what ships.
func (w workshop) ours(ctx context.Context) (*server, error) {
	bin := w.sockeye
	if !filepath.IsAbs(bin) {
		bin = filepath.Join(w.root, bin)
	}
	if _, err := os.Stat(bin); err != nil {
		return nil, fmt.Errorf("%w: run `make build` first, or name the binary with -sockeye", err)
	}
	version, err := w.output(ctx, w.root, bin, "version")
	if err != nil {
		return nil, err
	}
	return &server{
		name: sockeyeServer, version: firstLine(version),
		// A client of the bench sends as much as it can, which is what limits are for.
		command: []string{bin, "serve", "--listen", "127.0.0.1:0", "--log-level", "info", "--event-rate", "off", "--byte-rate", "off"}, joins: "--redis-url",
	}, nil
}

// node installs the locked packages unless they are there.
func (w workshop) node(ctx context.Context) (*server, error) {
	dir := filepath.Join(w.root, "bench", "peers", nodeServer)
	if !installed(dir, "socket.io", "@socket.io/redis-adapter", "@socket.io/redis-streams-adapter", "redis") {
		_, _ = fmt.Fprintln(w.progress, "installing socket.io for Node")
		if _, err := w.output(ctx, dir, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
			return nil, err
		}
	}
	version, err := w.output(ctx, dir, "node", "-p",
		`"socket.io " + require("socket.io/package.json").version + " on Node " + process.version`)
	if err != nil {
		return nil, err
	}
	return &server{name: nodeServer, version: firstLine(version), command: []string{"node", filepath.Join(dir, "server.js")}, joins: "--redis"}, nil
}

func installed(dir string, packages ...string) bool {
	return !slices.ContainsFunc(packages, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, "node_modules", name, "package.json"))
		return err != nil
	})
}

func (w workshop) build(ctx context.Context, dir, pkg, name string) (string, error) {
	bin := filepath.Join(w.tmp, name)
	_, _ = fmt.Fprintln(w.progress, "building", name)
	_, err := w.output(ctx, dir, "go", "build", "-trimpath", "-o", bin, pkg)
	return bin, err
}

func (w workshop) output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err == nil {
		return string(out), nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, child.Tail(exit.Stderr))
	}
	return "", fmt.Errorf("%s: %w", name, err)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
