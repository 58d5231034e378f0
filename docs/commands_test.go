package docs_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/bench/child"
)

// binary builds the program once for all tests of this package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sockeye-docs")
	if err != nil {
		return "", err
	}
	built = dir
	path := filepath.Join(dir, "sockeye")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := child.Build(ctx, path, "./cmd/sockeye"); err != nil {
		return "", err
	}
	return path, nil
})

// built is the folder of the binary; empty if no test has asked for it.
var built string

func TestMain(m *testing.M) {
	status := m.Run()
	if built != "" {
		_ = os.RemoveAll(built) // a temporary folder
	}
	os.Exit(status)
}

// sockeye runs the program in an empty environment and returns what it said.
func sockeye(t *testing.T, env []string, args ...string) (string, error) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append([]string{"LANG=C"}, env...) // the program must not see this shell's options
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestEveryYAMLSnippetLoads checks each block marked yaml with the program's own
// config check. Blocks that configure something else are marked otherwise.
func TestEveryYAMLSnippetLoads(t *testing.T) {
	t.Parallel()
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks("yaml") {
			count++
			file := filepath.Join(t.TempDir(), "sockeye.yaml")
			if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := sockeye(t, nil, "config", "check", file); err != nil {
				t.Errorf("%s:%d: %v\n%s", b.page, b.line, err, out)
			}
		}
	}
	if count < 5 {
		t.Errorf("only %d blocks were found", count)
	}
}

// TestTheRelayIsConfiguredInTenLines counts the YAML of the two public frontends.
func TestTheRelayIsConfiguredInTenLines(t *testing.T) {
	t.Parallel()
	blocks := readPage(t, "README.md").blocks("yaml")
	if len(blocks) == 0 {
		t.Fatal("README.md shows no YAML")
	}
	for _, event := range []string{"chat message", "drawing"} {
		if !strings.Contains(blocks[0].text, event) {
			t.Errorf("README.md's first YAML block has no rule for %q", event)
		}
	}
	if n := strings.Count(blocks[0].text, "\n"); n > 10 {
		t.Errorf("README.md's first YAML block has %d lines, want 10 at most", n)
	}
}

var assignment = regexp.MustCompile(`^[A-Z_]+=\S*$`)

// TestEveryCommandParses runs each line of a block of commands that calls the program as
// config print with the same options, and looks up each make target.
func TestEveryCommandParses(t *testing.T) {
	t.Parallel()
	makefile := readPage(t, "Makefile").text()
	for _, p := range pages(t) {
		for _, b := range slices.Concat(p.blocks("sh"), p.blocks("console")) {
			for _, c := range b.commands() {
				where := fmt.Sprintf("%s:%d", b.page, c.line)
				words := split(c.text)
				var env []string
				for len(words) > 0 && assignment.MatchString(words[0]) {
					env, words = append(env, words[0]), words[1:]
				}
				switch {
				case len(words) == 0:
				case words[0] == "make" && len(words) > 1:
					if !strings.Contains(makefile, "\n"+words[1]+":") {
						t.Errorf("%s: the Makefile has no target %s", where, words[1])
					}
				case words[0] == "sockeye" || words[0] == "bin/sockeye":
					tryCommand(t, where, env, words[1:])
				}
			}
		}
	}
}

func tryCommand(t *testing.T, where string, env, args []string) {
	t.Helper()
	switch {
	case len(args) > 0 && slices.Contains([]string{"version", "config", "health", "key", "block", "unblock", "blocks", "demo", "bench", "comments"}, args[0]):
		args = append(args, "--help") // its files are not here, nor its server or Redis
	case len(args) > 0 && args[0] == "token":
		env = append(env, "SOCKEYE_AUTH_SECRET="+strings.Repeat("s", 32))
	case len(args) > 0 && args[0] == "serve":
		args = append([]string{"config", "print"}, args[1:]...)
	default:
		args = append([]string{"config", "print"}, args...)
	}
	for i, a := range args {
		if a == "--config" || strings.HasPrefix(a, "--config=") {
			args = append(args[:i:i], "--help")
			break
		}
	}
	if out, err := sockeye(t, env, args...); err != nil {
		t.Errorf("%s: %v\n%s", where, err, out)
	}
}

// split takes a command line apart at spaces outside of single quotes.
func split(line string) []string {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 0 {
			words = append(words, strings.Fields(part)...)
			continue
		}
		words = append(words, part)
	}
	return words
}
