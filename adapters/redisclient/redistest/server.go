package redistest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is how long a server may take to start or to end.
const patience = 20 * time.Second

// Server is one redis-server.
type Server struct {
	dir  string
	port int
	args []string
	// master is the port of the master that it watches, 0 if it is no Sentinel.
	master int

	mu   sync.Mutex
	cmd  *exec.Cmd // nil while it is stopped
	out  bytes.Buffer
	gone chan struct{} // closed when cmd has ended
}

// Start starts a server that ends with the test. args are further options of its
// command line, such as "--requirepass", "secret".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	s, err := start(t.TempDir(), args)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if said := s.end(); t.Failed() && said != "" {
			t.Logf("redis-server on port %d said: %s", s.port, said)
		}
	})
	return s
}

func start(dir string, args []string) (*Server, error) { return startAs(dir, args, 0) }

// startAs starts a server, or the Sentinel of a master.
func startAs(dir string, args []string, master int) (*Server, error) {
	var err error
	for range 5 { // another process may take the port in between
		s := &Server{dir: dir, args: args, master: master}
		if s.port, err = freePort(); err != nil {
			return nil, err
		}
		if err = s.run(); err == nil {
			return s, nil
		}
		if errors.Is(err, exec.ErrNotFound) {
			break
		}
	}
	return nil, err
}

func freePort() (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("redistest: no free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil //nolint:errcheck // it listens on TCP
}

// run starts the process and waits until it answers.
func (s *Server) run() error {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("redistest: these tests need redis-server (Debian: apt-get install redis-server): %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.Reset()
	args, err := s.commandLine()
	if err != nil {
		return fmt.Errorf("redistest: %w", err)
	}
	cmd := exec.CommandContext(context.Background(), path, args...) //nolint:gosec // the tests' own words
	cmd.Stdout, cmd.Stderr = &s.out, &s.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the tests, which end it
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("redistest: starting redis-server: %w", err)
	}
	gone := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended does not matter
		close(gone)
	}()
	s.cmd, s.gone = cmd, gone
	if err := s.answersLocked(); err != nil {
		_ = cmd.Process.Kill() // it may have ended
		<-gone
		s.cmd = nil
		return fmt.Errorf("redistest: redis-server on port %d: %w: %s", s.port, err, s.out.String())
	}
	return nil
}

func (s *Server) commandLine() ([]string, error) {
	if s.master != 0 {
		file, err := configureSentinel(s.dir, s.port, s.master)
		return []string{file, "--sentinel"}, err
	}
	return append([]string{"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--loglevel", "warning"}, s.args...), nil
}

func (s *Server) answersLocked() error {
	c := s.client()
	defer func() { _ = c.Close() }() // nothing of it is kept
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.Ping(ctx).Err()
		var reply redis.Error
		if err == nil || errors.As(err, &reply) { // it may want a password
			return nil
		}
		select {
		case <-s.gone:
			return errors.New("it ended")
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

func (s *Server) client() *redis.Client { return redis.NewClient(s.options()) }

func (s *Server) options() *redis.Options {
	return &redis.Options{Addr: s.Addr(), MaxRetries: -1, DisableIdentity: true, DialTimeout: 2 * time.Second, ContextTimeoutEnabled: true}
}

// Addr is host and port.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

// URL is the address as redisclient.Open takes it.
func (s *Server) URL() string { return "redis://" + s.Addr() }

// Client returns a client of the server alone, which is closed with the test.
func (s *Server) Client(t testing.TB) *redis.Client {
	t.Helper()
	c := s.client()
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Do runs one command and returns its reply.
func (s *Server) Do(t testing.TB, args ...any) any {
	t.Helper()
	c := s.client()
	defer func() { _ = c.Close() }() // nothing of it is kept
	v, err := c.Do(context.Background(), args...).Result()
	if err != nil {
		t.Fatalf("redistest: %v: %v", args, err)
	}
	return v
}

// FlushAll empties it.
func (s *Server) FlushAll(t testing.TB) {
	t.Helper()
	s.Do(t, "flushall")
}

// CutClients cuts the connections of one type: "normal" or "pubsub".
func (s *Server) CutClients(t testing.TB, kind string) {
	t.Helper()
	s.Do(t, "client", "kill", "type", kind, "skipme", "yes")
}

// Stop ends it and waits until it has ended. Start starts it again.
func (s *Server) Stop(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGTERM, true) }

// Kill ends it without a word.
func (s *Server) Kill(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGKILL, true) }

// Pause makes it answer nobody, while its connections stay.
func (s *Server) Pause(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGSTOP, false) }

// Resume undoes Pause.
func (s *Server) Resume(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGCONT, false) }

// Start starts a server that was stopped or killed, on the same port.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) signal(t testing.TB, sig syscall.Signal, ends bool) {
	t.Helper()
	s.mu.Lock()
	cmd, gone := s.cmd, s.gone
	if ends {
		s.cmd = nil
	}
	s.mu.Unlock()
	if cmd == nil {
		t.Fatalf("redistest: redis-server on port %d does not run", s.port)
	}
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatalf("redistest: %v: %v", sig, err)
	}
	if !ends {
		return
	}
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatalf("redistest: redis-server on port %d does not end", s.port)
	}
}

// end ends it, whatever its state, and returns what it has printed.
func (s *Server) end() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		_ = s.cmd.Process.Kill() // it holds nothing anyone wants
		<-s.gone
		s.cmd = nil
	}
	return s.out.String()
}
