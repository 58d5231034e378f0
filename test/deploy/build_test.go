package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// builder carries out the instructions of a Dockerfile without Docker: each stage is a
// folder, and RUN is a command of this machine, which has what the bases bring.
type builder struct {
	t      *testing.T
	args   map[string]string // of the whole build
	hidden func(path string) bool
	roots  map[string]string // by stage
}

// build returns the folder of the last stage.
func build(t *testing.T, args map[string]string) (folder string) {
	t.Helper()
	b := &builder{t: t, args: args, hidden: ignored(t), roots: make(map[string]string)}
	list, _ := stages(t)
	for _, s := range list {
		folder = t.TempDir()
		b.roots[s.Name] = folder
		b.stage(s, folder)
	}
	return folder
}

func (b *builder) stage(s instructions.Stage, folder string) {
	workdir := "/"
	var env []string
	for _, command := range s.Commands {
		switch c := command.(type) {
		case *instructions.WorkdirCommand:
			workdir = path.Join(workdir, c.Path)
			b.check(os.MkdirAll(filepath.Join(folder, workdir), 0o755))
		case *instructions.ArgCommand:
			for _, a := range c.Args {
				value := b.args[a.Key]
				if value == "" && a.Value != nil {
					value = *a.Value
				}
				env = append(env, a.Key+"="+value)
			}
		case *instructions.CopyCommand:
			b.copy(c, folder, workdir)
		case *instructions.RunCommand:
			cmd := exec.CommandContext(b.t.Context(), "bash", "-c", strings.Join(c.CmdLine, " "))
			cmd.Dir = filepath.Join(folder, workdir)
			cmd.Env = append(os.Environ(), env...)
			if out, err := cmd.CombinedOutput(); err != nil {
				b.t.Fatalf("%s: RUN %s: %v\n%s", s.Name, c.CmdLine, err, out)
			}
		}
	}
}

// copy copies from the repository, as far as the build may see it, or from a stage.
// What no instruction of that stage has made is the base's own: a file stands for it.
func (b *builder) copy(c *instructions.CopyCommand, folder, workdir string) {
	for _, source := range c.SourcePaths {
		to := c.DestPath
		if !path.IsAbs(to) {
			to = path.Join(workdir, to)
		}
		if strings.HasSuffix(c.DestPath, "/") || c.DestPath == "." {
			to = path.Join(to, path.Base(source))
		}
		to = filepath.Join(folder, to)
		from := filepath.Join(root, source)
		if c.From != "" {
			from = filepath.Join(b.roots[c.From], source)
			if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
				b.check(os.MkdirAll(filepath.Dir(to), 0o755))
				b.check(os.WriteFile(to, nil, 0o644))
				continue
			}
		}
		b.check(filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			below, err := filepath.Rel(from, file)
			if err != nil {
				return err
			}
			if c.From == "" && b.hidden(path.Join(source, filepath.ToSlash(below))) {
				return nil // what is below may be seen again
			}
			if d.IsDir() {
				return os.MkdirAll(filepath.Join(to, below), 0o755)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			target := filepath.Join(to, below)
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			return os.WriteFile(target, text, info.Mode().Perm())
		}))
	}
}

func (b *builder) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// in makes a command of the image, as its user and with nothing but its files where
// this test may do that.
func in(ctx context.Context, folder string, command []string, env []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(folder, command[0]), command[1:]...)
	cmd.Env = env
	if os.Geteuid() == 0 && runtime.GOOS == "linux" {
		cmd.Path, cmd.Dir = command[0], "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: folder, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	}
	return cmd
}

// TestTheStepsOfTheDockerfileMakeAProgramThatRuns carries them out, starts the entry
// point, runs the health check, and stops it by the image's signal.
func TestTheStepsOfTheDockerfileMakeAProgramThatRuns(t *testing.T) {
	folder := build(t, map[string]string{"TARGETOS": runtime.GOOS, "TARGETARCH": runtime.GOARCH, "VERSION": "v1.2.3-image"})
	if err := os.Chmod(folder, 0o755); err != nil { // the image's user is another
		t.Fatal(err)
	}
	i := imageOf(t)
	addr := freeAddress(t)
	env := []string{"SOCKEYE_LISTEN=" + addr}
	for name, value := range i.env {
		if name != "SOCKEYE_LISTEN" { // every address of this machine is for no test
			env = append(env, name+"="+value)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var log bytes.Buffer
	program := in(ctx, folder, i.entrypoint, env)
	program.Stderr = &log
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	healthy := func() error {
		out, err := in(ctx, folder, i.health[1:], env).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
	for err := healthy(); err != nil; err = healthy() {
		if ctx.Err() != nil {
			t.Fatalf("it does not become healthy: %v\n%s", err, &log)
		}
	}
	res, err := http.Get("http://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	var page bytes.Buffer
	if _, err := page.ReadFrom(res.Body); err != nil || !strings.Contains(page.String(), "v1.2.3-image") {
		t.Errorf("the page does not say the version: %v", err)
	}
	res.Body.Close()
	res, err = http.Get("http://" + addr + "/socket.io/socket.io.js")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("the browser client: %v, %v", res.Status, err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()

	if err := program.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := program.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, &log)
	}
	if healthy() == nil {
		t.Error("what has ended is healthy")
	}
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
