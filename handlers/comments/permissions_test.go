package comments

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/comments/staff"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// TestWhoMayDoWhat: each event by everybody. The moderator of another site is on a site of its
// own, where it may do as it likes to what is not there.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	n := alone(t)
	mod := n.moderator(t)
	author := n.dial(t, object{"site": "blog", "token": tokenOf(t, blogSecret, "author", time.Hour, object{"roles": []string{"moderator"}})}) // who is not limited
	guest := func(secret string) *client {
		return n.dial(t, object{"site": "blog", "guest": object{"secret": secret + " of sixteen or more", "name": "Cleo"}})
	}
	who := map[string]*client{
		"reader": n.reader(t), "user": n.user(t, "ann"), "guest": guest("a secret"), "banned": n.user(t, "banned"), "moderator": mod,
		"other": n.dial(t, object{"site": "shop", "token": tokenOf(t, shopSecret, "mod", time.Hour, object{"roles": []string{"moderator"}})}),
	}
	mod.must("ban", object{"user": publicID("u_", "blog", "banned"), "seconds": 3600})
	for _, c := range who {
		c.must("join", object{"page": "/a"})
	}
	fresh := func() string { return author.say("/a", "of somebody else, "+time.Now().String())["id"].(string) }
	nobody := publicID("u_", "blog", "nobody in particular")
	const un, no, ban, gone, is = "unauthorized", "forbidden", "banned", "not_found", ""
	for _, c := range []struct {
		event                                         string
		arg                                           func() object
		reader, user, guest, banned, moderator, other string
	}{
		{"join", func() object { return object{"page": "/a"} }, is, is, is, is, is, is},
		{"leave", func() object { return object{"page": "/b"} }, is, is, is, is, is, is},
		{"watch-counts", func() object { return object{"pages": []string{"/a"}} }, is, is, is, is, is, is},
		{"preview", func() object { return object{"text": "x"} }, un, is, is, is, is, is},
		{"post", func() object { return saying("/a", "said "+time.Now().String()) }, un, is, is, ban, is, is},
		{"post", func() object { return saying("/a", "said "+time.Now().String(), object{"parent": fresh()}) }, un, is, is, ban, is, gone},
		{"edit", func() object { return object{"id": fresh(), "text": "x"} }, un, no, no, no, no, gone},
		{"delete", func() object { return object{"id": fresh()} }, un, no, no, no, is, gone},
		{"source", func() object { return object{"id": fresh()} }, un, no, no, no, is, gone},
		{"vote", func() object { return object{"id": fresh(), "value": 1} }, un, is, is, ban, is, gone},
		{"react", func() object { return object{"id": fresh(), "reaction": "👍", "on": true} }, un, is, is, ban, is, gone},
		{"flag", func() object { return object{"id": fresh()} }, un, is, is, ban, is, gone},
		{"watch", func() object { return object{} }, un, no, no, no, is, is},
		{"queue", func() object { return object{"state": "all"} }, un, no, no, no, is, is},
		{"moderate", func() object { return object{"ids": []string{fresh()}, "action": "reject"} }, un, no, no, no, is, is},
		{"ban", func() object { return object{"user": nobody} }, un, no, no, no, is, is},
		{"bans", func() object { return object{} }, un, no, no, no, is, is},
		{"unban", func() object { return object{"user": nobody} }, un, no, no, no, is, is},
		{"lock", func() object { return object{"page": "/locked", "locked": true} }, un, no, no, no, is, is},
		{"log", func() object { return object{} }, un, no, no, no, is, is},
		{"person", func() object { return object{"user": publicID("u_", "blog", "author")} }, un, no, no, no, is, gone},
		{"site", func() object { return object{} }, un, no, no, no, is, is},
		{"settings", func() object { return object{"settings": object{"viewers": true}} }, un, no, no, no, is, is},
		{"no-such-event", func() object { return object{} }, "unknown_event", "unknown_event", "unknown_event", "unknown_event", "unknown_event", "unknown_event"},
		{"sign-out", func() object { return object{} }, is, is, is, is, is, is},
	} {
		want := map[string]string{"reader": c.reader, "user": c.user, "guest": c.guest, "banned": c.banned, "moderator": c.moderator, "other": c.other}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if got := who[name].code(c.event, c.arg()); got != want[name] {
				t.Errorf("%s by %s: %q, want %q", c.event, name, got, want[name])
			}
		}
	}
}

