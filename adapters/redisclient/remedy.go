package redisclient

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"syscall"
)

// remedies are what to do about errors by which Redis says that it is there, and why it is
// of no use.
var remedies = []struct{ begins, remedy string }{
	{"WRONGPASS", "correct the user and the password in --redis-url"},
	{"NOAUTH", "put the password into --redis-url: redis://:password@host:port"},
	{"ERR Protocol error: unauthenticated", "put the password into --redis-url: redis://:password@host:port"},
	{"NOPERM", "let this user of Redis use the keys and channels of --redis-prefix: docs/cluster.md has the ACL"},
	{"DENIED", "Redis is in protected mode: give it a password, or let it listen where only the nodes can reach it"},
	{"ERR DB index", "correct the number of the database at the end of --redis-url"},
	{"ERR This instance has cluster support disabled", "write redis:// and not redis+cluster:// in --redis-url: this is a single server"},
	{"MOVED", "write redis+cluster:// in --redis-url: this is a Redis Cluster"},
	{"READONLY", "--redis-url names a replica: name the master, or the Sentinels by redis+sentinel://"},
	{"OOM", "give Redis more memory, or this cluster a smaller --recovery-bytes"},
	{"MISCONF", "Redis cannot write its files: see its log"},
}

// Remedy says what to do about an error of Redis, or "" where that is unknown, or is to
// wait.
func Remedy(err error) string {
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, r := range remedies {
			if strings.HasPrefix(e.Error(), r.begins) {
				return r.remedy
			}
		}
	}
	var unknown *net.DNSError
	switch {
	case errors.As(err, &unknown):
		return "correct the host in --redis-url"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "start Redis there, or correct --redis-url"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return "if this is so from the start: Redis may be in protected mode, or want TLS (rediss://)"
	case errors.Is(err, context.DeadlineExceeded):
		return "if this is so from the start: Redis may not be reachable from here, or have no TLS"
	}
	return ""
}

// Advised returns log with what to do about an error, if that is known.
func Advised(log *slog.Logger, err error) *slog.Logger {
	if remedy := Remedy(err); remedy != "" {
		return log.With("remedy", remedy)
	}
	return log
}
