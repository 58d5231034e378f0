package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server"
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

// options are those of the program, by the name of their variable.
func options() map[string]server.Option {
	byName := make(map[string]server.Option)
	for _, o := range server.Options() {
		byName[server.EnvName(o.Name)] = o
	}
	return byName
}

// optionOf is the option that a variable sets, itself or through a file.
func optionOf(variable string) (o server.Option, byFile, ok bool) {
	all := options()
	if o, ok = all[variable]; ok {
		return o, false, true
	}
	variable, byFile = strings.CutSuffix(variable, "_FILE")
	o, ok = all[variable]
	return o, byFile, ok && byFile
}

// checkVariable fails for a variable of Sockeye that no option has.
func checkVariable(t *testing.T, where, variable string) {
	t.Helper()
	if !strings.HasPrefix(variable, server.EnvPrefix+"_") || variable == server.EnvPrefix+"_CONFIG" {
		return
	}
	if _, _, ok := optionOf(variable); !ok {
		t.Errorf("%s: no option has the variable %s", where, variable)
	}
}

// stopTakes is how long an ordered stop may take with what env sets: the time over
// which clients are let go, and the bound for the rest.
func stopTakes(t *testing.T, env map[string]string) time.Duration {
	t.Helper()
	var sum time.Duration
	for _, name := range []string{"SOCKEYE_DRAIN", "SOCKEYE_SHUTDOWN_TIMEOUT"} {
		o, known := options()[name]
		text, set := env[name]
		if !set {
			text = o.Default
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
