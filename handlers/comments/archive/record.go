package archive

import (
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
)

// Format and Version are what a file of Sockeye's own begins with.
const (
	Format  = "sockeye-comments"
	Version = 1
)

// Site is what a file says of its site.
type Site struct {
	Name     string         `json:"name"`
	Origins  []string       `json:"origins"`
	Settings store.Settings `json:"settings"`
}

// Record is a comment as it is in a file.
type Record struct {
	ID        string         `json:"id"`
	Page      string         `json:"page"`
	Title     string         `json:"title,omitempty"` // of the page
	URL       string         `json:"url,omitempty"`   // of the page
	Parent    string         `json:"parent,omitempty"`
	Author    Author         `json:"author"`
	Text      string         `json:"text,omitempty"`
	State     store.State    `json:"state"`
	Held      []string       `json:"held,omitempty"`
	Pinned    bool           `json:"pinned,omitempty"`
	Created   int64          `json:"created"`
	Edited    int64          `json:"edited,omitempty"`
	Published int64          `json:"published,omitempty"`
	Up        int            `json:"up,omitempty"`
	Down      int            `json:"down,omitempty"`
	Reactions map[string]int `json:"reactions,omitempty"`
	Flags     int            `json:"flags,omitempty"`
}

// Author is who said something, as it is in a file.
type Author struct {
	ID      string `json:"id,omitempty"`
	Subject string `json:"subject,omitempty"`
	Name    string `json:"name,omitempty"`
	Avatar  string `json:"avatar,omitempty"`
	Role    string `json:"role,omitempty"`
	Guest   bool   `json:"guest,omitempty"`
}

// recordOf is a comment of the store as it is written.
func recordOf(c *store.Comment) *Record {
	return &Record{
		ID: c.ID, Page: c.Page, Title: c.Title, URL: c.URL, Parent: c.Parent,
		Author: Author(c.Author), Text: c.Text, State: c.State, Held: c.Held, Pinned: c.Pinned,
		Created: millis(c.Created), Edited: millis(c.Edited), Published: millis(c.Published),
		Up: c.Up, Down: c.Down, Reactions: c.Reactions, Flags: c.Flags,
	}
}

// comment is a record as the store takes it, without what is made of its text.
func (r *Record) comment() store.Comment {
	return store.Comment{
		ID: r.ID, Page: r.Page, Title: r.Title, URL: r.URL, Parent: r.Parent,
		Author: store.Author(r.Author), Text: r.Text, State: r.State, Held: r.Held, Pinned: r.Pinned,
		Created: moment(r.Created), Edited: moment(r.Edited), Published: moment(r.Published),
		Up: r.Up, Down: r.Down, Reactions: r.Reactions, Flags: r.Flags,
	}
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
