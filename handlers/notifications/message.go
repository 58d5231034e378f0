package notifications

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Limits of a message.
const (
	MaxTitle = 200     // characters
	MaxBody  = 2000    // characters
	MaxURL   = 2048    // bytes
	MaxData  = 4 << 10 // bytes of JSON
	MaxKey   = 64      // bytes
	MaxUsers = 1000    // of one call
)

// Message is what an application has to say.
type Message struct {
	// Title is one line, and the only part that there must be; at most MaxTitle characters.
	Title string `json:"title"`
	// Body is more text, at most MaxBody characters.
	Body string `json:"body,omitempty"`
	// URL is where it leads: http or https, or relative to the page that shows it.
	URL string `json:"url,omitempty"`
	// Data is any JSON value for the page, at most MaxData bytes.
	Data json.RawMessage `json:"data,omitempty"`
	// Key makes it safe to send again: at most MaxKey bytes of the publisher's choosing.
	Key string `json:"key,omitempty"`
}

// Notification is a Message on its way, and as it is kept for one user.
type Notification struct {
	ID    string          `json:"id"`
	Title string          `json:"title"`
	Body  string          `json:"body,omitempty"`
	URL   string          `json:"url,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	// Time is when it was sent, in milliseconds since 1970.
	Time int64 `json:"time"`
	// Read is whether the user has read it.
	Read bool `json:"read,omitempty"`
}

// before orders the notifications of a user, on every node the same.
func (n *Notification) before(other *Notification) bool {
	if n.Time != other.Time {
		return n.Time < other.Time
	}
	return n.ID < other.ID
}

// overhead is about what a notification takes beside its texts, in bytes.
const overhead = 256

func (n *Notification) size() int64 {
	return int64(len(n.ID)+len(n.Title)+len(n.Body)+len(n.URL)+len(n.Data)) + overhead
}

// invalid says what is wrong with a field of a message.
func invalid(field, message string) error {
	return &problem.Problem{Status: 400, Code: problem.CodeBadRequest, Message: message, Field: field}
}

// prepared checks a message and returns what is sent of it, without id and time.
func (m Message) prepared() (*Notification, error) {
	n := &Notification{Title: cleaned(m.Title, false), Body: cleaned(m.Body, true), URL: strings.TrimSpace(m.URL)}
	switch {
	case n.Title == "":
		return nil, invalid("/title", "title is missing: say in one line what is new")
	case utf8.RuneCountInString(n.Title) > MaxTitle:
		return nil, invalid("/title", "title is longer than "+strconv.Itoa(MaxTitle)+" characters")
	case utf8.RuneCountInString(n.Body) > MaxBody:
		return nil, invalid("/body", "body is longer than "+strconv.Itoa(MaxBody)+" characters")
	case len(m.Key) > MaxKey:
		return nil, invalid("/key", "key is longer than "+strconv.Itoa(MaxKey)+" bytes")
	}
	if err := checkURL(n.URL); err != nil {
		return nil, err
	}
	var err error
	n.Data, err = compacted(m.Data)
	return n, err
}

// cleaned returns a text without control characters and without space around it.
func cleaned(text string, lines bool) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && lines, r == '\t' && lines:
			return r
		case r == '\n', r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
}

// checkURL refuses what a page must not follow, such as javascript:.
func checkURL(text string) error {
	if text == "" {
		return nil
	}
	if len(text) > MaxURL {
		return invalid("/url", "url is longer than "+strconv.Itoa(MaxURL)+" bytes")
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" {
		return invalid("/url", "url is none that a page can follow: write http://, https:// or a path such as /orders/7")
	}
	return nil
}

func compacted(data json.RawMessage) (json.RawMessage, error) {
	if len(data) == 0 || string(data) == "null" {
		return nil, nil
	}
	var short bytes.Buffer
	if err := json.Compact(&short, data); err != nil {
		return nil, invalid("/data", "data is no JSON value")
	}
	if short.Len() > MaxData {
		return nil, invalid("/data", "data is longer than "+strconv.Itoa(MaxData)+" bytes")
	}
	return short.Bytes(), nil
}

// idOf returns the id of a message: the same for the same key of one publisher.
func idOf(publisher, key string) string {
	if key == "" {
		return rand.Text()[:16]
	}
	sum := sha256.Sum256([]byte("sockeye notification\x00" + publisher + "\x00" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// checkUser refuses what can be no user's id.
func checkUser(id, field string) error {
	switch {
	case id == "":
		return invalid(field, "the id of a user is empty")
	case len(id) > socketio.MaxUserID:
		return invalid(field, "the id of a user is longer than "+strconv.Itoa(socketio.MaxUserID)+" bytes")
	case !utf8.ValidString(id):
		return invalid(field, "the id of a user is not valid text")
	}
	return nil
}
