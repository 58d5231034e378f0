package docs_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

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
				comment(t, filepath.Join(dir, "sockeye-comments.db"))
			}
		}
	}
	if count < 10 {
		t.Errorf("only %d commands were found", count)
	}
}

// comment adds a comment of the user whom the page asks about.
func comment(t *testing.T, file string) {
	t.Helper()
	s, err := store.Open(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	author := store.Author{ID: "u_4f1c9a7be2d05836", Subject: "7", Name: "Ann"}
	c := store.Comment{Site: "blog", Page: "/post-1", Author: author, Text: "Hello", HTML: "<p>Hello</p>", State: store.Published}
	if _, _, err := s.Add(t.Context(), c); err != nil {
		t.Fatal(err)
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

// TestCommentsNamesWhatTheWidgetTakes looks for each attribute of the tag and each custom
// property of the widget on the page.
func TestCommentsNamesWhatTheWidgetTakes(t *testing.T) {
	t.Parallel()
	page := readPage(t, "docs/comments.md")
	taken := regexp.MustCompile(`const \{ ([^}]+) \} = tag\.dataset`).FindStringSubmatch(readPage(t, "public/comments/boot.js").text())
	if taken == nil {
		t.Fatal("public/comments/boot.js does not say which attributes it takes")
	}
	rows := make(map[string]bool)
	for _, r := range page.rows("Attribute", "Default", "Meaning") {
		for _, span := range codeSpans(r.cells["Attribute"]) {
			rows[span] = true
		}
	}
	for _, name := range append(strings.Split(taken[1], ", "), "server") {
		if !rows["data-"+name] {
			t.Errorf("docs/comments.md has no row for data-%s", name)
		}
		delete(rows, "data-"+name)
	}
	for name := range rows {
		t.Errorf("docs/comments.md has a row for %s, which the widget does not take", name)
	}
	properties := make(map[string]bool)
	for _, r := range page.rows("Property", "What") {
		for i, span := range codeSpans(r.cells["Property"]) {
			if i > 0 {
				span = "--sockeye-comments" + span
			}
			properties[span] = true
		}
	}
	used := regexp.MustCompile(`var\((--sockeye-comments-[a-z-]+)`).FindAllStringSubmatch(readPage(t, "public/comments/style.css").text(), -1)
	if len(used) < 5 {
		t.Fatalf("public/comments/style.css uses %d custom properties", len(used))
	}
	for _, m := range used {
		if !properties[m[1]] {
			t.Errorf("docs/comments.md has nothing about %s", m[1])
		}
	}
}
