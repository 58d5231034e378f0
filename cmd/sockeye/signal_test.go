package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/certs/certstest"
)

// process is the program as a process of its own, to be sent signals.
type process struct {
	cmd    *exec.Cmd
	addr   string
	log    *output
	exited chan error
}

func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	return startLimited(t, "", args...)
}

// startLimited is startProcess after a line of shell that sets limits, if there is one.
func startLimited(t *testing.T, limits string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := &process{log: newOutput(), exited: make(chan error, 1)}
	args = append([]string{self, "--listen", "127.0.0.1:0"}, args...)
	if limits != "" {
		args = append([]string{"sh", "-c", limits + ` && exec "$0" "$@"`}, args...)
	}
	p.cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		p.exited <- p.cmd.Wait()
		close(done)
	}()
	t.Cleanup(func() {
		cancel() // kills it if it is still there
		<-done
	})
	p.addr = p.log.await(t, `listening addr=(\S+)`)
	return p
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// status waits for the end and returns the exit status.
func (p *process) status(t *testing.T) int {
	t.Helper()
	select {
	case err := <-p.exited:
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		if err != nil {
			t.Fatal(err)
		}
		return 0
	case <-time.After(patience):
		t.Fatalf("the process did not end:\n%s", p.log)
		return -1
	}
}

// dial opens a connection and sends a request as it is written.
func (p *process) dial(t *testing.T, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func (p *process) get(t *testing.T, path string) (net.Conn, *bufio.Reader) {
	t.Helper()
	return p.dial(t, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, p.addr))
}

func answer(t *testing.T, r *bufio.Reader) (status int, body string) {
	t.Helper()
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// openPolling does a handshake, joins "/" and returns the session's id.
func (p *process) openPolling(t *testing.T) string {
	t.Helper()
	_, r := p.get(t, "/socket.io/?EIO=4&transport=polling")
	status, body := answer(t, r)
	var open struct{ SID string }
	if status != http.StatusOK || json.Unmarshal([]byte(strings.TrimPrefix(body, "0")), &open) != nil || open.SID == "" {
		t.Fatalf("handshake: status %d, body %s", status, body)
	}
	_, r = p.dial(t, fmt.Sprintf("POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n40", open.SID, p.addr))
	if status, body := answer(t, r); status != http.StatusOK || body != "ok" {
		t.Fatalf("connect: status %d, body %s", status, body)
	}
	_, r = p.get(t, "/socket.io/?EIO=4&transport=polling&sid="+open.SID)
	if status, body := answer(t, r); status != http.StatusOK || !strings.HasPrefix(body, "40{") {
		t.Fatalf("connected: status %d, body %s", status, body)
	}
	return open.SID
}

func (p *process) openWebSocket(t *testing.T) *bufio.Reader {
	t.Helper()
	_, r := p.dial(t, fmt.Sprintf("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", p.addr))
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("WebSocket: %v, %v", res, err)
	}
	if text := frame(t, r); !strings.HasPrefix(text, "0{") {
		t.Fatalf("first frame: %q", text)
	}
	return r
}

// frame reads a short unfragmented frame of a server (RFC 6455 section 5.2).
func frame(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	head := make([]byte, 2)
	if _, err := io.ReadFull(r, head); err != nil {
		return "" // closed
	}
	size := int(head[1])
	if size == 126 {
		extended := make([]byte, 2)
		if _, err := io.ReadFull(r, extended); err != nil {
			t.Fatal(err)
		}
		size = int(extended[0])<<8 | int(extended[1])
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatal(err)
	}
	if head[0]&0x0f == 8 {
		return fmt.Sprintf("close %x", payload)
	}
	return string(payload)
}