// TestSitesAreApart: what one site has, the other one does not know.
func TestSitesAreApart(t *testing.T) {
	t.Parallel()
	n := alone(t)
	ann := n.user(t, "ann")
	other := n.dial(t, object{"site": "shop", "token": tokenOf(t, shopSecret, "ann", time.Hour, object{"roles": []string{"moderator"}})})
	for _, c := range []*client{ann, other} {
		c.must("join", object{"page": "/a"})
	}
	other.must("watch", object{})
	id := ann.say("/a", "of the blog")["id"].(string)
	ann.hearsComment(id, "published")
	if got := other.must("join", object{"page": "/a", "cursor": "0.0"}); len(got["comments"].([]any)) != 0 || got["page"].(object)["count"] != 0.0 {
		t.Errorf("the other site's page is %v", got)
	}
	for event, arg := range map[string]object{
		"edit": {"id": id, "text": "x"}, "delete": {"id": id}, "source": {"id": id}, "vote": {"id": id, "value": 1},
		"react": {"id": id, "reaction": "👍", "on": true}, "flag": {"id": id}, "post": saying("/a", "x", object{"parent": id}),
	} {
		if got := other.code(event, arg); got != "not_found" {
			t.Errorf("%s: %q", event, got)
		}
	}
	got := other.must("moderate", object{"ids": []string{id}, "action": "reject"})
	if failed := objectsOf(got["failed"]); len(failed) != 1 || failed[0]["code"] != "not_found" || len(got["done"].([]any)) != 0 {
		t.Errorf("moderated %v", got)
	}
	if got := other.must("queue", object{"state": "all"}); len(got["comments"].([]any)) != 0 {
		t.Errorf("the other site's queue is %v", got)
	}
	said := other.say("/a", "of the shop")
	if said["author"].(object)["id"] == publicID("u_", "blog", "ann") {
		t.Error("a user has the same public id on two sites")
	}
	other.hearsComment(said["id"].(string), "published")
	if again, err := n.store.Comment(t.Context(), "blog", id); err != nil || again.State != store.Published {
		t.Errorf("the blog's comment is %v, %v", again.State, err)
	}
	for _, name := range ann.Heard() {
		if name == "comments" {
			for _, c := range objectsOf(ann.hears("comments")["comments"]) {
				if c["id"] == said["id"] {
					t.Error("what is said on the shop is heard on the blog")
				}
			}
		}
	}
}

