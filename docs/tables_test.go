package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sockeye-io/sockeye/handlers/chat"
	"github.com/sockeye-io/sockeye/handlers/notifications"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/handlers/telemetry"
	"github.com/sockeye-io/sockeye/handlers/webhook"
	"github.com/sockeye-io/sockeye/server"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/history"
	"github.com/sockeye-io/sockeye/server/metrics"
)

// TestConfigurationListsEveryOption compares the tables of options with the
// fields of server.Config, which the flags are made of.
func TestConfigurationListsEveryOption(t *testing.T) {
	var b strings.Builder
	group := ""
	for _, o := range server.Options() {
		if o.Group != group {
			group = o.Group
			fmt.Fprintf(&b, "\n### %s\n\n| Flag | Variable | YAML key | Unit | Default | Meaning |\n|---|---|---|---|---|---|\n", titleOf(group))
		}
		def := "none"
		if o.Default != "" {
			def = "`" + o.Default + "`"
		}
		fmt.Fprintf(&b, "| `--%s` | `%s` | `%s` | %s | %s | %s |\n", o.Name, server.EnvName(o.Name), o.Name, o.Unit, def,
			strings.ReplaceAll(o.Help, "|", `\|`))
	}
	generated(t, "docs/configuration.md", "options", b.String())
}

func titleOf(group string) string {
	for _, g := range server.Groups {
		if g.Key == group {
			return g.Title
		}
	}
	return group
}

var described = regexp.MustCompile(`fqName: "([^"]+)", help: ("(?:[^"\\]|\\.)*"),(?: unit: "[^"]*",)? constLabels: \{[^}]*\}, variableLabels: \{([^}]*)\}`)

// idle is an engine that has done nothing.
type idle struct{}

func (idle) Stats() engineio.Stats              { return engineio.Stats{} }
func (idle) Outboxes() (bytes int64, above int) { return 0, 0 }

// TestOperationsListsEveryMetric compares the table of metrics with the registry.
func TestOperationsListsEveryMetric(t *testing.T) {
	m := metrics.New("test")
	m.Engine(idle{})
	m.Nodes(func() int { return 1 })
	registry, ok := m.Registry().(prometheus.Collector)
	if !ok {
		t.Fatal("the registry does not describe itself")
	}
	descs := make(chan *prometheus.Desc, 1000)
	registry.Describe(descs)
	close(descs)
	var rows []string
	for d := range descs {
		m := described.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("cannot read %s", d)
		}
		if !strings.HasPrefix(m[1], "sockeye_") {
			continue // Go's and the process's own, which their library documents
		}
		help, err := strconv.Unquote(m[2])
		if err != nil {
			t.Fatal(err)
		}
		labels := "–"
		if m[3] != "" {
			labels = "`" + strings.ReplaceAll(m[3], ",", "`, `") + "`"
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", m[1], labels, help))
	}
	slices.Sort(rows)
	generated(t, "docs/operations.md", "metrics", "\n| Metric | Labels | Meaning |\n|---|---|---|\n"+strings.Join(rows, ""))
}

// TestProtocolNotesListEveryReason compares the table of close reasons with the
// closed sets in the code.
func TestProtocolNotesListEveryReason(t *testing.T) {
	t.Parallel()
	listed := make(map[string]bool)
	for _, r := range readPage(t, "docs/protocol-notes.md").rows("Reason", "Detail", "What the official client does") {
		for _, cell := range []string{r.cells["Reason"], r.cells["Detail"]} {
			for _, span := range codeSpans(cell) {
				listed[span] = true
			}
		}
	}
	words := append(constants(t, "server/engineio/close.go", "Reason", "Detail"), constants(t, "server/socketio/end.go", "Reason", "Detail")...)
	if len(words) < 30 {
		t.Fatalf("only %d reasons were found in the code", len(words))
	}
	code := sources(t, "server/engineio", "server/socketio")
	for _, w := range words {
		if strings.Count(code, w.name) > 1 && !listed[w.text] { // beside its definition
			t.Errorf("docs/protocol-notes.md does not explain %q", w.text)
		}
		delete(listed, w.text)
	}
	for w := range listed {
		t.Errorf("docs/protocol-notes.md explains %q, which the code does not know", w)
	}
}

// TestSettingsListEveryKey compares the tables of keys of the two structures of
// the configuration file with their fields.
func TestSettingsListEveryKey(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, heading string
		types         []reflect.Type
	}{
		{"docs/chat.md", "Default", []reflect.Type{reflect.TypeFor[chat.Options]()}},
		{"docs/history.md", "Default", []reflect.Type{reflect.TypeFor[history.Config](), reflect.TypeFor[history.Room]()}},
		{"docs/webhooks.md", "Default", []reflect.Type{reflect.TypeFor[webhook.Hook]()}},
		{"docs/telemetry.md", "Default", []reflect.Type{reflect.TypeFor[telemetry.Options]()}},
		{"docs/notifications.md", "Default", []reflect.Type{reflect.TypeFor[notifications.Options]()}},
		{"docs/relay.md", "Key", []reflect.Type{reflect.TypeFor[relay.Config](), reflect.TypeFor[relay.Rule]()}},
	} {
		listed := make(map[string]bool)
		for _, r := range readPage(t, c.path).rows("Key", c.heading) {
			for _, span := range codeSpans(r.cells["Key"]) {
				listed[span] = true
			}
		}
		known := make(map[string]bool)
		for _, typ := range c.types {
			for i := range typ.NumField() {
				key, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
				if key == "" || key == "-" {
					continue
				}
				known[key] = true
				if !listed[key] {
					t.Errorf("%s has no row for the key %s", c.path, key)
				}
			}
		}
		for key := range listed {
			if !known[key] {
				t.Errorf("%s has a row for %s, which is no key", c.path, key)
			}
		}
	}
}

// sources returns the Go files of folders, tests aside, as one text.
func sources(t *testing.T, folders ...string) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}

// constant is a string constant of the code.
type constant struct{ name, text string }

// constants returns the string constants of a file whose names begin with one of
// the prefixes, but for the empty ones.
func constants(t *testing.T, path string, prefixes ...string) []constant {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []constant
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		value, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || value.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(value.Value)
		if err != nil {
			t.Fatal(err)
		}
		if text != "" && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(spec.Names[0].Name, p) }) {
			found = append(found, constant{spec.Names[0].Name, text})
		}
		return true
	})
	return found
}
