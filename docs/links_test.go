package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`^#{1,6}\s+(.*)$`)
)

// TestEveryLinkLeadsSomewhere checks the links within the repository, with the
// headings they point at.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	for _, p := range pages(t) {
		for i, line := range p.prose() {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				if strings.Contains(m[1], "://") {
					continue
				}
				target, anchor, _ := strings.Cut(m[1], "#")
				path := filepath.ToSlash(filepath.Join(filepath.Dir(p.path), target))
				if target == "" {
					path = p.path
				}
				if proven(path) {
					continue
				}
				if _, err := os.Stat(filepath.Join(root, path)); err != nil {
					t.Errorf("%s:%d: %s: there is no %s", p.path, i+1, m[1], path)
					continue
				}
				if anchor != "" && !anchors(t, path)[anchor] {
					t.Errorf("%s:%d: %s: %s has no such heading", p.path, i+1, m[1], path)
				}
			}
		}
	}
}

// proven reports whether a file is made by make prove, in a folder that is not
// there before its first run.
func proven(path string) bool {
	folder := filepath.Dir(path)
	return (folder == "docs/screenshots" || folder == "docs/evidence") && !isFolder(folder)
}

// anchors returns the names that code hosts give the headings of a page.
func anchors(t *testing.T, path string) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, line := range readPage(t, path).prose() {
		m := heading.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, strings.TrimSpace(m[1]))
		numbered := name
		for n := 1; names[numbered]; n++ { // a second heading of the same words
			numbered = name + "-" + strconv.Itoa(n)
		}
		names[numbered] = true
	}
	return names
}
