package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments"
	"github.com/sockeye-io/sockeye/handlers/comments/staff"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/auth/token"
)

const blogOrigin = "https://blog.example.com"

// desk is a database of comments with the commands on it.
type desk struct{ file string }

// newDesk makes a database with the site "blog", and returns what init said.
func newDesk(t *testing.T, args ...string) (d desk, said string) {
	t.Helper()
	d = desk{filepath.Join(t.TempDir(), "comments.db")}
	return d, d.does(t, append([]string{"init", "--site", "blog", "--origin", blogOrigin}, args...)...)
}

func (d desk) line(args []string) []string {
	return append(append([]string{"comments"}, args...), "--comments-db", d.file)
}

func (d desk) does(t *testing.T, args ...string) string {
	t.Helper()
	return does(t, d.line(args)...)
}

func (d desk) fails(t *testing.T, says string, args ...string) {
	t.Helper()
	fails(t, says, d.line(args)...)
}

// open opens the database beside the commands.
func (d desk) open(t *testing.T) store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), d.file, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func (d desk) site(t *testing.T) store.Site {
	t.Helper()
	site, err := d.open(t).Site(t.Context(), "blog")
	if err != nil {
		t.Fatal(err)
	}
	return site
}

var oneTimeLink = regexp.MustCompile(`(\S+)/comments/setup\?site=blog#(\S+)`)

func TestInitMakesASiteAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	d, said := newDesk(t, "--guests", "--moderation", "trusted-first", "--origin", "https://*.Example.org/", "--url", "https://comments.example.com/")
	site := d.site(t)
	if strings.Join(site.Origins, " ") != blogOrigin+" https://*.example.org" || !site.Settings.Guests || site.Settings.Moderation != store.TrustedFirst || len(site.Settings.Reactions) == 0 {
		t.Errorf("%+v", site)
	}
	link := oneTimeLink.FindStringSubmatch(said)
	if link == nil || link[1] != "https://comments.example.com" {
		t.Fatalf("no link in\n%s", said)
	}
	for _, want := range []string{
		`<script src="https://comments.example.com/comments.js" data-site="blog" data-page="/post-1" async></script>`,
		"     " + site.Secret + "\n", "sockeye serve --comments-db " + d.file + "\n", "sockeye comments invite blog --comments-db " + d.file + " --url https://comments.example.com\n", "--rotate-secret",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not in\n%s", want, said)
		}
	}
	a, err := staff.New(d.open(t)).SetUp(t.Context(), "blog", link[2], "Ann", "four words that are long")
	if err != nil || a.Name != "Ann" {
		t.Errorf("the link: %+v, %v", a, err)
	}
	d.fails(t, `there is a site "blog" in `, "init", "--site", "blog", "--origin", "https://other.example.com")
	if again := d.site(t); again.Secret != site.Secret || len(again.Origins) != 2 {
		t.Errorf("the second init made %+v", again)
	}
	d.does(t, "init", "--site", "shop", "--origin", "http://localhost:8080")
	if list := d.does(t, "sites"); !strings.Contains(list, "blog") || !strings.Contains(list, "shop") || !strings.Contains(list, "trusted-first") {
		t.Errorf("the sites are\n%s", list)
	}
}

func TestInitWithoutAURLTakesTheListener(t *testing.T) {
	t.Parallel()
	_, said := newDesk(t, "--listen", "0.0.0.0:4000")
	if !strings.Contains(said, "http://localhost:4000/comments/setup?site=blog#") || !strings.Contains(said, "--url https://") || !strings.Contains(said, "guests may not") {
		t.Errorf("said\n%s", said)
	}
}

func TestInitSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	d := desk{filepath.Join(t.TempDir(), "comments.db")}
	for _, tc := range []struct{ site, origin, flag, want string }{
		{"My Blog", blogOrigin, "--guests", `--site: "My Blog" is no name`},
		{"blog", "blog.example.com", "--guests", `--origin: "blog.example.com" is no origin`},
		{"blog", "https://blog.example.com/posts", "--guests", "more than scheme, host and port"},
		{"blog", "*", "--guests", "every page of the web"},
		{"blog", blogOrigin, "--url=ftp://x", `--url: "ftp://x" is no URL`},
		{"blog", blogOrigin, "--moderation=never", "--moderation"},
		{"blog", blogOrigin, "--comments-db=:memory:", "name a file"},
	} {
		args := []string{"comments", "init", "--site", tc.site, "--origin", tc.origin, "--comments-db", d.file, tc.flag}
		fails(t, tc.want, args...)
	}
	if _, err := os.Stat(d.file); err == nil {
		t.Error("a database is there all the same")
	}
	d.fails(t, "make it with sockeye comments init", "sites")
	d.does(t, "init", "--site", "shop", "--origin", blogOrigin)
	d.fails(t, `there is no site "blog": there is shop`, "site", "blog")
	d.does(t, "remove", "shop", "--yes")
	d.fails(t, "and no other", "site", "blog")
}

