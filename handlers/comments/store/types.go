package store

import "time"

// State says who sees a comment.
type State string

// The states.
const (
	Published State = "published"
	Pending   State = "pending"  // waits for a moderator
	Rejected  State = "rejected" // a moderator, or a filter, said no
	Deleted   State = "deleted"  // taken back by its author, or a moderator; the text is gone
)

// Action is what a moderator does to a comment.
type Action string

// The actions. They are in the log, with those that have no comment.
const (
	Approve Action = "approve" // published, and its flags count no more
	Reject  Action = "reject"
	Delete  Action = "delete"
	Restore Action = "restore" // a rejected one is published again
	Pin     Action = "pin"
	Unpin   Action = "unpin"
	Unflag  Action = "unflag"

	BanUser     Action = "ban"
	UnbanUser   Action = "unban"
	Lock        Action = "lock"
	Unlock      Action = "unlock"
	SetSettings Action = "settings"
	EraseUser   Action = "erase"
	SignIn      Action = "sign-in"
)

// Site is a site whose pages have comments.
type Site struct {
	Name    string
	Origins []string // of its pages, as in https://blog.example.com; https://*.example.com for all below
	// Secret is what the site signs tokens of its readers with, and Sockeye its hook: 32 random bytes or more, as text.
	Secret   string
	Settings Settings
	Created  time.Time
	Version  int64 // raised by each update
}

// Head is how far a site is.
type Head struct {
	Seq, Tally int64     // of the last change
	Floor      int64     // cursors with a lower seq are too old
	Version    int64     // of the site's settings
	Created    time.Time // of the site: another one of its name begins anew
}

// Page is a page that has comments.
type Page struct {
	Site, Key  string
	Title, URL string // as its first comment said; "" where it did not
	Created    time.Time
	Locked     bool
	Count      int // published comments
	Seq        int64
}

// Author is who said something, as it is shown.
type Author struct {
	ID      string // public: "u_...", "g_..." or "m_..."
	Subject string // the id on the site itself (sub), never shown; "" of guests
	Name    string
	Avatar  string // an https URL, or ""
	Role    string // "moderator", or ""
	Guest   bool
}

// Comment is one comment as it is stored. Zero fields of a new one are filled in by Add.
type Comment struct {
	ID     string // 20 characters of [0-9a-v], in the order of time
	Site   string
	Page   string
	Title  string // of the page, which keeps the first that it hears of
	URL    string // of the page, likewise
	Parent string // ID of what is answered, or ""
	Root   string // ID of the first of the thread
	Depth  int    // 0 of the first
	Author Author
	Key    string // of the client, which makes a repeated post the same comment; "" is none
	Text   string // Markdown, "" of a deleted one
	HTML   string // made by package markup, "" of a deleted one
	Hash   string // of the text without what does not matter, to find duplicates
	State  State
	Held   []string // why it was held or rejected, for moderators
	Addr   string   // a keyed hash of the author's address, for bans and limits; gone after 30 days
	Pinned bool

	Created   time.Time
	Edited    time.Time // zero: never
	Published time.Time // when the public first saw it; zero: never

	Up, Down  int
	Reactions map[string]int
	Flags     int

	Seq, Tally int64
}

// Edit is a new text.
type Edit struct {
	Text, HTML, Hash string
	State            State
	Held             []string
	Edited           time.Time
	// Was, where it is not "", is the state in which State and Held were decided: a comment that is in another one
	// by now keeps that, and why it is held.
	Was State
	// Delete takes the text away and makes the state Deleted; the other fields do not count.
	Delete bool
}

// Sort is the order of threads. Pinned ones come first in each.
type Sort string

// The orders: by time of the first comment of a thread, or by its votes.
const (
	Newest Sort = "newest"
	Oldest Sort = "oldest"
	Top    Sort = "top"
)

// ThreadQuery asks for threads of a page.
type ThreadQuery struct {
	Site, Page string
	Sort       Sort
	After      string // next of the answer before
	With       string // ID of a comment whose thread comes too, whatever the order
	Limit      int    // threads, at least 1
}

// Search is what a moderator looks for; empty fields do not count.
type Search struct {
	Site, Page, User string
	State            State
	Flagged          bool   // published, with flags
	Text             string // in text or name, without regard to case
	Before           string // next of the answer before
	Limit            int
}

// Mine is what a user thinks of the comments of a page, by ID of the comment, and what of the user's waits there.
type Mine struct {
	Votes     map[string]int
	Reactions map[string][]string
	Pending   []Comment
}

// Opinion is a vote, a reaction or a flag, for export.
type Opinion struct {
	Comment string
	Kind    string // "vote", "reaction" or "flag"
	Value   string // "1", "-1", the reaction, or the reason
	Time    time.Time
}

// Ban says that a user may not write.
type Ban struct {
	User, Name string
	By         string // the moderator's name
	Reason     string
	Created    time.Time
	Expires    time.Time // zero: for good
}

// Decision is a line of the log of moderators.
type Decision struct {
	ID         int64
	Time       time.Time
	By, ByName string // public id and name; "filter" for the program itself
	Action     Action
	Comment    string
	Page       string
	User       string // whose comment it was, or who was banned
	Note       string
}

// Person is what a moderator sees of a user.
type Person struct {
	Author
	Comments, Published, Rejected, Flagged int
	First                                  time.Time
}

// Account is a moderator of a site, who signs in with a password.
type Account struct {
	Site, Name string
	ID         string // "m_..."
	Password   string // a hash
	Created    time.Time
}

// Link lets its holder set a password, once.
type Link struct {
	Site, Hash string
	Name       string // of the account, or "" to choose
	Expires    time.Time
}

// Session is a moderator who is signed in.
type Session struct {
	Hash       string
	Site, Name string
	Account    string // ID
	Expires    time.Time
}

// Hook is a comment of which a site's owner is to be told.
type Hook struct {
	ID      int64
	Comment Comment
	Tries   int
}
