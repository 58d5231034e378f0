package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// proof is a code span that names a test: a Go test as path:TestName, or a file.
var proof = regexp.MustCompile(`^([\w./-]+)(?::(Test\w+))?$`)

// TestEveryPromiseNamesATest looks up the tests that README.md names as the proof
// of its promises.
func TestEveryPromiseNamesATest(t *testing.T) {
	t.Parallel()
	if n := checkProofs(t, "README.md", "Promise", "Proof"); n < 6 {
		t.Fatalf("README.md has %d promises, want the six of the design at least", n)
	}
}

// TestEveryThreatNamesATest does so with the defences of SECURITY.md.
func TestEveryThreatNamesATest(t *testing.T) {
	t.Parallel()
	if n := checkProofs(t, "SECURITY.md", "Threat", "Shown by"); n < 12 {
		t.Fatalf("SECURITY.md has %d threats, want twelve at least", n)
	}
}

// checkProofs looks up what a column of a table names, and returns how many rows there
// are.
func checkProofs(t *testing.T, page, first, column string) int {
	t.Helper()
	rows := readPage(t, page).rows(first, column)
	for _, r := range rows {
		proofs := codeSpans(r.cells[column])
		if len(proofs) == 0 {
			t.Errorf("%s:%d: a row without proof", page, r.line)
		}
		for _, span := range proofs {
			m := proof.FindStringSubmatch(span)
			if m == nil {
				t.Errorf("%s:%d: %q is neither a file nor file:TestName", page, r.line, span)
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, m[1]))
			switch {
			case err != nil && m[2] == "" && isFolder(m[1]):
			case err != nil:
				t.Errorf("%s:%d: %v", page, r.line, err)
			case m[2] != "" && !strings.Contains(string(text), "func "+m[2]+"(t *testing.T)"):
				t.Errorf("%s:%d: %s has no %s", page, r.line, m[1], m[2])
			}
		}
	}
	return len(rows)
}

func isFolder(path string) bool {
	info, err := os.Stat(filepath.Join(root, path))
	return err == nil && info.IsDir()
}
