package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// settings are the flags.
type settings struct {
	name            string
	pid             int
	adapter         string
	url             string
	prefix          string
	requestsTimeout time.Duration
	recovery        socketio.Recovery
	logger          *slog.Logger
}

func main() {
	s := settings{pid: os.Getpid()}
	flag.StringVar(&s.name, "name", "", "what the node calls itself")
	flag.StringVar(&s.adapter, "adapter", "redis-streams", "redis or redis-streams")
	flag.StringVar(&s.url, "redis", "redis://127.0.0.1:6379", "URL of Redis")
	flag.StringVar(&s.prefix, "prefix", "socket.io", "beginning of the names in Redis")
	flag.DurationVar(&s.requestsTimeout, "requests-timeout", 5*time.Second, "how long to wait for other nodes")
	recovery := flag.Duration("recovery", 0, "how long a client may be away and be recovered; 0 is off")
	level := flag.String("log-level", "info", "debug, info, warn or error")
	flag.Parse()
	var least slog.Level
	if err := least.UnmarshalText([]byte(*level)); err != nil {
		fmt.Fprintln(os.Stderr, "clusternode:", err)
		os.Exit(2)
	}
	s.logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: least}))

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	s.recovery = socketio.Recovery{MaxDisconnection: *recovery}
	if err := run(ctx, &s); err != nil {
		fmt.Fprintln(os.Stderr, "clusternode:", err)
		os.Exit(1) //nolint:gocritic // the signal handler dies with the process
	}
}

// kept says that the rooms whose names begin with "kept" have a history, where there is
// recovery.
func kept(_, room string) (socketio.HistoryLimits, bool) {
	return socketio.HistoryLimits{}, strings.HasPrefix(room, "kept")
}

// run serves until ctx ends, then closes every connection and the adapter.
func run(ctx context.Context, s *settings) (err error) {
	factory, closeAdapter, err := open(s)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, closeAdapter()) }()
	srv, err := socketio.New(&socketio.Options{Adapter: factory, Recovery: s.recovery, History: kept, Logger: s.logger})
	if err != nil {
		return err
	}
	c := newControl(s.name, srv)
	srv.OnConnection(c.welcome)
	srv.OfPattern(regexp.MustCompile(`^/case-`)).OnConnection(c.welcome)
	c.listen(srv.Of("/"))
	srv.OnNewNamespace(c.listen)

	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.Handle("POST /control", c)
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- web.Serve(l) }()
	fmt.Printf("listening addr=%s\n", l.Addr())

	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 4*time.Second)
	defer cancel()
	err = cmp.Or(srv.Close(within), web.Shutdown(within))
	if done := <-served; err == nil && !errors.Is(done, http.ErrServerClosed) {
		err = done
	}
	return err
}
