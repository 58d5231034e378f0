package docs_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// checkedBy says which test runs or reads the blocks of a language. Each of them takes all
// blocks of its language from all pages, so that none can be left out.
var checkedBy = map[string]string{
	"go":      "docs/snippets_test.go",
	"yaml":    "docs/commands_test.go",
	"sh":      "docs/shell_test.go",
	"console": "docs/shell_test.go",
	"json":    "docs/fences_test.go",
	"js":      "test/browser/cases/9-docs.mjs", // or, those of docs/snippets.json, the next
	"python":  "test/backends/snippets.mjs",
	"html":    "test/browser/cases/9-docs.mjs",
}

// notRun are the blocks of other languages: how many each page has, and why nothing runs them.
var notRun = map[string]struct {
	blocks int
	why    string
}{
	"docs/identity.md php":    {1, "there is no PHP where the tests run; brackets and quotes are counted below"},
	"docs/proxies.md nginx":   {1, "a part of a file: test/proxies starts nginx with the same lines"},
	"deploy/README.md ini":    {2, "variables: test/deploy reads those files for options that there are"},
	"docs/operations.md text": {2, "a part of Prometheus' file, and a line of the log"},
	"docs/measuring.md text":  {1, "figures of one run: cmd/sockeye/bench_test.go looks at the table of another"},
	"docs/cluster.md ":        {1, "a command of Redis, which adapters/redisstreams/failover_test.go gives it"},
	"docs/websocket.md ":      {1, "two addresses"},
}

// TestEveryBlockIsChecked fails when a page has a fenced block that no test looks at.
func TestEveryBlockIsChecked(t *testing.T) {
	t.Parallel()
	for lang, file := range checkedBy {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			t.Errorf("blocks of %s: %v", lang, err)
		}
	}
	found := make(map[string]int)
	for _, p := range pages(t) {
		for _, b := range p.allBlocks() {
			if checkedBy[b.lang] != "" {
				continue
			}
			name := p.path + " " + b.lang
			if found[name]++; notRun[name].blocks < found[name] {
				t.Errorf("%s:%d: nothing checks this block marked %q: have a test run it, or count it in notRun with the reason", p.path, b.line, b.lang)
			}
			if !balanced(b.text) {
				t.Errorf("%s:%d: a bracket or a quote is not closed", p.path, b.line)
			}
		}
	}
	for name, n := range notRun {
		if found[name] != n.blocks || n.why == "" {
			t.Errorf("%s: notRun says %d blocks (%q), and there are %d", name, n.blocks, n.why, found[name])
		}
	}
}

// balanced reports whether brackets and single and double quotes of a text are closed, as
// most languages want it.
func balanced(text string) bool {
	var open []rune
	pairs := map[rune]rune{')': '(', ']': '[', '}': '{'}
	var quote, before rune
	for _, r := range text {
		switch {
		case quote != 0:
			if r == quote && before != '\\' {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		case strings.ContainsRune("([{", r):
			open = append(open, r)
		case pairs[r] != 0:
			if len(open) == 0 || open[len(open)-1] != pairs[r] {
				return false
			}
			open = open[:len(open)-1]
		}
		before = r
	}
	return len(open) == 0 && quote == 0
}

func TestWhatIsNotClosedIsNoticed(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"", "a(b[c]{d})", `f("(", ')')`, `"a\"b"`} {
		if !balanced(good) {
			t.Errorf("%q is balanced", good)
		}
	}
	for _, bad := range []string{"(", ")", "(]", `"a`, `'`, "f(()"} {
		if balanced(bad) {
			t.Errorf("%q is not balanced", bad)
		}
	}
}

// TestEveryJSONBlockIsRead reads each value of a block marked json.
func TestEveryJSONBlockIsRead(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for _, b := range p.blocks("json") {
			values := 0
			for d := json.NewDecoder(strings.NewReader(b.text)); ; values++ {
				var v any
				if err := d.Decode(&v); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Errorf("%s:%d: %v", p.path, b.line, err)
					break
				}
			}
			if values == 0 {
				t.Errorf("%s:%d: no JSON", p.path, b.line)
			}
		}
	}
}

// TestTheListOfNodeSnippetsIsTrue holds docs/snippets.json to the blocks that there are.
func TestTheListOfNodeSnippetsIsTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("snippets.json")
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		ForNode []struct{ Page, Begins string }
	}
	if err := json.Unmarshal(text, &list); err != nil || len(list.ForNode) == 0 {
		t.Fatalf("docs/snippets.json: %v, %d blocks", err, len(list.ForNode))
	}
	for _, one := range list.ForNode {
		found := 0
		for _, b := range readPage(t, one.Page).blocks("js") {
			if strings.HasPrefix(b.text, one.Begins) {
				found++
			}
		}
		if found != 1 || one.Begins == "" {
			t.Errorf("docs/snippets.json: %d blocks of %s begin with %q, want 1", found, one.Page, one.Begins)
		}
	}
}

// TestPagesShowTheExamplesThatAreRun compares blocks of Python with whole files.
func TestPagesShowTheExamplesThatAreRun(t *testing.T) {
	t.Parallel()
	blocks := readPage(t, "docs/moving-from-flask-socketio.md").blocks("python")
	for i, file := range []string{"docs/examples/flask-socketio/app.py", "docs/examples/flask/app.py"} {
		if i >= len(blocks) || blocks[i].text != readPage(t, file).text() {
			t.Errorf("block %d of docs/moving-from-flask-socketio.md is not %s", i+1, file)
		}
	}
}
