package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

func TestWhatIsExportedIsImportedAndExportedTheSame(t *testing.T) {
	t.Parallel()
	one, _ := newDesk(t)
	two, _ := newDesk(t)
	file := archived(t, 70, 1)
	if said := one.does(t, "import", "blog", file, "--dry-run"); !strings.Contains(said, "dry run: would import 70 comments") || len(one.comments(t)) != 0 {
		t.Errorf("dry: %s", said)
	}
	if said := one.does(t, "import", "blog", file); !strings.Contains(said, `imported 70 comments into "blog"; 0 of 70`) {
		t.Errorf("first: %s", said)
	}
	if said := one.does(t, "import", "blog", file); !strings.Contains(said, "imported 0 comments") || !strings.Contains(said, "70 of 70 in the file were there already") {
		t.Errorf("again: %s", said)
	}
	c, err := one.open(t).Comment(t.Context(), "blog", commentID(2))
	if err != nil || c.HTML != "<p>Number <em>2</em></p>\n" && c.HTML != "<p>Number <em>2</em></p>" || c.Up != 2 || c.Reactions["👍"] != 1 || c.Depth != 1 || c.Root != commentID(1) || c.Author.Subject != "7" {
		t.Errorf("%+v, %v", c, err)
	}
	out := filepath.Join(t.TempDir(), "out.json")
	one.does(t, "export", "blog", out)
	first, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	two.does(t, "import", "blog", out)
	if second := two.does(t, "export", "blog", "-"); second != string(first) {
		t.Errorf("another database is exported as\n%.600s\nwant\n%.600s", second, first)
	}
	if about, err := os.Stat(out); err != nil || about.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", about.Mode(), err)
	}
	one.fails(t, "is there already", "export", "blog", out)
	one.fails(t, "no such file", "import", "blog", out+".not")
	one.fails(t, `--format: "disqus" is no format`, "import", "blog", out, "--format", "disqus")
}

func TestADamagedFileLeavesWhatCameBefore(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t)
	file := archived(t, 62, 1)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`"text":"Number *51*"`), []byte(`"text":""`), 1)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	d.fails(t, "51 comments before it would be stored, and 0 were there already. Nothing was stored.", "import", "blog", file, "--dry-run")
	if n := len(d.comments(t)); n != 0 {
		t.Errorf("%d comments are there after a dry run", n)
	}
	d.fails(t, "line 53 (byte ", "import", "blog", file)
	d.fails(t, "comment 52: text: is missing\nsockeye: 0 comments before it are stored, and 51 were there already. Put it right", "import", "blog", file)
	if n := len(d.comments(t)); n != 51 {
		t.Errorf("%d comments are there", n)
	}
}

