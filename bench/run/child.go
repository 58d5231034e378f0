package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 10 * time.Second
)

// child is one running server.
type child struct {
	cmd    *exec.Cmd
	target load.Target

	ended  chan struct{} // closed once the process is reaped
	status error         // of Wait; read after ended

	mu   sync.Mutex
	said []byte // the end of its stderr
}

// listening is the line with which a server names its address.
var listening = regexp.MustCompile(`\blistening\b.*\baddr="?([^\s"]+)`)

// start runs s and returns once it has named its address.
func start(ctx context.Context, s *server) (*child, error) {
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	cmd.Env = append(os.Environ(), "SOCKEYE_DRAIN=0s") // its clients are gone
	bindToParent(cmd)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, ended: make(chan struct{})}
	addr := make(chan string, 1)
	go func() {
		defer close(c.ended)
		c.listen(stderr, addr)
		c.status = cmd.Wait()
	}()
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	select {
	case a := <-addr:
		c.target = load.Target{URL: "http://" + a, PID: cmd.Process.Pid}
		return c, nil
	case <-c.ended:
		return nil, fmt.Errorf("ended before it listened: %w: %s", errOr(c.status), c.lastWords())
	case <-timer.C:
		return nil, errors.Join(fmt.Errorf("did not name its address within %v: %s", startTimeout, c.lastWords()), c.stop())
	}
}

var errExited = errors.New("exit status 0")

func errOr(err error) error {
	if err == nil {
		return errExited
	}
	return err
}

// listen reads what the server says until its end.
func (c *child) listen(stderr io.Reader, addr chan<- string) {
	const keep = 4096
	lines := bufio.NewReader(stderr)
	for named := false; ; {
		line, err := lines.ReadString('\n')
		if m := listening.FindStringSubmatch(line); m != nil && !named {
			named = true
			addr <- m[1]
		}
		c.mu.Lock()
		c.said = append(c.said, line...)
		c.said = c.said[max(0, len(c.said)-keep):]
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *child) lastWords() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return tail(c.said)
}

// crashed reports whether the server ended by itself.
func (c *child) crashed() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// stop ends the server and waits for it: SIGTERM first, then SIGKILL, which is
// an error.
func (c *child) stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-c.ended:
		return nil
	case <-timer.C:
	}
	_ = c.cmd.Process.Kill()
	<-c.ended
	return fmt.Errorf("did not end within %v of SIGTERM", stopTimeout)
}
