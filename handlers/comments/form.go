package comments

import (
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/guard"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// milliseconds is how times are told; 0 is none.
func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// authorForm is who said something.
type authorForm struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Avatar string `json:"avatar,omitempty"`
	Role   string `json:"role,omitempty"`
	Guest  bool   `json:"guest,omitempty"`
}

// userForm is a user to the user.
type userForm struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Avatar    string `json:"avatar,omitempty"`
	Guest     bool   `json:"guest,omitempty"`
	Moderator bool   `json:"moderator,omitempty"`
}

func formOfUser(a *store.Author) *userForm {
	return &userForm{ID: a.ID, Name: a.Name, Avatar: a.Avatar, Guest: a.Guest, Moderator: a.Role == roleModerator}
}

// stub is all that is told of a comment that is not to be seen.
type stub struct {
	ID      string      `json:"id"`
	Page    string      `json:"page"`
	Parent  string      `json:"parent,omitempty"`
	Depth   int         `json:"depth"`
	State   store.State `json:"state"`
	Created int64       `json:"created"`
	Seq     int64       `json:"seq"`
}

// commentForm is a comment that is to be seen.
type commentForm struct {
	stub
	Author    authorForm     `json:"author"`
	HTML      string         `json:"html"`
	Edited    int64          `json:"edited,omitempty"`
	Pinned    bool           `json:"pinned,omitempty"`
	Up        int            `json:"up"`
	Down      int            `json:"down"`
	Reactions map[string]int `json:"reactions"`
}

// staffForm is a comment to a moderator.
type staffForm struct {
	commentForm
	Flags int      `json:"flags"`
	Held  []string `json:"held"`
	Text  string   `json:"text"`
}

func stubOf(c *store.Comment) stub {
	return stub{ID: c.ID, Page: c.Page, Parent: c.Parent, Depth: c.Depth, State: c.State, Created: milliseconds(c.Created), Seq: c.Seq}
}

// wholeForm is the whole of a comment.
func wholeForm(c *store.Comment) commentForm {
	return commentForm{
		stub:   stubOf(c),
		Author: authorForm{ID: c.Author.ID, Name: c.Author.Name, Avatar: c.Author.Avatar, Role: c.Author.Role, Guest: c.Author.Guest},
		HTML:   c.HTML, Edited: milliseconds(c.Edited), Pinned: c.Pinned, Up: c.Up, Down: c.Down, Reactions: counted(c.Reactions),
	}
}

func counted(reactions map[string]int) map[string]int {
	if reactions == nil {
		return map[string]int{}
	}
	return reactions
}

// publicForm is what everybody sees of a comment; nil is nothing, of one that was never
// published.
func publicForm(c *store.Comment) any {
	switch {
	case c.State == store.Published:
		return wholeForm(c)
	case c.Published.IsZero():
		return nil
	}
	return stubOf(c)
}

// ownForm is what the author of a comment sees of it.
func ownForm(c *store.Comment) any {
	if c.State == store.Published || c.State == store.Pending {
		return wholeForm(c)
	}
	return stubOf(c)
}

// moderatorForm is what moderators see of it.
func moderatorForm(c *store.Comment) any {
	held := c.Held
	if held == nil {
		held = []string{}
	}
	return staffForm{commentForm: wholeForm(c), Flags: c.Flags, Held: held, Text: c.Text}
}

// formFor is what a user sees of it; nil is nothing.
func formFor(u *user, c *store.Comment) any {
	switch {
	case u.moderator():
		return moderatorForm(c)
	case u.known() && u.ID == c.Author.ID:
		return ownForm(c)
	}
	return publicForm(c)
}

// forms are what a user sees of comments.
func forms(u *user, comments []store.Comment) []any {
	all := make([]any, 0, len(comments))
	for i := range comments {
		if f := formFor(u, &comments[i]); f != nil {
			all = append(all, f)
		}
	}
	return all
}

// tallyForm is what is counted of a comment.
type tallyForm struct {
	ID        string         `json:"id"`
	Up        int            `json:"up"`
	Down      int            `json:"down"`
	Reactions map[string]int `json:"reactions"`
}

func tallyForms(comments []store.Comment) []tallyForm {
	all := make([]tallyForm, len(comments))
	for i := range comments {
		c := &comments[i]
		all[i] = tallyForm{ID: c.ID, Up: c.Up, Down: c.Down, Reactions: counted(c.Reactions)}
	}
	return all
}

// pageOf is a page as it is told.
type pageOf struct {
	Key            string `json:"key"`
	Count          int    `json:"count"`
	Locked         bool   `json:"locked"`
	ReadOnly       bool   `json:"readOnly"`
	ReadOnlyReason string `json:"readOnlyReason,omitempty"` // locked or age
}

// pageForm is a page to everybody.
func pageForm(a *about, p *store.Page) pageOf {
	f := pageOf{Key: p.Key, Count: p.Count, Locked: p.Locked}
	if err := takesComments(a, p); err != nil {
		f.ReadOnly, f.ReadOnlyReason = true, "age"
		if p.Locked {
			f.ReadOnlyReason = "locked"
		}
	}
	return f
}

// takesComments refuses what is said on a page that is locked or too old.
func takesComments(a *about, p *store.Page) *refusal {
	days := a.Settings.ReadOnlyAfter
	switch {
	case p.Locked:
		return &refusal{code: "locked", message: "a moderator has closed this page"}
	case days > 0 && !p.Created.IsZero() && time.Since(p.Created) > time.Duration(days)*24*time.Hour:
		return &refusal{code: "read_only", message: "this page is too old for new comments"}
	}
	return nil
}

// siteForm is what everybody may know of a site.
type siteForm struct {
	Name       string           `json:"name"`
	Guests     bool             `json:"guests"`
	SignIn     string           `json:"signIn"`
	Moderation store.Moderating `json:"moderation"`
	MaxDepth   int              `json:"maxDepth"`
	EditWindow int              `json:"editWindow"` // seconds
	MaxLength  int              `json:"maxLength"`  // characters
	Reactions  []string         `json:"reactions"`
	Votes      store.Voting     `json:"votes"`
	Viewers    bool             `json:"viewers"`
	Typing     bool             `json:"typing"`
}

// publicSettings are the settings that everybody may know.
func publicSettings(a *about) siteForm {
	s := &a.Settings
	f := siteForm{
		Name: a.Name, Guests: s.Guests, SignIn: s.SignInURL, Moderation: or(s.Moderation, store.PostModeration),
		MaxDepth: maxDepth(s), EditWindow: s.EditWindow, MaxLength: maxLength(s),
		Reactions: s.Reactions, Votes: or(s.Votes, store.VotesUpDown), Viewers: s.Viewers, Typing: s.Typing,
	}
	if f.Reactions == nil {
		f.Reactions = []string{}
	}
	return f
}

func maxDepth(s *store.Settings) int  { return or(s.MaxDepth, 4) }
func maxLength(s *store.Settings) int { return or(s.MaxLength, guard.DefaultLength) }

func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
