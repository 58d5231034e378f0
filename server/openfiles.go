package server

import (
	"errors"
	"log/slog"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// filesPerPolling is how many TCP connections a polling client has: one waits in a
	// GET, the other sends. A WebSocket is one.
	filesPerPolling = 2
	// otherFiles is what the program has open besides clients: Redis, webhooks, other
	// nodes, databases, requests of pages.
	otherFiles = 256
)

const raiseOpenFiles = "raise the hard limit (LimitNOFILE= of systemd, ulimits of Docker, ulimit -Hn), or lower --max-connections"

// checkOpenFiles says at the start when the system lets the process open fewer files than
// --max-connections needs. Go has raised the soft limit by then, to one below the hard
// one, and gives processes that it starts the old one again: nothing is left to be raised.
func (a *App) checkOpenFiles(limit uint64, known bool) {
	clients := uint64(max(0, int(a.cfg.MaxConnections)))
	if !known || clients == 0 {
		return
	}
	fits := uint64(0)
	if limit > otherFiles {
		fits = limit - otherFiles
	}
	attrs := []any{"limit", limit, "max_connections", clients, "websockets", fits, "polling", fits / filesPerPolling, "remedy", raiseOpenFiles}
	switch {
	case fits < clients:
		a.log.Warn("the limit of open files is too low for --max-connections", attrs...)
	case fits < filesPerPolling*clients:
		a.log.Info("the limit of open files is too low for --max-connections if all clients poll", attrs...)
	}
}

// acceptPause is how often it is logged, at most, that no file could be opened.
const acceptPause = 10 * time.Second

// watchFiles returns l, which logs when connections cannot be accepted because the
// process, or the system, has too many files open. net/http tries again by itself.
func (a *App) watchFiles(l net.Listener) net.Listener { return &filesListener{Listener: l, log: a.log} }

type filesListener struct {
	net.Listener

	log  *slog.Logger
	last atomic.Int64 // when it was logged, in nanoseconds since 1970
}

// Accept returns the next connection.
func (l *filesListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil || !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
		return c, err
	}
	now := time.Now().UnixNano()
	if last := l.last.Load(); now-last >= int64(acceptPause) && l.last.CompareAndSwap(last, now) {
		limit, _ := openFileLimit()
		l.log.Error("no more connections can be accepted: too many open files", "limit", limit, "error", err, "remedy", raiseOpenFiles)
	}
	return nil, err
}
