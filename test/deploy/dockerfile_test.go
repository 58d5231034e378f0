package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const dockerfile = "deploy/Dockerfile"

// stages parses the Dockerfile as docker build does.
func stages(t *testing.T) (list []instructions.Stage, global []instructions.ArgCommand) {
	t.Helper()
	ast, err := parser.Parse(strings.NewReader(read(t, dockerfile)))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range ast.Warnings {
		t.Errorf("%s: %s", dockerfile, w.Short)
	}
	list, global, err = instructions.Parse(ast.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 {
		t.Fatalf("there are %d stages, want one for the client, one for Go and one that is the image", len(list))
	}
	return list, global
}

// image is what the last stage says of the image.
type image struct {
	user, signal       string
	entrypoint, health []string
	ports              []string
	env, labels        map[string]string
}

func imageOf(t *testing.T) image {
	t.Helper()
	list, _ := stages(t)
	i := image{env: make(map[string]string), labels: make(map[string]string)}
	for _, command := range list[len(list)-1].Commands {
		switch c := command.(type) {
		case *instructions.UserCommand:
			i.user = c.User
		case *instructions.StopSignalCommand:
			i.signal = c.Signal
		case *instructions.EntrypointCommand:
			i.entrypoint = c.CmdLine
			if c.PrependShell {
				t.Error("the entry point needs a shell")
			}
		case *instructions.HealthCheckCommand:
			i.health = c.Health.Test
		case *instructions.ExposeCommand:
			i.ports = append(i.ports, c.Ports...)
		case *instructions.EnvCommand:
			for _, kv := range c.Env {
				i.env[kv.Key] = strings.Trim(kv.Value, `"`)
			}
		case *instructions.LabelCommand:
			for _, kv := range c.Labels {
				i.labels[kv.Key] = strings.Trim(kv.Value, `"`)
			}
		case *instructions.CopyCommand, *instructions.ArgCommand:
		default:
			t.Errorf("the image has an instruction that an empty base cannot carry out: %s", command.Name())
		}
	}
	return i
}

func TestTheImageIsAStaticProgramAndNobodyRunsIt(t *testing.T) {
	list, _ := stages(t)
	if base := list[len(list)-1].BaseName; base != "scratch" {
		t.Errorf("the base is %q", base)
	}
	i := imageOf(t)
	uid, _, _ := strings.Cut(i.user, ":")
	if n, err := strconv.Atoi(uid); err != nil || n == 0 {
		t.Errorf("the user is %q, want a number that is not root's", i.user)
	}
	if i.signal != "SIGTERM" || !slices.Equal(i.entrypoint, []string{"/sockeye"}) || !slices.Equal(i.health, []string{"CMD", "/sockeye", "health"}) {
		t.Errorf("stop signal %q, entry point %q, health check %q", i.signal, i.entrypoint, i.health)
	}
	for name := range i.env {
		checkVariable(t, dockerfile, name)
	}
	if len(i.ports) != 1 || i.env["SOCKEYE_LISTEN"] != ":"+i.ports[0] {
		t.Errorf("it listens on %q and exposes %q", i.env["SOCKEYE_LISTEN"], i.ports)
	}
	for _, label := range []string{"title", "description", "version", "licenses", "source", "documentation"} {
		if i.labels["org.opencontainers.image."+label] == "" {
			t.Errorf("the label %s is missing", label)
		}
	}
	if page, found := strings.CutPrefix(i.labels["org.opencontainers.image.documentation"], i.labels["org.opencontainers.image.source"]+"/blob/main/"); !found {
		t.Errorf("the documentation is at %s", i.labels["org.opencontainers.image.documentation"])
	} else if _, err := os.Stat(filepath.Join(root, page)); err != nil {
		t.Error(err)
	}
}

// ignored reports which paths of the repository the build does not see.
func ignored(t *testing.T) func(path string) bool {
	t.Helper()
	patterns, err := ignorefile.ReadAll(strings.NewReader(read(t, dockerfile+".dockerignore")))
	if err != nil {
		t.Fatal(err)
	}
	m, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return func(path string) bool {
		yes, err := m.MatchesOrParentMatches(path)
		if err != nil {
			t.Fatal(err)
		}
		return yes
	}
}

func TestTheBuildSeesTheSourceAndNothingElse(t *testing.T) {
	hidden := ignored(t)
	for path, want := range map[string]bool{
		"go.mod": false, "cmd/sockeye/main.go": false, "server/engineio/wire/frame.go": false, "public/client.sh": false,
		"public/pages/index.html": false, "public/client/README.md": false, "LICENSE": false, "public/.npmrc": false,
		".git/config": true, "public/client/socket.io.js": true, "public/node_modules/ws/index.js": true,
		"server/server_test.go": true, "deploy/compose/secrets/redis_url": true, "deploy/.env": true, "bin/sockeye": true, "test/run.sh": true,
	} {
		if got := hidden(path); got != want {
			t.Errorf("%s is hidden: %v, want %v", path, got, want)
		}
	}
	list, _ := stages(t)
	var seen []string
	for _, s := range list {
		for _, command := range s.Commands {
			c, isCopy := command.(*instructions.CopyCommand)
			if !isCopy {
				continue
			}
			if c.From != "" {
				if !slices.Contains(seen, c.From) {
					t.Errorf("%s copies from %s, which is no stage before it", s.Name, c.From)
				}
				continue
			}
			for _, path := range c.SourcePaths {
				if _, err := os.Stat(filepath.Join(root, path)); err != nil || hidden(path) {
					t.Errorf("%s copies %s, which the build cannot see: %v", s.Name, path, err)
				}
			}
		}
		seen = append(seen, s.Name)
	}
}

// TestTheImageIsBuiltAsTheReleaseIs compares the flags of the compiler, and Go itself.
func TestTheImageIsBuiltAsTheReleaseIs(t *testing.T) {
	text := read(t, dockerfile)
	for _, want := range []string{"CGO_ENABLED=0", "-trimpath", "-buildvcs=false", "-s -w -X main.release="} {
		if !strings.Contains(text, want) {
			t.Errorf("%s lacks %s", dockerfile, want)
		}
	}
	for _, want := range []string{`"-trimpath"`, `"-buildvcs=false"`, `"-s -w -X main.release="`, `"CGO_ENABLED=0"`} {
		if !strings.Contains(read(t, "deploy/release/main.go"), want) {
			t.Errorf("deploy/release/main.go lacks %s", want)
		}
	}
	needed := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))
	_, global := stages(t)
	for _, a := range global {
		for _, arg := range a.Args {
			if arg.Key == "GO_VERSION" && *arg.Value != needed[1] {
				t.Errorf("the image is built with Go %s, and go.mod asks for %s", *arg.Value, needed[1])
			}
		}
	}
}
