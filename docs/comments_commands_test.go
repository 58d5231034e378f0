package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheCommandsOfCommentsDoWhatThePageShows runs the commands of docs/comments-commands.md one after the
// other in one folder, with the file that the page shows, and looks for each line that the page shows
// as their output; … stands for anything.
func TestTheCommandsOfCommentsDoWhatThePageShows(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	page := readPage(t, "docs/comments-commands.md")
	files, blocks := page.blocks("json"), page.blocks("console")
	if len(files) != 1 || len(blocks) < 7 {
		t.Fatalf("%d files and %d blocks of commands", len(files), len(blocks))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "comments.json"), []byte(files[0].text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		said := ""
		for i, line := range strings.Split(strings.TrimSuffix(b.text, "\n"), "\n") {
			command, is := strings.CutPrefix(line, "$ sockeye ")
			if !is {
				pattern := strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".+")
				if !regexp.MustCompile("(?m)^" + pattern + ",?$").MatchString(said) {
					t.Errorf("%s:%d: there is no line\n%s\nin\n%s", b.page, b.line+i, line, said)
				}
				continue
			}
			cmd := exec.CommandContext(t.Context(), path, split(command)...)
			cmd.Env, cmd.Dir = []string{"LANG=C"}, dir
			out, err := cmd.CombinedOutput()
			if said = string(out); err != nil {
				t.Fatalf("%s:%d: %v\n%s", b.page, b.line+i, err, out)
			}
		}
	}
}
