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
	bunServer      = "bun"
	pythonServer   = "python-socketio"
	flaskServer    = "flask-socketio"
)

// The adapters between two nodes, as Sockeye calls them.
const (
	adapterPubSub  = "redis"
	adapterStreams = "redis-streams"
)

var serverNames = []string{sockeyeServer, nodeServer, floorServer, localServer, zishang2Server, zishang3Server, bunServer, pythonServer, flaskServer}

// server is one that is built and can be started any number of times.
type server struct {
	name    string
	version string
	command []string
	// options are what it is started with besides, for rows that need the feature.
	options map[feature][]string
	// lacks are the features that it does not have, each with the reason. It is left out
	// of the rows that need one.
	lacks map[feature]string
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

// prepare returns the servers in the order of their names, without those that need what
// this machine has not; of them it says what.
func prepare(ctx context.Context, names []string, root, tmp, sockeye string, progress io.Writer) ([]*server, []*absent, error) {
	w := workshop{root: root, tmp: tmp, sockeye: sockeye, progress: progress}
	servers := make([]*server, 0, len(names))
	var missing []*absent
	for _, name := range names {
		s, err := w.prepare(ctx, name)
		var a *absent
		switch {
		case errors.As(err, &a):
			_, _ = fmt.Fprintf(progress, "LEFT OUT: %s\n", a)
			missing = append(missing, a)
		case err != nil:
			return nil, nil, fmt.Errorf("prepare %s: %w", name, err)
		default:
			servers = append(servers, s)
		}
	}
	if len(servers) == 0 {
		return nil, nil, errors.New("none of the servers can be started here")
	}
	return servers, missing, nil
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
		return &server{
			name: name, version: "shares frames, coalesces writes and does nothing else; WebSocket only", command: []string{bin},
			options: map[feature][]string{featureMsgPack: msgPackOption},
			lacks: map[feature]string{
				featurePolling: "it speaks WebSocket only",
				featureDeflate: "it compresses nothing",
			},
		}, err
	case zishang2Server:
		return w.zishang(ctx, name, "v2.5.0")
	case zishang3Server:
		return w.zishang(ctx, name, "v3.0.2")
	case bunServer:
		return w.bun(ctx)
	case pythonServer:
		return w.python(ctx, name, "aiohttp", "python3-socketio python3-aiohttp",
			`f"python-socketio {v('python-socketio')} on aiohttp {v('aiohttp')}"`)
	case flaskServer:
		return w.python(ctx, name, "flask_socketio, eventlet", "python3-flask-socketio python3-eventlet",
			`f"Flask-SocketIO {v('Flask-SocketIO')} (python-socketio {v('python-socketio')}) on eventlet {v('eventlet')}"`)
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
	// MessagePack needs none: the server looks at the client's first packet.
	options := map[feature][]string{featureDeflate: {"--per-message-deflate"}}
	help, err := w.output(ctx, w.root, bin, "serve", "--help")
	if err != nil {
		return nil, err
	}
	if strings.Contains(help, "idle-mode") { // a binary of before may be measured too
		options[featureIdle] = []string{"--idle-mode"}
	}
	return &server{
		name: sockeyeServer, version: firstLine(version),
		// A client of the bench sends as much as it can, which is what limits are for.
		command: []string{bin, "serve", "--listen", "127.0.0.1:0", "--log-level", "info", "--event-rate", "off", "--byte-rate", "off"}, joins: "--redis-url",
		options: options,
	}, nil
}

// node is the server that clients know.
func (w workshop) node(ctx context.Context) (*server, error) {
	dir := filepath.Join(w.root, "bench", "peers", nodeServer)
	if err := w.install(ctx, dir, "socket.io", "socket.io-msgpack-parser", "@socket.io/redis-adapter", "@socket.io/redis-streams-adapter", "redis"); err != nil {
		return nil, err
	}
	version, err := w.output(ctx, dir, "node", "-p",
		`"socket.io " + require("socket.io/package.json").version + " on Node " + process.version`)
	if err != nil {
		return nil, err
	}
	return &server{
		name: nodeServer, version: firstLine(version), command: []string{"node", filepath.Join(dir, "server.js")}, joins: "--redis",
		options: map[feature][]string{featureMsgPack: msgPackOption, featureDeflate: deflateOption},
	}, nil
}

// The options of peers.
var (
	msgPackOption = []string{"--parser", "msgpack"}
	deflateOption = []string{"--deflate"}
)

// bun is an npm package too; which of its programs is installed depends on the machine.
func (w workshop) bun(ctx context.Context) (*server, error) {
	dir := filepath.Join(w.root, "bench", "peers", bunServer)
	if err := w.install(ctx, dir, "bun", "socket.io", "socket.io-msgpack-parser", "@socket.io/bun-engine"); err != nil {
		return nil, err
	}
	programs, err := filepath.Glob(filepath.Join(dir, "node_modules", "@oven", "bun-*", "bin", "bun"))
	if err != nil || len(programs) == 0 {
		return nil, &absent{bunServer, "a machine that Bun is made for"}
	}
	version, err := w.output(ctx, dir, programs[0], "-p",
		`"socket.io " + require("socket.io/package.json").version + " and @socket.io/bun-engine " + require("@socket.io/bun-engine/package.json").version + " on Bun " + Bun.version`)
	if err != nil {
		return nil, err
	}
	return &server{
		name: bunServer, version: firstLine(version), command: []string{programs[0], filepath.Join(dir, "server.js")},
		options: map[feature][]string{featureMsgPack: msgPackOption},
		lacks:   map[feature]string{featureDeflate: "its engine sends everything as it is, also where compression was agreed"},
	}, nil
}

func (w workshop) zishang(ctx context.Context, name, version string) (*server, error) {
	bin, err := w.build(ctx, filepath.Join(w.root, "bench", "peers", name), ".", name)
	return &server{
		name: name, version: "zishang520/socket.io " + version + " on Gin", command: []string{bin},
		options: map[feature][]string{featureDeflate: deflateOption},
		lacks:   map[feature]string{featureMsgPack: "the library has no such parser"},
	}, err
}

// debianPython is where Debian's packages are.
const debianPython = "/usr/bin/python3"

// python is a server on Debian's packages, where they are installed. The version is a
// Python expression in which v is the version of a package.
func (w workshop) python(ctx context.Context, name, modules, packages, version string) (*server, error) {
	dir := filepath.Join(w.root, "bench", "peers", name)
	said, err := w.output(ctx, dir, debianPython, "-c",
		"import platform, socketio, "+modules+"; from importlib.metadata import version as v; print("+version+` + f", Python {platform.python_version()}")`)
	if ctx.Err() == nil && err != nil {
		return nil, &absent{name, "Debian's packages: apt-get install " + packages}
	}
	// Compression needs no option: it is what a client that offers it gets.
	return &server{
		name: name, version: firstLine(said), command: []string{debianPython, filepath.Join(dir, "server.py")},
		lacks: map[feature]string{
			featureMsgPack: "python-socketio 5.7 drops the id 0 of MessagePack packets, so a client's first acknowledgement never comes",
			featureUnasked: "a handler is not told whether the client waits for an acknowledgement",
		},
	}, err
}

// install installs the locked packages unless they are there.
func (w workshop) install(ctx context.Context, dir string, packages ...string) error {
	if installed(dir, packages...) {
		return nil
	}
	_, _ = fmt.Fprintln(w.progress, "installing npm packages for", filepath.Base(dir))
	_, err := w.output(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	return err
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