func TestASiteIsChanged(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t)
	before := d.site(t)
	printed := d.does(t, "site", "blog", "--set", "guests=on", "--set", "maxDepth=3", "--set", "moderation=pre", "--set", `reactions=["👍"]`,
		"--set", "holdWords=one, two", "--set", "rejectLinks=", "--add-origin", "https://b.example.com/,"+blogOrigin)
	var site struct {
		Origins  []string
		Settings store.Settings
		Secret   *string
	}
	if err := json.Unmarshal([]byte(printed), &site); err != nil || site.Secret != nil || strings.Contains(printed, before.Secret) {
		t.Fatalf("%s, %v", printed, err)
	}
	s := site.Settings
	if !s.Guests || s.MaxDepth != 3 || s.Moderation != store.PreModeration || len(s.Reactions) != 1 || strings.Join(s.HoldWords, "+") != "one+two" || len(s.RejectLinks) != 0 {
		t.Errorf("%+v", s)
	}
	if strings.Join(site.Origins, " ") != blogOrigin+" https://b.example.com" {
		t.Errorf("origins: %q", site.Origins)
	}
	if after := d.site(t); after.Version <= before.Version || after.Secret != before.Secret {
		t.Errorf("version %d after %d", after.Version, before.Version)
	}
	d.does(t, "site", "blog", "--remove-origin", blogOrigin, "--set", "guests=no")
	secret := strings.TrimSpace(d.does(t, "site", "blog", "--rotate-secret"))
	if after := d.site(t); after.Secret != secret || secret == before.Secret || len(after.Origins) != 1 || after.Settings.Guests {
		t.Errorf("%+v", after)
	}
	d.fails(t, `did you mean "guests"?`, "site", "blog", "--set", "guest=on")
	d.fails(t, "is none of the site's: they are https://b.example.com", "site", "blog", "--remove-origin", "https://c.example.com")
	d.fails(t, "none would be left", "site", "blog", "--remove-origin", "https://b.example.com")
	d.fails(t, "--add-origin: ", "site", "blog", "--add-origin", "b")
}

func TestASettingIsReadAsWhatItIs(t *testing.T) {
	t.Parallel()
	for assignment, want := range map[string]string{
		"guest=on": `did you mean "guests"?`, "colour=red": "write one of ", "guests": "write key=value", "guests=perhaps": "write on or off",
		"maxDepth=deep": "write a whole number", "maxDepth=99999999999999": "write a whole number", `reactions=["👍",]`: "no JSON list",
		"guests=YES": "", `holdPatterns=["a,b","[c]"]`: "", "holdPatterns=[a-z]+": "", "hookURL=": "", "reactions=": "",
	} {
		s := store.Settings{HookURL: "https://a.example/", Reactions: []string{"👍"}}
		_, err := setSetting(&s, assignment)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", assignment, err, want)
		}
	}
	var s store.Settings
	if _, err := setSetting(&s, `holdPatterns=["a,b","[c]"]`); err != nil || strings.Join(s.HoldPatterns, "|") != "a,b|[c]" {
		t.Errorf("%q, %v", s.HoldPatterns, err)
	}
}

func TestModeratorsComeAndGo(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t)
	invited := strings.TrimSpace(d.does(t, "invite", "blog", "--name", "Ben", "--url", "https://c.example.com"))
	link := oneTimeLink.FindStringSubmatch(invited)
	if link == nil || link[0] != invited || link[1] != "https://c.example.com" {
		t.Fatalf("the link is %q", invited)
	}
	if _, err := staff.New(d.open(t)).SetUp(t.Context(), "blog", link[2], "", "four words that are long"); err != nil {
		t.Fatal(err)
	}
	if list := d.does(t, "moderators", "blog"); !strings.Contains(list, `"Ben"`) || !strings.Contains(list, "m_") {
		t.Errorf("the list is\n%s", list)
	}
	d.does(t, "remove-moderator", "blog", "Ben")
	if list := d.does(t, "moderators", "blog"); strings.Contains(list, "Ben") {
		t.Errorf("the list is\n%s", list)
	}
	d.fails(t, `there is no moderator "Ben"`, "remove-moderator", "blog", "Ben")
}

