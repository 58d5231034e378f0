// Package docs_test keeps the documents true: every Go, YAML and command block in
// README.md and docs is compiled, loaded or parsed by the real thing, every table
// that repeats the code is compared with it, and every link leads somewhere.
//
// It stands beside the road and knows the program from outside. It refuses to
// judge prose. With -update the generated tables are written instead of compared.
package docs_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated tables into the documents")

// root is the top of the repository, seen from where the tests run.
const root = ".."

// page is one document.
type page struct {
	path  string // from the top of the repository
	lines []string
}

// block is one fenced block of a page.
type block struct {
	page string
	line int // of its first line, counted from 1
	lang string
	text string
}

// pages reads README.md, CHANGELOG.md, SECURITY.md, the pages of bench and deploy, and every page
// in docs.
func pages(t *testing.T) []page {
	t.Helper()
	paths, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for i := range paths {
		paths[i] = "docs/" + paths[i]
	}
	var all []page
	for _, path := range append([]string{"README.md", "CHANGELOG.md", "SECURITY.md", "bench/README.md", "deploy/README.md", "deploy/proxies/README.md"}, paths...) {
		all = append(all, readPage(t, path))
	}
	return all
}

func readPage(t *testing.T, path string) page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return page{path: path, lines: strings.Split(string(text), "\n")}
}

func (p page) text() string { return strings.Join(p.lines, "\n") }

// blocks returns the fenced blocks of a language, such as "go".
func (p page) blocks(lang string) []block {
	return slices.DeleteFunc(p.allBlocks(), func(b block) bool { return b.lang != lang })
}

// allBlocks returns the fenced blocks of every language.
func (p page) allBlocks() []block {
	var found []block
	var open *block
	for i, line := range p.lines {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && open == nil:
			open = &block{page: p.path, line: i + 2, lang: fence}
		case isFence:
			found = append(found, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	return found
}

// prose returns the lines outside of fenced blocks; the others are empty.
func (p page) prose() []string {
	out := make([]string, len(p.lines))
	inside := false
	for i, line := range p.lines {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			inside = !inside
			continue
		}
		if !inside {
			out[i] = line
		}
	}
	return out
}

// row is one row of a table, its cells by the heading of their column.
type row struct {
	line  int
	cells map[string]string
}

// rows returns the rows of every table whose headings include all of those given.
func (p page) rows(headings ...string) []row {
	var found []row
	var names []string
	for i, line := range p.prose() {
		cells := splitRow(line)
		switch {
		case cells == nil:
			names = nil
		case names == nil:
			names = cells
		case strings.Trim(strings.Join(cells, ""), ":- ") == "":
		case containsAll(names, headings):
			r := row{line: i + 1, cells: make(map[string]string)}
			for j, name := range names {
				if j < len(cells) {
					r.cells[name] = cells[j]
				}
			}
			found = append(found, r)
		}
	}
	return found
}

func containsAll(list, wanted []string) bool {
	set := make(map[string]bool)
	for _, s := range list {
		set[s] = true
	}
	for _, s := range wanted {
		if !set[s] {
			return false
		}
	}
	return true
}

// splitRow returns the cells of a line of a table, or nil. A bar written \| is
// part of a cell.
func splitRow(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|") {
		return nil
	}
	const bar = "\x00"
	parts := strings.Split(strings.ReplaceAll(strings.Trim(line, "|"), `\|`, bar), "|")
	for i, part := range parts {
		parts[i] = strings.TrimSpace(strings.ReplaceAll(part, bar, "|"))
	}
	return parts
}

// codeSpans returns what stands between single backquotes.
func codeSpans(text string) []string {
	var spans []string
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			spans = append(spans, part)
		}
	}
	return spans
}

// generated compares the part of a page between two markers with what the code
// says now, or writes it there with -update.
func generated(t *testing.T, path, name, want string) {
	t.Helper()
	begin, end := "<!-- "+name+":begin -->", "<!-- "+name+":end -->"
	text := readPage(t, path).text()
	before, rest, found := strings.Cut(text, begin)
	have, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no part %s … %s", path, begin, end)
	}
	want = "\n" + strings.TrimSpace(want) + "\n"
	if have == want {
		return
	}
	if !*update {
		t.Fatalf("%s: the part %q is not what the code says: run go test ./docs -update", path, name)
	}
	text = before + begin + want + end + after
	if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