func TestABackupOfADatabaseInUseIsWhole(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t)
	db := d.open(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	written := make(chan int, 1)
	go func() {
		for n := 0; ; n++ {
			select {
			case written <- n:
			default:
			}
			// The second answers the first: a copy that has only the second is broken.
			first, _, err := db.Add(ctx, store.Comment{Site: "blog", Page: "/", Author: store.Author{ID: "u_1234567890123456", Name: "Ann"}, Text: "Hi", HTML: "<p>Hi</p>", State: store.Published})
			if err == nil {
				_, _, err = db.Add(ctx, store.Comment{Site: "blog", Page: "/", Parent: first.ID, Author: first.Author, Text: "Ho", HTML: "<p>Ho</p>", State: store.Published})
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	for n := range written {
		if n > 5 {
			break
		}
	}
	copied := desk{filepath.Join(t.TempDir(), "backup.db")}
	said := d.does(t, "backup", copied.file)
	stop()
	if err := <-ended; ctx.Err() == nil {
		t.Error(err)
	}
	if !strings.Contains(said, "sockeye serve --comments-db "+copied.file) {
		t.Errorf("said %q", said)
	}
	list := copied.comments(t)
	there := make(map[string]bool)
	for _, c := range list {
		there[c.ID] = true
	}
	for _, c := range list {
		if c.Parent != "" && !there[c.Parent] {
			t.Errorf("%s answers %s, which is not there", c.ID, c.Parent)
		}
	}
	counts, err := copied.open(t).Counts(t.Context(), "blog", []string{"/"})
	if err != nil || counts["/"] != len(list) || len(list) < 10 {
		t.Errorf("%d comments, counted %v, %v", len(list), counts, err)
	}
	d.fails(t, "is there already", "backup", copied.file)
	s := start(t, "--comments-db", copied.file)
	if status, _ := get(t, s.url+"/healthz"); status != 200 {
		t.Errorf("a server of the copy answers %d", status)
	}
}

func TestAUserIsHandedOutAndErased(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t)
	d.does(t, "import", "blog", archived(t, 6, 1))
	if _, err := d.open(t).Vote(t.Context(), "blog", commentID(0), "u_1234567890123456", 1); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		User     struct{ Name string }
		Comments []struct{ Text string }
		Opinions []struct{ Kind, Comment string }
	}
	if err := json.Unmarshal([]byte(d.does(t, "export-user", "blog", "--sub", "7")), &doc); err != nil || doc.User.Name != "Ann" || len(doc.Comments) != 6 || doc.Comments[5].Text != "Number *5*" || len(doc.Opinions) != 1 {
		t.Errorf("%+v, %v", doc, err)
	}
	d.fails(t, "say who", "export-user", "blog")
	d.fails(t, "say who", "export-user", "blog", "u_1234567890123456", "--sub", "7")
	d.fails(t, `nothing is known of a user "u_nobody"`, "export-user", "blog", "u_nobody")
	d.fails(t, `nothing is known of a user with --sub "8"`, "erase-user", "blog", "--sub", "8")
	d.fails(t, `All that is known of "Ann" (u_1234567890123456) on "blog" goes: 6 comments`, "erase-user", "blog", "--sub", "7")
	if said := d.does(t, "erase-user", "blog", "u_1234567890123456", "--yes"); !strings.Contains(said, "is erased, with 6 comments") {
		t.Error(said)
	}
	for _, c := range d.comments(t) {
		if c.Text != "" || c.HTML != "" || c.Author.Name != "" || c.Author.Subject != "" {
			t.Errorf("left is %+v", c)
		}
	}
	d.fails(t, `nothing is known of a user with --sub "7"`, "export-user", "blog", "--sub", "7")
	voter := comments.UserID("blog", "9")
	d.does(t, "import", "blog", archived(t, 8, 1)) // two more
	if _, err := d.open(t).Vote(t.Context(), "blog", commentID(7), voter, 1); err != nil {
		t.Fatal(err)
	}
	if text := d.does(t, "export-user", "blog", "--sub", "9"); !strings.Contains(text, commentID(7)) || !strings.Contains(text, voter) {
		t.Errorf("who only voted is\n%s", text)
	}
	d.does(t, "erase-user", "blog", "--sub", "9", "--yes")
	d.fails(t, "nothing is known", "erase-user", "blog", "--sub", "9", "--yes")
	d.does(t, "export", "blog", filepath.Join(t.TempDir(), "erased.json"))
}

func TestWhatIsOldIsPurged(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t)
	d.does(t, "import", "blog", archived(t, 30, 10))
	young := store.Comment{Site: "blog", Page: "/post-0", Parent: commentID(1), Author: store.Author{ID: "u_1234567890123456", Name: "Ann"}, Text: "Hi", HTML: "<p>Hi</p>", State: store.Published, Created: time.Now()}
	if _, _, err := d.open(t).Add(t.Context(), young); err != nil {
		t.Fatal(err)
	}
	d.fails(t, "--older-than", "purge", "blog", "--older-than", "x")
	d.fails(t, "no number of days", "purge", "blog", "--older-than", "0d")
	if said := d.does(t, "purge", "blog", "--older-than", "11d"); !strings.Contains(said, "removed 0 comments") {
		t.Error(said)
	}
	dry := d.does(t, "purge", "blog", "--older-than", "9d", "--dry-run")
	if len(d.comments(t)) != 31 {
		t.Error("a dry run removed something")
	}
	said := d.does(t, "purge", "blog", "--older-than", "216h")
	if !strings.Contains(dry, "would remove 30 comments") || !strings.Contains(said, "removed 30 comments") {
		t.Errorf("%s%s", dry, said)
	}
	for _, c := range d.comments(t) {
		if c.Text != "" && c.Text != young.Text {
			t.Errorf("left is %+v", c)
		}
	}
	if text := d.does(t, "export", "blog", "-"); !strings.Contains(text, commentID(1)) || strings.Contains(text, commentID(0)) {
		t.Errorf("left is\n%s", text)
	}
	d.fails(t, "nothing was changed", "remove", "blog")
	d.does(t, "remove", "blog", "--yes")
	d.fails(t, `there is no site "blog"`, "export", "blog", "-")
}

func TestProgressIsALineASecondOrABar(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := newProgress(&b, "import", 2_000_000)
	p.set(1, 1) // too early
	p.last = p.last.Add(-time.Minute)
	p.set(500_000, 1234)
	p.set(500_001, 1235)
	p.end()
	if b.String() != "import: 1234 comments, 25% of 2.0 MB\n" {
		t.Errorf("lines: %q", &b)
	}
	for _, total := range []int64{2_000_000, -1} {
		var drawn bytes.Buffer
		p := &progress{w: &drawn, what: "import", total: total, bar: newBar(&drawn, "import", total)}
		p.set(500_000, 1234)
		if now := p.bar.State(); now.CurrentBytes != 500_000 || now.Description != "import: 1234 comments" || total > 0 && now.CurrentPercent != 0.25 {
			t.Errorf("the bar of %d: %+v", total, now)
		}
		p.end()
		if !strings.Contains(drawn.String(), "import") {
			t.Errorf("the bar of %d drew %q", total, &drawn)
		}
	}
	for n, want := range map[int64]string{999: "999 bytes", 1500: "1.5 kB", 2_500_000: "2.5 MB", 3_000_000_000: "3.0 GB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}