func TestATokenIsSignedWithTheSitesSecret(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t)
	text := strings.TrimSpace(d.does(t, "token", "blog", "--sub", "7", "--name", "Ann", "--avatar", "https://a.example/b.png", "--role", "moderator", "--ttl", "5m"))
	key, err := token.NewSecret([]byte(d.site(t).Secret))
	if err != nil {
		t.Fatal(err)
	}
	p, err := token.NewVerifier(token.Options{Keys: token.Keys{key}}).Verify(t.Context(), text)
	if err != nil || p.ID != "7" || p.Name != "Ann" || strings.Join(p.Roles, " ") != "moderator" || time.Until(p.Expires) > 5*time.Minute+time.Second {
		t.Errorf("%+v, %v", p, err)
	}
	d.fails(t, "--ttl", "token", "blog", "--sub", "7", "--name", "Ann", "--ttl", "0")
	d.fails(t, "may not be empty", "token", "blog", "--sub", "", "--name", "Ann")
}

func TestNothingIsDoneWithoutAYes(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"yes\n": true, "YES": true, "y\n": false, "": false, "no\nyes\n": false} {
		var asked bytes.Buffer
		err := confirmed(streams{ctx: context.Background(), err: &asked}, strings.NewReader(answer), false, "All goes.")
		if (err == nil) != want || !strings.HasPrefix(asked.String(), "All goes. ") {
			t.Errorf("%q: %v after %q", answer, err, &asked)
		}
	}
	if err := confirmed(streams{}, strings.NewReader(""), true, ""); err != nil {
		t.Error(err)
	}
}

// commentID is the id of a comment of a test.
func commentID(n int) string { return fmt.Sprintf("%020d", n) }

// archived is a file with n comments of Ann, of which every third answers the one before; daysAgo is
// when they were written.
func archived(t *testing.T, n, daysAgo int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"format":"sockeye-comments","version":1,"site":{"name":"blog","origins":[],"settings":{}},"comments":[`)
	created := time.Now().AddDate(0, 0, -daysAgo).UnixMilli()
	for i := range n {
		reply, comma := "", ""
		if i%3 == 2 {
			reply = fmt.Sprintf(`"parent":%q,`, commentID(i-1))
		}
		if i > 0 {
			comma = ","
		}
		fmt.Fprintf(&b, "%s\n"+`{"id":%q,"page":"/post-%d",%s"author":{"id":"u_1234567890123456","subject":"7","name":"Ann"},"text":"Number *%d*","state":"published","created":%d,"published":%[6]d,"up":2,"reactions":{"👍":1}}`,
			comma, commentID(i), i/30, reply, i, created+int64(i))
	}
	b.WriteString("\n]}\n")
	file := filepath.Join(t.TempDir(), "archive.json")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// comments reads all comments of the site.
func (d desk) comments(t *testing.T) (list []store.Comment) {
	t.Helper()
	err := d.open(t).EachComment(t.Context(), "blog", "", func(c store.Comment) error {
		list = append(list, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAServerThatRunsNoticesASite(t *testing.T) {
	t.Parallel()
	d, _ := newDesk(t)
	s := start(t, "--comments-db", d.file)
	enter := func(site string) error {
		c, err := dialSocket(t.Context(), s.url, comments.Namespace, map[string]string{"site": site}, func(string, json.RawMessage) {})
		if err == nil {
			c.close()
		}
		return err
	}
	if err := enter("blog"); err != nil {
		t.Fatal(err)
	}
	var refused *namespaceRefused
	if err := enter("shop"); !errors.As(err, &refused) || refused.Data.Code != "unknown_site" {
		t.Fatalf("a site that is not there: %v", err)
	}
	d.does(t, "init", "--site", "shop", "--origin", blogOrigin)
	waitUntil(t, "the server has noticed the site", func() bool { return enter("shop") == nil })
	d.does(t, "remove", "shop", "--yes")
	waitUntil(t, "the server has noticed that it is gone", func() bool { return enter("shop") != nil })
}

// waitUntil waits for something that must come.
func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}
