package docs_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var next = regexp.MustCompile(`^next: \[[^\]]+\]\(([\w.-]+)\)$`)

// TestEveryPageLeadsToTheNext holds docs/README.md, the table of contents, to the pages that
// there are, and the last line of each page to the order of that table.
func TestEveryPageLeadsToTheNext(t *testing.T) {
	t.Parallel()
	var order []string
	for _, r := range readPage(t, "docs/README.md").rows("Page", "What is there") {
		m := link.FindStringSubmatch(r.cells["Page"])
		if m == nil || r.cells["What is there"] == "" {
			t.Errorf("docs/README.md:%d: a row without a page, or without a word about it", r.line)
			continue
		}
		if slices.Contains(order, m[1]) {
			t.Errorf("docs/README.md:%d: %s is there already", r.line, m[1])
		}
		order = append(order, m[1])
	}
	files, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file != "README.md" && !slices.Contains(order, file) {
			t.Errorf("docs/README.md does not list %s", file)
		}
	}
	for i, file := range order {
		want := "README.md"
		if i+1 < len(order) {
			want = order[i+1]
		}
		p := readPage(t, "docs/"+file)
		last := strings.TrimSpace(p.text())
		last = last[strings.LastIndexByte(last, '\n')+1:]
		if m := next.FindStringSubmatch(last); m == nil || m[1] != want {
			t.Errorf("%s ends with %q; want next: [its title](%s)", p.path, last, want)
		}
	}
}
