package deploy

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// root is the top of the repository, seen from where the tests run.
const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// option is one of the program.
type option struct{ flag, defaultValue string }

// printed matches a line of sockeye config print.
var printed = regexp.MustCompile(`(?m)^([a-z0-9-]+): .*; default: (.*?); source: `)

// program asks Sockeye itself, as the library of it would make its dependencies those
// of this module.
var program = sync.OnceValues(func() (map[string]option, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "run", "-trimpath", "./cmd/sockeye", "config", "print")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build does, whose compiled packages it finds again
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sockeye config print: %w: %s", err, &problems)
	}
	byVariable := make(map[string]option)
	for _, m := range printed.FindAllStringSubmatch(string(out), -1) {
		byVariable[prefix+strings.ToUpper(strings.ReplaceAll(m[1], "-", "_"))] = option{flag: m[1], defaultValue: m[2]}
	}
	return byVariable, nil
})

// prefix begins the name of every variable of Sockeye.
const prefix = "SOCKEYE_"

// options are those of the program, by the name of their variable.
func options(t *testing.T) map[string]option {
	t.Helper()
	all, err := program()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Fatalf("only %d options were found", len(all))
	}
	return all
}

// checkVariable fails for a variable of Sockeye that no option has, neither for its
// value nor for a file with that.
func checkVariable(t *testing.T, where, variable string) {
	t.Helper()
	if !strings.HasPrefix(variable, prefix) || variable == prefix+"CONFIG" {
		return
	}
	_, isOption := options(t)[variable]
	_, isFile := options(t)[strings.TrimSuffix(variable, "_FILE")]
	if !isOption && !isFile {
		t.Errorf("%s: no option has the variable %s", where, variable)
	}
}

// stopTakes is how long an ordered stop may take with what env sets: the time over
// which clients are let go, and the bound for the rest.
func stopTakes(t *testing.T, env map[string]string) time.Duration {
	t.Helper()
	var sum time.Duration
	for _, name := range []string{"SOCKEYE_DRAIN", "SOCKEYE_SHUTDOWN_TIMEOUT"} {
		o, known := options(t)[name]
		text, set := env[name]
		if !set {
			text = o.defaultValue
		}
		if !known || text == "off" {
			continue
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Errorf("%s is %q: %v", name, text, err)
		}
		sum += d
	}
	if sum == 0 {
		t.Error("no option says how long a stop may take")
	}
	return sum
}

// checkGrace fails unless whoever stops the program leaves it the time for it.
func checkGrace(t *testing.T, where string, grace time.Duration, env map[string]string) {
	t.Helper()
	if takes := stopTakes(t, env); grace <= takes {
		t.Errorf("%s: %v to stop, and the program may take %v", where, grace, takes)
	}
}