func TestSIGTERMClosesTransportsAndAnswersPollsWithoutDisconnectPackets(t *testing.T) {
	for _, c := range []struct {
		name, drain string
		sig         os.Signal
	}{
		{"evenly", "300ms", syscall.SIGTERM},
		{"at once", "0", syscall.SIGTERM},
		{"by a person, who waits for nobody's sake", "10m", syscall.SIGINT},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stopsCleanly(t, c.sig, c.drain)
		})
	}
}

func stopsCleanly(t *testing.T, sig os.Signal, drain string) {
	t.Helper()
	p := startProcess(t, "--shutdown-timeout", "15s", "--drain", drain)
	sid := p.openPolling(t)
	_, poll := p.get(t, "/socket.io/?EIO=4&transport=polling&sid="+sid)
	ws := p.openWebSocket(t)
	// Another answer of the same server shows that the poll waits by now:
	// it was sent first.
	_, r := p.get(t, "/healthz")
	if status, _ := answer(t, r); status != http.StatusOK {
		t.Fatalf("healthz: %d", status)
	}
	start := time.Now()
	p.signal(t, sig)
	if status, body := answer(t, poll); status != http.StatusOK || strings.Contains(body, "41") {
		t.Errorf("the waiting poll got status %d, body %q", status, body)
	}
	for text := "first"; text != ""; {
		text = frame(t, ws)
		if strings.HasPrefix(text, "41") {
			t.Errorf("a DISCONNECT packet came: %q", text)
		}
	}
	if status := p.status(t); status != 0 {
		t.Errorf("exit status %d:\n%s", status, p.log)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if !strings.Contains(p.log.String(), "clean=true") {
		t.Errorf("it did not stop cleanly:\n%s", p.log)
	}
}

// leaveWaiting opens a session with a message for the client, who does not
// come for it. A stop waits for that a little.
func (p *process) leaveWaiting(t *testing.T) {
	t.Helper()
	sid := p.openPolling(t)
	const event = `42["echo","x"]`
	_, r := p.dial(t, fmt.Sprintf("POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s", sid, p.addr, len(event), event))
	if status, body := answer(t, r); status != http.StatusOK {
		t.Fatalf("echo: status %d, %q", status, body)
	}
}

func TestAStopEndsInItsTimeWhateverClientsDo(t *testing.T) {
	t.Parallel()
	p := startProcess(t, "--drain", "0", "--shutdown-timeout", "500ms")
	p.leaveWaiting(t)
	start := time.Now()
	p.signal(t, syscall.SIGTERM)
	if status := p.status(t); status != 0 {
		t.Errorf("exit status %d:\n%s", status, p.log)
	}
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if !strings.Contains(p.log.String(), "clean=false") {
		t.Errorf("nothing was cut:\n%s", p.log)
	}
}

func TestASecondSignalExitsAtOnce(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--drain", "10m"}, {"--drain", "0", "--shutdown-timeout", "10m"}} {
		p := startProcess(t, args...)
		p.leaveWaiting(t)
		p.signal(t, syscall.SIGTERM)
		p.log.await(t, `msg=stopping`)
		p.signal(t, syscall.SIGTERM)
		if status := p.status(t); status != int(secondSignal) {
			t.Errorf("%v: exit status %d, want %d:\n%s", args, status, secondSignal, p.log)
		}
	}
}

func TestSIGHUPTakesNewCertificatesOver(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	files := certstest.SelfSigned(t, "localhost").Write(t, folder)
	p := startProcess(t, "--tls-cert", files.Cert, "--tls-key", files.Key, "--drain", "0")
	fresh := certstest.SelfSigned(t, "localhost")
	fresh.Write(t, folder)
	p.signal(t, syscall.SIGHUP)
	p.log.await(t, `msg="new certificate"`)
	conn, err := tls.Dial("tcp", p.addr, &tls.Config{RootCAs: fresh.Pool(), ServerName: "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	p.signal(t, syscall.SIGTERM)
	if status := p.status(t); status != 0 {
		t.Errorf("exit status %d:\n%s", status, p.log)
	}
}
