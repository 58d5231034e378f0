package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

const (
	// StartTimeout is how long it may take until it listens.
	StartTimeout = 20 * time.Second
	// StopTimeout is how long a child may take to end after SIGTERM.
	StopTimeout = 10 * time.Second
)

// Child is one running server.
type Child struct {
	// Target is where it listens, and its process.
	Target load.Target

	cmd    *exec.Cmd
	ended  chan struct{} // closed once the process is reaped
	status error         // of Wait; read after ended

	mu   sync.Mutex
	said []byte // the end of its stderr
}

// listening is the line with which a server names its address.
var listening = regexp.MustCompile(`\blistening\b.*\baddr="?([^\s"]+)`)

// Start runs a command and returns once it has named its address on stderr. It is ended
// when ctx is.
func Start(ctx context.Context, command ...string) (*Child, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = StopTimeout
	cmd.Env = append(os.Environ(), "SOCKEYE_DRAIN=0s") // its clients are gone
	BindToParent(cmd)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &Child{cmd: cmd, ended: make(chan struct{})}
	addr := make(chan string, 1)
	go func() {
		defer close(c.ended)
		c.listen(stderr, addr)
		c.status = cmd.Wait()
	}()
	timer := time.NewTimer(StartTimeout)
	defer timer.Stop()
	select {
	case a := <-addr:
		c.Target = load.Target{URL: "http://" + a, PID: cmd.Process.Pid}
		return c, nil
	case <-c.ended:
		return nil, fmt.Errorf("ended before it listened: %w: %s", errOr(c.status), c.LastWords())
	case <-timer.C:
		return nil, errors.Join(fmt.Errorf("did not name its address within %v: %s", StartTimeout, c.LastWords()), c.Stop())
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
func (c *Child) listen(stderr io.Reader, addr chan<- string) {
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

// LastWords is the end of what it said, on one line.
func (c *Child) LastWords() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Tail(c.said)
}

// Crashed returns an error with its last words if the server ended by itself.
func (c *Child) Crashed() error {
	select {
	case <-c.ended:
		return fmt.Errorf("server ended: %w: %s", errOr(c.status), c.LastWords())
	default:
		return nil
	}
}

// Stop ends the server and waits for it: SIGTERM first, then SIGKILL, which is
// an error.
func (c *Child) Stop() error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended
	timer := time.NewTimer(StopTimeout)
	defer timer.Stop()
	select {
	case <-c.ended:
		return nil
	case <-timer.C:
	}
	_ = c.cmd.Process.Kill()
	<-c.ended
	return fmt.Errorf("did not end within %v of SIGTERM", StopTimeout)
}

// Tail is the end of what a process said, on one line.
func Tail(b []byte) string {
	const most = 300
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return strings.Join(strings.Fields(string(b)), " ")
}
