package docs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// aComment is a file as sockeye comments export writes it, with a comment of the user whom
// docs/comments.md asks about.
const aComment = `{"format":"sockeye-comments","version":1,"site":{"name":"blog","origins":["https://www.example.com"],"settings":{}},"comments":[
{"id":"d3k9q0v1c8s2m4p6r7t5","page":"/post-1","root":"d3k9q0v1c8s2m4p6r7t5","author":{"id":"u_4f1c9a7be2d05836","subject":"7","name":"Ann"},"text":"Hello","state":"published","created":1767225600000,"published":1767225600000}
]}
`

// TestTheCommandsOfCommentsRun runs the commands of docs/comments.md one after the other, as a
// reader would, and compares its table of settings with those of the site that they make.
func TestTheCommandsOfCommentsRun(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(line string) string {
		words := split(line)
		cmd := exec.CommandContext(t.Context(), path, words[1:]...)
		cmd.Env, cmd.Dir = []string{"LANG=C"}, dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		return string(out)
	}
	count := 0
	for _, b := range readPage(t, "docs/comments.md").blocks("console") {
		for _, c := range b.commands() {
			if nameOf(c.text) != "sockeye" {
				continue
			}
			run(c.text)
			if count++; count == 1 {
				compareSettings(t, run("sockeye comments site blog"))
			}
			if file, made := strings.CutPrefix(c.text, "sockeye comments export blog "); made {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(aComment), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if count < 10 {
		t.Errorf("only %d commands were found", count)
	}
}

// compareSettings holds the table of settings to those of a new site.
func compareSettings(t *testing.T, site string) {
	t.Helper()
	var is struct{ Settings map[string]any }
	if err := json.Unmarshal([]byte(site), &is); err != nil {
		t.Errorf("%v\n%s", err, site)
		return
	}
	listed := make(map[string]string)
	for _, r := range readPage(t, "docs/comments.md").rows("Key", "Default", "Meaning") {
		for _, key := range codeSpans(r.cells["Key"]) {
			listed[key] = strings.Trim(r.cells["Default"], "`")
		}
	}
	words := map[string]string{"[👍 ❤️ 😄 🎉 🤔]": "five", "<nil>": "none", "": "none"}
	for field := range reflect.TypeFor[store.Settings]().Fields() {
		key := field.Tag.Get("json")
		want := fmt.Sprint(is.Settings[key])
		if word, is := words[want]; is {
			want = word
		}
		if key == "guests" {
			want = "false" // without --guests
		}
		if listed[key] != want {
			t.Errorf("docs/comments.md says that %s is %q in a new site, and it is %q", key, listed[key], want)
		}
		delete(listed, key)
	}
	for key := range listed {
		t.Errorf("docs/comments.md has a row for %s, which is no setting", key)
	}
}
