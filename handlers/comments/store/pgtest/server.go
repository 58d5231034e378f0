package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// patience is how long a server may take to start or to end.
const patience = 60 * time.Second

// Server is one PostgreSQL.
type Server struct {
	dir       string
	port      int
	databases atomic.Int64

	cmd  *exec.Cmd
	out  bytes.Buffer  // of cmd, to be read when it is gone
	gone chan struct{} // closed when cmd has ended
}

// Start starts a server in a directory of its own. Stop ends it.
func Start() (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	as, err := somebody()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sockeye-postgres-")
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	s := &Server{dir: dir}
	if err := s.initialize(bin, as); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	for range 5 { // another process may take the port in between
		if err = s.run(bin, as); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(dir))
}

// binaries is the directory of the newest PostgreSQL that is installed.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("pgtest: these tests need PostgreSQL's initdb (Debian: apt-get install postgresql)")
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 is the oldest
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(found[len(found)-1]), nil
}

// somebody is who PostgreSQL runs as, nil for whoever runs the tests.
func somebody() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	var problems error
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			problems = errors.Join(problems, err)
			continue
		}
		uid, first := strconv.ParseUint(u.Uid, 10, 32)
		gid, second := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(first, second)
	}
	return nil, fmt.Errorf("pgtest: PostgreSQL does not run as root, and there is nobody else: %w", problems)
}

// command is a program of PostgreSQL.
func (s *Server) command(bin string, as *syscall.Credential, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(bin, name), args...) // #nosec G204 -- the tests' own words
	cmd.Dir = s.dir
	cmd.Env = []string{"LC_ALL=C", "PATH=" + bin + ":/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: as} // Ctrl-C is for the tests, which end it
	return cmd
}

func (s *Server) initialize(bin string, as *syscall.Credential) error {
	if as != nil {
		if err := os.Chown(s.dir, int(as.Uid), int(as.Gid)); err != nil {
			return fmt.Errorf("pgtest: %w", err)
		}
	}
	out, err := s.command(bin, as, "initdb", "--pgdata", filepath.Join(s.dir, "data"), "--username", "sockeye", "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("pgtest: initdb: %w: %s", err, out)
	}
	return nil
}

// run starts the process and waits until it answers.
func (s *Server) run(bin string, as *syscall.Credential) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.port = port
	s.out.Reset()
	s.cmd = s.command(bin, as, "postgres", "-D", filepath.Join(s.dir, "data"), "-p", strconv.Itoa(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off",
		"-c", "max_connections=300", "-c", "shared_buffers=32MB", "-c", "log_min_messages=fatal", "-c", "log_min_error_statement=panic")
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("pgtest: starting postgres: %w", err)
	}
	s.gone = make(chan struct{})
	go func() {
		_ = s.cmd.Wait() // how it ended does not matter
		close(s.gone)
	}()
	if err := s.answers(); err != nil {
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // it may have ended
		<-s.gone
		return fmt.Errorf("pgtest: postgres on port %d: %w: %s", s.port, err, s.out.String())
	}
	return nil
}

func freePort() (int, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("pgtest: no free port: %w", err)
	}
	defer l.Close()
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("pgtest: a TCP listener has no TCP address")
	}
	return address.Port, nil
}

func (s *Server) answers() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.exec(ctx, "SELECT 1")
		if err == nil {
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

// exec runs a statement in the database that is always there.
func (s *Server) exec(ctx context.Context, statement string) error {
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, statement)
	return errors.Join(err, db.Close())
}

func (s *Server) url(database string) string {
	return fmt.Sprintf("postgres://sockeye@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
}

// Database makes an empty database and returns its URL, as store.Open takes it. It is a schema, which
// is as far apart from the others and much sooner made.
func (s *Server) Database(ctx context.Context) (string, error) {
	name := fmt.Sprintf("test%d", s.databases.Add(1))
	if err := s.exec(ctx, "CREATE SCHEMA "+name); err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	return s.url("postgres") + "&search_path=" + name, nil
}

// Stop ends it, with the connections that are open, and takes its files away.
func (s *Server) Stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGINT) // a fast shutdown; it may have ended
	select {
	case <-s.gone:
	case <-time.After(patience):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // at once
		<-s.gone
	}
	return os.RemoveAll(s.dir)
}
