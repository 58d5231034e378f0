package comments

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// with changes the settings of the blog.
func (n *node) with(t *testing.T, change func(*store.Settings)) {
	t.Helper()
	stored, err := n.store.Site(t.Context(), "blog")
	if err != nil {
		t.Fatal(err)
	}
	change(&stored.Settings)
	if err = n.store.UpdateSite(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	if err = n.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// holds stores a comment of a user that waits for a moderator.
func (n *node) holds(t *testing.T, sub, text string) string {
	t.Helper()
	c, _, err := n.store.Add(t.Context(), store.Comment{
		Site: "blog", Page: "/a", Text: text, HTML: "<p>" + text + "</p>", State: store.Pending, Held: []string{"word"},
		Author: store.Author{ID: publicID("u_", "blog", sub), Subject: sub, Name: "Name of " + sub},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.known("blog").advanced(c.Seq, 0)
	return c.ID
}

// hearsNothingOf fails if the client was told anything of a comment, up to something else that it
// is told.
func (c *client) hearsNothingOf(id, until string) {
	c.t.Helper()
	for {
		for _, one := range objectsOf(c.hears("comments")["comments"]) {
			switch one["id"] {
			case id:
				c.t.Errorf("is told %v", one)
			case until:
				return
			}
		}
	}
}

// TestWhatWaitsIsSeenByItsAuthorAndModerators: live, at join, and by nobody else in any way.
func TestWhatWaitsIsSeenByItsAuthorAndModerators(t *testing.T) {
	t.Parallel()
	n := alone(t)
	reader, ann, ben, mod := n.reader(t), n.user(t, "ann"), n.user(t, "ben"), n.moderator(t)
	for _, c := range []*client{reader, ann, ben, mod} {
		c.must("join", object{"page": "/a"})
	}
	mod.must("watch", object{})
	id := n.holds(t, "ann", "waits")
	if got := ann.hearsComment(id, "pending"); got["html"] != "<p>waits</p>" || got["text"] != nil || got["held"] != nil {
		t.Errorf("its author is told %v", got)
	}
	if got := mod.hearsComment(id, "pending"); got["text"] != "waits" || got["held"].([]any)[0] != "word" {
		t.Errorf("a moderator is told %v", got)
	}
	if got := mod.hears("queue"); got["pending"] != 1.0 || objectsOf(got["comments"])[0]["id"] != id {
		t.Errorf("the queue is %v", got)
	}
	for event, arg := range map[string]object{
		"vote": {"id": id, "value": 1}, "react": {"id": id, "reaction": "👍", "on": true}, "flag": {"id": id}, "source": {"id": id},
		"edit": {"id": id, "text": "x"}, "delete": {"id": id}, "post": saying("/a", "an answer", object{"parent": id}),
	} {
		if got := ben.code(event, arg); got != "not_found" {
			t.Errorf("%s by another user: %q", event, got)
		}
	}
	if got := ann.must("join", object{"page": "/a", "cursor": "0.0"}); objectsOf(got["mine"].(object)["pending"])[0]["id"] != id {
		t.Errorf("its author finds %v", got["mine"])
	}
	if got := ben.must("join", object{"page": "/a", "cursor": "0.0"}); len(got["comments"].([]any)) != 0 || len(got["mine"].(object)["pending"].([]any)) != 0 {
		t.Errorf("another user finds %v", got)
	}
	if got := ann.must("edit", object{"id": id, "text": "waits, edited"})["comment"].(object); got["state"] != "pending" {
		t.Errorf("by an edit it is %v", got["state"])
	}
	until := ben.say("/a", "seen by all")["id"].(string)
	reader.hearsNothingOf(id, until)
	ben.hearsNothingOf(id, until)
	mod.must("moderate", object{"ids": []string{id}, "action": "approve"})
	for _, c := range []*client{reader, ann, ben, mod} {
		c.hearsComment(id, "published")
	}
	for {
		if got := mod.hears("decision")["decision"].(object); got["action"] == "approve" && got["comment"] == id {
			break
		}
	}
	mod.must("moderate", object{"ids": []string{id}, "action": "reject"})
	if got := reader.hearsComment(id, "rejected"); got["html"] != nil || got["author"] != nil {
		t.Errorf("of what was published the public is told %v", got)
	}
	never := n.holds(t, "ann", "never published")
	ann.hearsComment(never, "pending")
	mod.must("moderate", object{"ids": []string{never}, "action": "reject"})
	if got := ann.hearsComment(never, "rejected"); got["html"] != nil {
		t.Errorf("its author is told %v", got)
	}
	reader.hearsNothingOf(never, ben.say("/a", "seen by all, too")["id"].(string))
}

// TestModerationBefore: where the site wants it nothing is seen before a moderator has seen it; or
// nothing of those who are new.
func TestModerationBefore(t *testing.T) {
	t.Parallel()
	n := alone(t)
	ann, mod := n.user(t, "ann"), n.moderator(t)
	ann.must("join", object{"page": "/a"})
	n.with(t, func(s *store.Settings) { s.Moderation = store.TrustedFirst })
	first := ann.say("/a", "I am new here")
	mod.must("moderate", object{"ids": []any{first["id"]}, "action": "approve"})
	second := ann.say("/a", "and was found to be nice")
	n.with(t, func(s *store.Settings) { s.Moderation = store.PreModeration })
	third := ann.say("/a", "but not here")
	if first["state"] != "pending" || second["state"] != "published" || third["state"] != "pending" {
		t.Errorf("they are %v, %v and %v", first["state"], second["state"], third["state"])
	}
	if got := ann.must("edit", object{"id": second["id"], "text": "changed"})["comment"].(object); got["state"] != "pending" {
		t.Errorf("what is changed is %v", got["state"])
	}
	if got := ann.hearsComment(second["id"].(string), "pending"); got["html"] == nil {
		t.Errorf("its author is told %v", got)
	}
	n.with(t, func(s *store.Settings) { s.RejectWords = []string{"casino"} })
	if got := ann.code("post", saying("/a", "my casino")); got != "rejected" {
		t.Errorf("a word that is not wanted: %q", got)
	}
	if got := objectsOf(mod.must("queue", object{"state": "rejected"})["comments"]); len(got) != 1 || got[0]["text"] != "my casino" {
		t.Errorf("moderators see %v", got)
	}
	for _, c := range objectsOf(n.reader(t).must("join", object{"page": "/a", "cursor": "0.0"})["comments"]) {
		if c["state"] == "rejected" || c["id"] == third["id"] {
			t.Errorf("the public sees %v", c)
		}
	}
}

// TestAWindowForChanges: an author may change a comment for a time, and take it back at any.
func TestAWindowForChanges(t *testing.T) {
	t.Parallel()
	n := alone(t)
	ann, reader := n.user(t, "ann"), n.reader(t)
	reader.must("join", object{"page": "/a"})
	id := ann.say("/a", "first")["id"].(string)
	if got := ann.must("edit", object{"id": id, "text": "second"})["comment"].(object); got["edited"] == nil || !strings.Contains(got["html"].(string), "second") {
		t.Errorf("edited to %v", got)
	}
	for got := object(nil); got["edited"] == nil; {
		got = reader.hearsComment(id, "published")
	}
	if got := ann.must("source", object{"id": id}); got["text"] != "second" {
		t.Errorf("the source is %v", got)
	}
	n.with(t, func(s *store.Settings) { s.EditWindow = 0 })
	if got := ann.code("edit", object{"id": id, "text": "third"}); got != "too_late" {
		t.Errorf("after the window: %q", got)
	}
	if got := ann.must("delete", object{"id": id})["comment"].(object); got["state"] != "deleted" || got["html"] != nil {
		t.Errorf("deleted is %v", got)
	}
	reader.hearsComment(id, "deleted")
	for _, event := range []string{"edit", "source", "vote"} {
		if got := ann.code(event, object{"id": id, "text": "x"}); got != "not_found" {
			t.Errorf("%s of a deleted one: %q", event, got)
		}
	}
}

// decisive is a store whose moderator decides while an edit is on its way.
type decisive struct {
	store.Store
}

func (d decisive) Edit(ctx context.Context, site, id string, e store.Edit) (store.Comment, error) {
	if _, err := d.Moderate(ctx, site, []string{id}, store.Reject, store.Decision{By: "m_mod"}); err != nil {
		return store.Comment{}, err
	}
	return d.Store.Edit(ctx, site, id, e)
}

// TestAnEditUndoesNoDecision: a comment that was rejected while its author changed it was published again.
func TestAnEditUndoesNoDecision(t *testing.T) {
	t.Parallel()
	n := serve(t, memory.New(), Options{Store: decisive{opened(t)}})
	ann := n.user(t, "ann")
	id := ann.say("/a", "hello")["id"].(string)
	if got := ann.must("edit", object{"id": id, "text": "hello again"})["comment"].(object); got["state"] != "rejected" || got["html"] != nil {
		t.Errorf("the edit made it %v", got)
	}
}

// TestAnswersGoNoDeeperThanTheSiteWants: what answers the deepest is put beside it.
func TestAnswersGoNoDeeperThanTheSiteWants(t *testing.T) {
	t.Parallel()
	n := alone(t)
	n.with(t, func(s *store.Settings) { s.MaxDepth = 2 })
	ann := n.moderator(t) // who is not limited
	answer := func(text string, parent object) object { return ann.say("/a", text, object{"parent": parent["id"]}) }
	first := ann.say("/a", "first")
	second := answer("second", first)
	third := answer("third", second)
	beside := answer("beside", third)
	if third["depth"] != 2.0 || beside["depth"] != 2.0 || beside["parent"] != second["id"] {
		t.Errorf("the third is %v, and its answer %v", third, beside)
	}
	n.with(t, func(s *store.Settings) { s.MaxDepth = 1 })
	if got := answer("higher", beside); got["depth"] != 1.0 || got["parent"] != first["id"] {
		t.Errorf("where less is wanted an answer is %v", got)
	}
	if got := ann.code("post", saying("/b", "elsewhere", object{"parent": first["id"]})); got != "not_found" {
		t.Errorf("an answer on another page: %q", got)
	}
}

// TestWhatIsSentTwiceIsOneComment: the answer was lost, and the page sends it again.
func TestWhatIsSentTwiceIsOneComment(t *testing.T) {
	t.Parallel()
	n := alone(t)
	ann, mod := n.user(t, "ann"), n.moderator(t)
	arg := saying("/a", "once")
	one := ann.must("post", arg)["comment"].(object)
	back := n.user(t, "ann")
	if again := back.must("post", arg)["comment"].(object); again["id"] != one["id"] {
		t.Errorf("sent again it is %v, not %v", again, one)
	}
	mod.must("lock", object{"page": "/a", "locked": true})
	if again := back.must("post", arg)["comment"].(object); again["id"] != one["id"] {
		t.Errorf("sent again after the page was closed it is %v, not %v", again, one)
	}
	if got := n.user(t, "ben").code("post", arg); got != "locked" {
		t.Errorf("somebody else's of the same key: %q", got)
	}
}

// TestAClosedPageTakesNothing: until it is opened again; moderators may still write.
func TestAClosedPageTakesNothing(t *testing.T) {
	t.Parallel()
	n := alone(t)
	ann, ben, mod := n.user(t, "ann"), n.user(t, "ben"), n.moderator(t)
	ann.must("join", object{"page": "/a"})
	own, of := ann.say("/a", "own")["id"], ben.say("/a", "of somebody else")["id"]
	closed := func(want string) {
		t.Helper()
		for event, arg := range map[string]object{
			"post": saying("/a", "x "+time.Now().String()), "edit": {"id": own, "text": "x"}, "vote": {"id": of, "value": 1}, "react": {"id": of, "reaction": "👍", "on": true},
		} {
			if got := ann.code(event, arg); got != want {
				t.Errorf("%s: %q, want %q", event, got, want)
			}
		}
	}
	if got := mod.must("lock", object{"page": "/a", "locked": true})["page"].(object); got["locked"] != true || got["readOnly"] != true || got["readOnlyReason"] != "locked" {
		t.Errorf("the page is %v", got)
	}
	for got := object(nil); got["locked"] != true; {
		got = ann.hears("page")["page"].(object)
	}
	closed("locked")
	mod.say("/a", "the last word")
	mod.must("lock", object{"page": "/a", "locked": false})
	closed("")
	n.with(t, func(s *store.Settings) { s.ReadOnlyAfter = 7 })
	closed("")
	old := time.Now().Add(-8 * 24 * time.Hour)
	if _, _, err := n.store.Add(t.Context(), store.Comment{Site: "blog", Page: "/old", Text: "x", HTML: "x", Author: store.Author{ID: "u_x"}, Created: old}); err != nil {
		t.Fatal(err)
	}
	if got := ben.code("post", saying("/old", "too late")); got != "read_only" {
		t.Errorf("on an old page: %q", got)
	}
	if got := ann.must("join", object{"page": "/old"})["page"].(object); got["readOnly"] != true || got["readOnlyReason"] != "age" {
		t.Errorf("an old page is %v", got)
	}
	mod.say("/old", "I may")
}

// TestABanEnds: it says until when, and a moderator may end it before.
func TestABanEnds(t *testing.T) {
	t.Parallel()
	n := alone(t)
	ann, mod := n.user(t, "ann"), n.moderator(t)
	id := publicID("u_", "blog", "ann")
	said := ann.say("/a", "spam")["id"].(string)
	ann.must("join", object{"page": "/a"})
	got := mod.must("ban", object{"user": id, "seconds": 1, "reason": "spam", "reject": true})["ban"].(object)
	if got["name"] != "Name of ann" || got["by"] != "Name of mod" || got["expires"] == nil {
		t.Errorf("the ban is %v", got)
	}
	ann.hearsComment(said, "rejected")
	if answer := ann.ask("post", saying("/a", "more")); codeOf(answer) == "banned" && answer["error"].(object)["expires"] == nil {
		t.Errorf("who is banned is told %v", answer)
	}
	sockettest.Eventually(t, "the ban is over", func() bool {
		_, err := n.store.Banned(t.Context(), "blog", id)
		return errors.Is(err, store.ErrNotFound)
	})
	ann.say("/a", "after the ban")
	mod.must("ban", object{"user": id})
	if got := ann.code("post", saying("/a", "again")); got != "banned" {
		t.Errorf("banned for good: %q", got)
	}
	if got := mod.must("bans", object{})["bans"]; len(objectsOf(got)) != 1 || objectsOf(got)[0]["user"] != id || objectsOf(got)[0]["expires"] != nil {
		t.Errorf("the bans are %v", got)
	}
	if got := mod.must("person", object{"user": id}); got["ban"] == nil || got["comments"].(float64) < 2 || got["rejected"] != 1.0 {
		t.Errorf("the person is %v", got)
	}
	mod.must("unban", object{"user": id})
	ann.say("/a", "back again")
	if got := mod.code("unban", object{"user": "x"}); got != "bad_request" {
		t.Errorf("nobody is unbanned: %q", got)
	}
	if got := mod.code("ban", object{"user": publicID("u_", "blog", "mod")}); got != "forbidden" {
		t.Errorf("a moderator bans oneself: %q", got)
	}
	actions := ""
	for _, d := range objectsOf(mod.must("log", object{})["decisions"]) {
		actions += d["action"].(string) + " "
	}
	if !strings.HasPrefix(actions, "unban ban ") || strings.Count(actions, "ban") < 3 {
		t.Errorf("the log is %s", actions)
	}
}

// TestOpinions: one of each kind of a user, as the site wants them.
func TestOpinions(t *testing.T) {
	t.Parallel()
	n := alone(t)
	ann, ben, mod := n.user(t, "ann"), n.user(t, "ben"), n.moderator(t)
	id := ann.say("/a", "what do you think?")["id"]
	for _, c := range []struct{ value, up, down float64 }{{1, 1, 0}, {1, 1, 0}, {-1, 0, 1}, {0, 0, 0}, {1, 1, 0}} {
		if got := ben.must("vote", object{"id": id, "value": c.value}); got["up"] != c.up || got["down"] != c.down || got["value"] != c.value {
			t.Errorf("vote %v: %v", c.value, got)
		}
	}
	for _, reaction := range []string{"👍", "🎉", "👍"} {
		ben.must("react", object{"id": id, "reaction": reaction, "on": true})
	}
	got := ben.must("react", object{"id": id, "reaction": "🎉", "on": false})
	if counts := got["reactions"].(object); counts["👍"] != 1.0 || counts["🎉"] != nil || len(got["mine"].([]any)) != 1 {
		t.Errorf("reactions: %v", got)
	}
	mine := ben.must("join", object{"page": "/a"})["mine"].(object)
	if mine["votes"].(object)[id.(string)] != 1.0 || mine["reactions"].(object)[id.(string)].([]any)[0] != "👍" {
		t.Errorf("what is Ben's is %v", mine)
	}
	if got := ann.code("vote", object{"id": id, "value": 1}); got != "forbidden" {
		t.Errorf("a vote for oneself: %q", got)
	}
	if got := ann.code("flag", object{"id": id}); got != "forbidden" {
		t.Errorf("a flag for oneself: %q", got)
	}
	for arg, want := range map[*object]string{
		{"id": id, "value": 2}: "bad_request", {"id": "none", "value": 1}: "not_found", {"id": id, "value": 0.5}: "bad_request",
	} {
		if got := ben.code("vote", *arg); got != want {
			t.Errorf("vote %v: %q, want %q", *arg, got, want)
		}
	}
	if got := ben.code("react", object{"id": id, "reaction": "💩", "on": true}); got != "bad_request" {
		t.Errorf("a reaction that is none: %q", got)
	}
	n.with(t, func(s *store.Settings) { s.Votes, s.FlagThreshold = store.VotesUp, 2 })
	if got := ben.code("vote", object{"id": id, "value": -1}); got != "forbidden" {
		t.Errorf("a vote against: %q", got)
	}
	n.with(t, func(s *store.Settings) { s.Votes = store.VotesOff })
	if got := ben.code("vote", object{"id": id, "value": 1}); got != "forbidden" {
		t.Errorf("a vote where there are none: %q", got)
	}
	ann.must("join", object{"page": "/a"})
	ben.must("flag", object{"id": id, "reason": "spam"})
	ben.must("flag", object{"id": id, "reason": "spam"})
	if got := mod.must("queue", object{"state": "flagged"}); len(objectsOf(got["comments"])) != 1 || objectsOf(got["comments"])[0]["flags"] != 1.0 {
		t.Errorf("flagged are %v", got)
	}
	n.user(t, "cleo").must("flag", object{"id": id})
	ann.hearsComment(id.(string), "pending")
	if got := ben.must("join", object{"page": "/a", "cursor": "0.0"})["comments"]; objectsOf(got)[0]["state"] != "pending" || objectsOf(got)[0]["html"] != nil {
		t.Errorf("what was flagged is %v", got)
	}
}

// TestSettingsAreChanged: those that are named, all or none, and each list as a whole.
func TestSettingsAreChanged(t *testing.T) {
	t.Parallel()
	n := alone(t)
	mod, reader := n.moderator(t), n.reader(t)
	change := func(settings object) object { return object{"settings": settings} }
	got := mod.must("settings", change(object{"maxDepth": 2, "reactions": []string{"🎉"}, "holdWords": []string{"a", "b"}}))["settings"].(object)
	if got["maxDepth"] != 2.0 || len(got["reactions"].([]any)) != 1 || got["guests"] != true {
		t.Errorf("the settings are %v", got)
	}
	if got := reader.hears("settings")["site"].(object); got["maxDepth"] != 2.0 || got["holdWords"] != nil {
		t.Errorf("the public is told %v", got)
	}
	for _, wrong := range []any{
		change(object{"maxDepth": "two"}), change(object{"maxDepth": -1}), change(object{"rejectPatterns": []string{"("}}),
		change(object{"colour": "red"}), change(object{"maxDepth": 3, "colour": "red"}),
		object{"settings": 7},
		object{},
		7,
		object{"settings": []int{1}},
	} {
		if got := mod.code("settings", wrong); got != "bad_request" {
			t.Errorf("settings %v: %q", wrong, got)
		}
	}
	if got := mod.code("settings", change(object{"HookUrl": "http://127.0.0.1:1/"})); got != "forbidden" {
		t.Errorf("who moderates by the role of a token says where comments are told: %q", got)
	}
	mod.must("settings", change(object{"hookURL": "", "maxDepth": 2})) // which changes nothing
	site := mod.must("site", object{})
	if site["settings"].(object)["maxDepth"] != 2.0 || site["name"] != "blog" || site["origins"].([]any)[0] != blogOrigin || site["secret"] != nil || site["Secret"] != nil {
		t.Errorf("the site is %v", site)
	}
	if got := objectsOf(mod.must("log", object{})["decisions"]); got[0]["action"] != "settings" || got[1]["note"] != "holdWords, maxDepth, reactions" {
		t.Errorf("the log is %v", got)
	}
}

// TestWhatCannotBeAComment is refused with what is wrong.
func TestWhatCannotBeAComment(t *testing.T) {
	t.Parallel()
	n := alone(t)
	n.with(t, func(s *store.Settings) { s.MaxLength = 10 })
	ann := n.user(t, "ann")
	for want, args := range map[string][]any{
		"bad_request": {
			7,
			object{},
			object{"page": "/a", "text": "x"},
			saying("", "x"), saying(strings.Repeat("x", maxKey+1), "x"), saying("a\nb", "x"), saying("/a", "a\x00b"),
			object{"page": "/a", "text": "x", "key": strings.Repeat("k", 65)},
			object{"page": []int{1}, "text": "x", "key": "k"},
		},
		"too_long": {saying("/a", "ein Tümpel…")},
		"empty":    {saying("/a", ""), saying("/a", " \n ")},
	} {
		for _, arg := range args {
			if got := ann.code("post", arg); got != want {
				t.Errorf("%v: %q, want %q", arg, got, want)
			}
		}
	}
	ann.say("/a", "10 Tümpel…")
	if got := ann.must("preview", object{"text": "a *b*"}); !strings.Contains(got["html"].(string), "b") {
		t.Errorf("the preview is %v", got)
	}
}

// outcomes are what a metric is told.
type outcomes struct {
	mu  sync.Mutex
	all []string
}

func (o *outcomes) Commented(outcome string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, outcome)
}

// TestAMetricMayCountComments: what became of each, or why it was refused.
func TestAMetricMayCountComments(t *testing.T) {
	t.Parallel()
	o := &outcomes{}
	n := serve(t, memory.New(), Options{Store: opened(t), Observer: o})
	n.with(t, func(s *store.Settings) { s.RejectWords, s.HoldWords = []string{"casino"}, []string{"hm"} })
	ann := n.user(t, "ann")
	for _, text := range []string{"fine", "fine", "hm", "casino", ""} {
		ann.ask("post", saying("/a", text))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if got := strings.Join(o.all, " "); got != "published duplicate pending rejected empty" {
		t.Errorf("counted %s", got)
	}
}

// TestTheDemoIsThere: for anybody who tries it out.
func TestTheDemoIsThere(t *testing.T) {
	t.Parallel()
	n := serve(t, memory.New(), Options{Store: opened(t), Open: true})
	a, b := n.dial(t, object{"site": demoSite, "guest": object{"secret": "a secret of one page", "name": " Ann \u202e "}}), n.dial(t, object{"site": demoSite})
	b.must("join", object{"page": "/demos/comments"})
	said := a.say("/demos/comments", "hello")
	if got := b.hearsComment(said["id"].(string), "published")["author"].(object); got["name"] != "Ann" || got["guest"] != true {
		t.Errorf("said by %v", got)
	}
	if _, err := New(Options{Store: n.store, Open: true}); err != nil {
		t.Errorf("the demo again: %v", err)
	}
}
