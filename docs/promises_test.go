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
	rows := readPage(t, "README.md").rows("Promise", "Proof")
	if len(rows) < 6 {
		t.Fatalf("README.md has %d promises, want the six of the design at least", len(rows))
	}
	for _, r := range rows {
		proofs := codeSpans(r.cells["Proof"])
		if len(proofs) == 0 {
			t.Errorf("README.md:%d: a promise without proof", r.line)
		}
		for _, span := range proofs {
			m := proof.FindStringSubmatch(span)
			if m == nil {
				t.Errorf("README.md:%d: %q is neither a file nor file:TestName", r.line, span)
				continue
			}
			text, err := os.ReadFile(filepath.Join(root, m[1]))
			switch {
			case err != nil && m[2] == "" && isFolder(m[1]):
			case err != nil:
				t.Errorf("README.md:%d: %v", r.line, err)
			case m[2] != "" && !strings.Contains(string(text), "func "+m[2]+"(t *testing.T)"):
				t.Errorf("README.md:%d: %s has no %s", r.line, m[1], m[2])
			}
		}
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(filepath.Join(root, path))
	return err == nil && info.IsDir()
}
