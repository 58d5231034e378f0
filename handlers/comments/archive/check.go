package archive

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// Limits of a comment in a file. They are wider than those of a site, whose settings may have
// changed since.
const (
	maxPage      = 512     // bytes, as everywhere
	maxTitle     = 1000    // characters
	maxURL       = 4096    // bytes
	maxName      = 200     // characters
	maxText      = 100_000 // characters
	maxReactions = 100
	maxReaction  = 64            // bytes
	maxReason    = 1000          // bytes
	lastMoment   = 4102444800000 // 2100 in milliseconds: what is later is in another unit
)

var (
	goodID     = regexp.MustCompile(`^[0-9a-v]{20}$`)
	goodAuthor = regexp.MustCompile(`^[ugm]_[0-9A-Za-z_-]{1,64}$`)
	states     = []store.State{store.Published, store.Pending, store.Rejected, store.Deleted}
)

// check says what is wrong with a record, beginning with the name of its key, or "".
func (r *Record) check() string {
	switch {
	case !goodID.MatchString(r.ID):
		return fmt.Sprintf("id: %s is none: 20 characters of 0-9 and a-v are", quoted(r.ID))
	case r.Page == "":
		return "page: is missing"
	case len(r.Page) > maxPage:
		return fmt.Sprintf("page: has %d bytes, and at most %d may be", len(r.Page), maxPage)
	case r.Parent != "" && !goodID.MatchString(r.Parent):
		return fmt.Sprintf("parent: %s is no id of a comment", quoted(r.Parent))
	case r.Parent == r.ID:
		return "parent: is the comment itself"
	case utf8.RuneCountInString(r.Title) > maxTitle:
		return fmt.Sprintf("title: has more than %d characters", maxTitle)
	case r.URL != "" && !isWeb(r.URL, "http", "https"):
		return fmt.Sprintf("url: %s is no http or https URL", quoted(r.URL))
	case !slices.Contains(states, r.State):
		return fmt.Sprintf("state: %s is none of published, pending, rejected and deleted", quoted(string(r.State)))
	}
	for _, part := range []func() string{r.checkAuthor, r.checkText, r.checkTimes, r.checkCounts} {
		if problem := part(); problem != "" {
			return problem
		}
	}
	return ""
}

func (r *Record) checkAuthor() string {
	a := &r.Author
	switch {
	case a.ID == "" && r.State != store.Deleted:
		return "author.id: is missing"
	case a.ID != "" && !goodAuthor.MatchString(a.ID):
		return fmt.Sprintf("author.id: %s is none: it begins with u_, g_ or m_", quoted(a.ID))
	case utf8.RuneCountInString(a.Name) > maxName:
		return fmt.Sprintf("author.name: has more than %d characters", maxName)
	case len(a.Subject) > maxURL:
		return fmt.Sprintf("author.subject: has more than %d bytes", maxURL)
	case a.Avatar != "" && !isWeb(a.Avatar, "https"):
		return fmt.Sprintf("author.avatar: %s is no https URL", quoted(a.Avatar))
	case a.Role != "" && a.Role != "moderator":
		return fmt.Sprintf(`author.role: %s is not "moderator"`, quoted(a.Role))
	}
	return ""
}

func (r *Record) checkText() string {
	switch {
	case r.State == store.Deleted && r.Text != "":
		return "text: is there, and the comment is deleted"
	case r.State != store.Deleted && strings.TrimSpace(r.Text) == "":
		return "text: is missing"
	case utf8.RuneCountInString(r.Text) > maxText:
		return fmt.Sprintf("text: has more than %d characters", maxText)
	}
	for _, reason := range r.Held {
		if reason == "" || len(reason) > maxReason {
			return fmt.Sprintf("held: has a reason that is empty or longer than %d bytes", maxReason)
		}
	}
	return ""
}

func (r *Record) checkTimes() string {
	if r.Created == 0 {
		return "created: is missing"
	}
	for i, ms := range []int64{r.Created, r.Edited, r.Published} {
		if ms < 0 || ms > lastMoment {
			return fmt.Sprintf("%s: %d is no time in milliseconds since 1970", []string{"created", "edited", "published"}[i], ms)
		}
	}
	return ""
}

func (r *Record) checkCounts() string {
	for i, n := range []int{r.Up, r.Down, r.Flags} {
		if n < 0 {
			return fmt.Sprintf("%s: %d is below zero", []string{"up", "down", "flags"}[i], n)
		}
	}
	if len(r.Reactions) > maxReactions {
		return fmt.Sprintf("reactions: are %d, and at most %d may be", len(r.Reactions), maxReactions)
	}
	for reaction, n := range r.Reactions {
		if reaction == "" || len(reaction) > maxReaction || n < 1 {
			return fmt.Sprintf("reactions: %s with %d is none", quoted(reaction), n)
		}
	}
	return ""
}

func isWeb(text string, schemes ...string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= maxURL && slices.Contains(schemes, u.Scheme) && u.Host != ""
}

// quoted repeats what is in a file, but not all of it.
func quoted(text string) string {
	const most = 60
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return fmt.Sprintf("%q", text)
}
