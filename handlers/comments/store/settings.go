package store

// Settings are what the owner of a site chooses. The zero value of a field is what it says.
type Settings struct {
	Guests     bool       `json:"guests"`     // readers may write without an account of the site
	Moderation Moderating `json:"moderation"` // "" is post
	// TrustAfter is after how many published comments trusted-first publishes at once; 0 is 1.
	TrustAfter int    `json:"trustAfter"`
	SignInURL  string `json:"signInURL"` // where a reader signs in on the site; "" is none
	MaxDepth   int    `json:"maxDepth"`  // of replies, 1 to 20; 0 is 4
	MaxLength  int    `json:"maxLength"` // characters; 0 is 5000
	EditWindow int    `json:"editWindow"`
	// ReadOnlyAfter is after how many days since its first comment a page takes no more; 0 is never.
	ReadOnlyAfter int      `json:"readOnlyAfter"`
	Reactions     []string `json:"reactions"` // at most 12, each one emoji; none: no reactions
	Votes         Voting   `json:"votes"`     // "" is up-down
	Images        bool     `json:"images"`    // shown, and not as links
	Viewers       bool     `json:"viewers"`
	Typing        bool     `json:"typing"`

	MinTime       int      `json:"minTime"`       // seconds on the page before the first comment; 0 is none
	MaxLinks      int      `json:"maxLinks"`      // more are held; 0 is any number
	FlagThreshold int      `json:"flagThreshold"` // flags that hold a comment; 0 is never
	HoldWords     []string `json:"holdWords"`     // whole words, without regard to case
	RejectWords   []string `json:"rejectWords"`
	HoldLinks     []string `json:"holdLinks"` // hosts and all below them
	RejectLinks   []string `json:"rejectLinks"`
	HoldPatterns  []string `json:"holdPatterns"` // regular expressions (RE2) on the text
	RejectPattern []string `json:"rejectPatterns"`

	Retention int    `json:"retention"` // days; 0 is for good
	HookURL   string `json:"hookURL"`   // is told of each new comment by a signed POST; "" is none
}

// Moderating is when a comment is seen.
type Moderating string

// The ways: at once; after a moderator; after a moderator for those who are new.
const (
	PostModeration Moderating = "post"
	PreModeration  Moderating = "pre"
	TrustedFirst   Moderating = "trusted-first"
)

// Voting is which votes there are.
type Voting string

// The ways to vote.
const (
	VotesUpDown Voting = "up-down"
	VotesUp     Voting = "up"
	VotesOff    Voting = "off"
)