// TestConnectSaysWhoIsLetIn is the table of CONNECT.
func TestConnectSaysWhoIsLetIn(t *testing.T) {
	t.Parallel()
	n := alone(t)
	secret := "a secret of nobody else"
	hold := func(key, sub string, ttl time.Duration, more object) string { return tokenOf(t, key, sub, ttl, more) }
	for name, c := range map[string]struct {
		auth   object
		origin string
		code   string
	}{
		"a reader":                          {object{"site": "blog"}, "", ""},
		"a page of the site":                {object{"site": "blog"}, blogOrigin, ""},
		"a page of the server":              {object{"site": "blog"}, n.url, ""},
		"a page of another site":            {object{"site": "blog"}, "https://shop.example.com", "origin_refused"},
		"a page of nobody":                  {object{"site": "blog"}, "https://blog.example.com.evil.net", "origin_refused"},
		"a file":                            {object{"site": "blog"}, "null", "origin_refused"},
		"no site":                           {object{}, "", "bad_request"},
		"a site that cannot be":             {object{"site": "Blog"}, "", "bad_request"},
		"a site that there is not":          {object{"site": "nowhere"}, "", "unknown_site"},
		"no text":                           {object{"site": 7}, "", "bad_request"},
		"a token":                           {object{"site": "blog", "token": hold(blogSecret, "ann", time.Hour, nil)}, "", ""},
		"a token of another site":           {object{"site": "blog", "token": hold(shopSecret, "ann", time.Hour, nil)}, "", "invalid_token"},
		"a token for good":                  {object{"site": "blog", "token": hold(blogSecret, "ann", 0, nil)}, "", "invalid_token"},
		"a token of the past":               {object{"site": "blog", "token": hold(blogSecret, "ann", 0, object{"exp": time.Now().Unix() - 1})}, "", "token_expired"},
		"a token without a name":            {object{"site": "blog", "token": hold(blogSecret, "ann", time.Hour, object{"name": " "})}, "", "invalid_token"},
		"no token":                          {object{"site": "blog", "token": "x.y.z"}, "", "invalid_token"},
		"a guest":                           {object{"site": "blog", "guest": object{"secret": secret}}, "", ""},
		"a guest without a secret":          {object{"site": "blog", "guest": object{"secret": "short"}}, "", "bad_secret"},
		"two at once":                       {object{"site": "blog", "guest": object{"secret": secret}, "moderate": true}, "", "bad_request"},
		"a moderator without a session":     {object{"site": "blog", "moderate": true}, "", "unauthorized"},
		"a moderator on a page of the site": {object{"site": "blog", "moderate": true}, blogOrigin, "origin_refused"},
	} {
		var header []string
		if c.origin != "" {
			header = []string{"Origin", c.origin}
		}
		refused := n.dial(t, c.auth, header...).Refused()
		got := ""
		if refused != nil {
			got, _ = objectOf(t, refused.Data)["code"].(string)
		}
		if got != c.code {
			t.Errorf("%s: %q, want %q", name, got, c.code)
		}
	}
	stored, err := n.store.Site(t.Context(), "blog")
	if err != nil {
		t.Fatal(err)
	}
	stored.Settings.Guests = false
	if err = n.store.UpdateSite(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	if err = n.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if refused := n.dial(t, object{"site": "blog", "guest": object{"secret": secret}}).Refused(); refused == nil || !strings.Contains(string(refused.Data), "guests_refused") {
		t.Errorf("a guest where there are none: %v", refused)
	}
	if !n.AllowsOrigin(blogOrigin) || !n.AllowsOrigin("https://shop.example.com") || n.AllowsOrigin("https://evil.example.com") || n.AllowsOrigin("") {
		t.Error("the origins of sites are not those that may connect")
	}
}

// TestTheSessionOfAModerator: its cookie is one of one site, on the server's own pages, and for as
// long as the account is there.
func TestTheSessionOfAModerator(t *testing.T) {
	t.Parallel()
	n := serve(t, memory.New(), Options{Store: opened(t)}, func(c *Comments) { c.pollEvery = 20 * time.Millisecond })
	people := staff.New(n.store)
	link, err := people.Invite(t.Context(), "blog", "mia", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	const password = "a password that nobody guesses"
	if _, err = people.SetUp(t.Context(), "blog", link, "mia", password); err != nil {
		t.Fatal(err)
	}
	secret, _, err := people.SignIn(t.Context(), "blog", "mia", password)
	if err != nil {
		t.Fatal(err)
	}
	cookie := func(site string) string { return (&http.Cookie{Name: cookieName(site), Value: secret}).String() }
	mia := n.dial(t, object{"site": "blog", "moderate": true}, "Cookie", cookie("blog"), "Origin", n.url)
	got := mia.must("join", object{"page": "/a"})["mine"].(object)["user"].(object)
	if got["moderator"] != true || got["name"] != "mia" || !strings.HasPrefix(got["id"].(string), "m_") {
		t.Errorf("the moderator is %v", got)
	}
	mia.must("watch", object{})
	if refused := n.dial(t, object{"site": "blog", "moderate": true}, "Cookie", cookie("blog"), "Origin", blogOrigin).Refused(); refused == nil {
		t.Error("a page of the site uses the moderator's cookie")
	}
	if refused := n.dial(t, object{"site": "shop", "moderate": true}, "Cookie", cookie("shop")).Refused(); refused == nil {
		t.Error("a session of the blog is one of the shop")
	}
	if err = n.store.RemoveAccount(t.Context(), "blog", "mia"); err != nil {
		t.Fatal(err)
	}
	if got := mia.hears("signed-out"); got["code"] != "unauthorized" { // who only listens, too
		t.Errorf("signed out with %v", got)
	}
	if got := mia.code("queue", object{}); got != "unauthorized" {
		t.Errorf("who is no moderator any more is told %q", got)
	}
}

// TestATokenEnds: the user is told, hears nothing of the user's own any more, and reads on.
func TestATokenEnds(t *testing.T) {
	t.Parallel()
	n := alone(t)
	var ann *client
	for ttl := time.Second; ann == nil || ann.Refused() != nil; ttl *= 2 { // it may have ended before it was shown
		ann = n.dial(t, object{"site": "blog", "token": tokenOf(t, blogSecret, "ann", ttl, object{"roles": []string{"moderator"}})})
	}
	ann.must("join", object{"page": "/a"})
	if got := ann.hears("signed-out"); got["code"] != "token_expired" {
		t.Errorf("told %v", got)
	}
	if got := ann.code("post", saying("/a", "x")); got != "unauthorized" {
		t.Errorf("who is signed out posts: %q", got)
	}
	said := n.user(t, "ben").say("/a", "still there?")
	if got := ann.hearsComment(said["id"].(string), "published"); got["text"] != nil || got["flags"] != nil {
		t.Errorf("who was a moderator is told %v", got)
	}
	user := ann.must("sign-in", object{"token": tokenOf(t, blogSecret, "ann", time.Hour, nil)})["user"].(object)
	if user["id"] != publicID("u_", "blog", "ann") || user["moderator"] != nil {
		t.Errorf("signed in as %v", user)
	}
	ann.must("sign-in", object{"guest": object{"secret": "a secret of nobody else", "name": "Ann"}})
	if got := ann.say("/a", "as a guest")["author"].(object); got["guest"] != true || got["name"] != "Ann" {
		t.Errorf("said by %v", got)
	}
	ann.must("sign-out", object{})
	if got := ann.code("vote", object{"id": said["id"], "value": 1}); got != "unauthorized" {
		t.Errorf("who signed out votes: %q", got)
	}
	for arg, want := range map[*object]string{
		{}: "bad_request", {"token": "x"}: "invalid_token", {"moderate": true}: "unauthorized",
	} {
		if got := ann.code("sign-in", *arg); got != want {
			t.Errorf("sign-in %v: %q, want %q", *arg, got, want)
		}
	}
}

// TestAnotherSecretEndsWhatTheOldOneSaid: a site whose secret was known to others signs with a
// new one.
func TestAnotherSecretEndsWhatTheOldOneSaid(t *testing.T) {
	t.Parallel()
	n := alone(t)
	ann := n.user(t, "ann")
	stored, err := n.store.Site(t.Context(), "blog")
	if err != nil {
		t.Fatal(err)
	}
	stored.Secret = "another secret of the blog, which has 32 bytes or more"
	if err = n.store.UpdateSite(t.Context(), stored); err != nil {
		t.Fatal(err)
	}
	if err = n.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ann.hears("signed-out"); got["code"] != "invalid_token" {
		t.Errorf("told %v", got)
	}
	if refused := n.user(t, "ann").Refused(); refused == nil {
		t.Error("a token of the old secret holds")
	}
}
