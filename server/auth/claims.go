package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sockeye-io/sockeye/server/jsondepth"
)

// The names of claims. The site's answer says ClaimID instead of ClaimSubject, and ClaimExpires.
const (
	ClaimSubject = "sub"
	ClaimID      = "id"
	ClaimName    = "name"
	ClaimRoles   = "roles"
	ClaimJoin    = "join"
	ClaimPublish = "publish"
	ClaimRooms   = "rooms" // both of the former
	ClaimData    = "data"
	ClaimScope   = "scope"   // of backends: words, those of others among them (RFC 8693, section 4.2)
	ClaimExpires = "expires" // of answers
)

// Bounds of what is said about a principal.
const (
	maxName    = 256       // bytes
	maxEntries = 100       // of each list
	maxEntry   = 256       // bytes of a role or pattern
	maxSeconds = 253402300 // × 1000: the end of the year 9999, in seconds since 1970
	maxDepth   = 32        // of data
)

// Claims is what is said about a principal: the members of a JSON object.
type Claims map[string]json.RawMessage

// UnmarshalJSON reads an object. A name that comes twice is refused, because others
// may have read the other one (RFC 7519, section 4).
func (c *Claims) UnmarshalJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return errors.New("it is no JSON object")
	}
	*c = make(Claims)
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // a name of an object is nothing else
		if _, twice := (*c)[name]; twice {
			return fmt.Errorf("%.40q comes twice", name)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
		(*c)[name] = value
	}
	return nil // package json has seen that it is one whole value
}

// Principal reads who the claims are about. id is the name of the claim with the ID.
// An error names the claim that is wrong, and no value.
func (c Claims) Principal(id string) (*Principal, error) {
	p := &Principal{}
	var err error
	if p.ID, err = c.text(id, MaxID); err != nil {
		return nil, err
	}
	switch {
	case p.ID == "":
		return nil, fmt.Errorf("%s is missing", id)
	case strings.HasPrefix(p.ID, KeyIDPrefix):
		return nil, fmt.Errorf("%s begins with %q, as the ids of API keys do", id, KeyIDPrefix)
	}
	if p.Name, err = c.text(ClaimName, maxName); err != nil {
		return nil, err
	}
	if p.Roles, _, err = c.list(ClaimRoles); err != nil {
		return nil, err
	}
	if err := c.rooms(p); err != nil {
		return nil, err
	}
	if p.Data, err = c.data(); err != nil {
		return nil, err
	}
	p.Scopes = c.scopes()
	return p, nil
}

// ScopePrefix begins the scopes in a claim that are this server's: a login service may
// hand out "admin" for something else.
const ScopePrefix = "sockeye:"

// scopes reads the words of scope that are this server's. What else is there, or how it is
// written, is the business of others.
func (c Claims) scopes() (scopes []Scope) {
	var text string
	var words []string
	if raw := c[ClaimScope]; json.Unmarshal(raw, &text) == nil {
		words = strings.Fields(text)
	} else if json.Unmarshal(raw, &words) != nil {
		return nil
	}
	for _, w := range words {
		word, ours := strings.CutPrefix(w, ScopePrefix)
		switch s := Scope(word); s {
		case ScopeRead, ScopePublish, ScopeAdmin:
			if ours && !slices.Contains(scopes, s) {
				scopes = append(scopes, s)
			}
		}
	}
	return scopes
}

// rooms reads the patterns. Who is given none may use every room; who is given some,
// only those.
func (c Claims) rooms(p *Principal) error {
	both, some, err := c.list(ClaimRooms)
	if err != nil {
		return err
	}
	for name, patterns := range map[string]*Patterns{ClaimJoin: &p.Join, ClaimPublish: &p.Publish} {
		own, given, err := c.list(name)
		if err != nil {
			return err
		}
		*patterns = append(append(Patterns{}, both...), own...)
		some = some || given
	}
	if !some {
		p.Join, p.Publish = Everything(), Everything()
	}
	return nil
}

// text reads a string; "" if there is none.
func (c Claims) text(name string, most int) (s string, err error) {
	raw, given := c[name]
	if !given {
		return "", nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", fmt.Errorf("%s is not a string", name)
	}
	if len(s) > most {
		return "", fmt.Errorf("%s has %d bytes; the most is %d", name, len(s), most)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", fmt.Errorf("%s has a control character", name)
	}
	return s, nil
}

// list reads a list of strings, or one string. Null is refused: it could be meant as
// none or as all.
func (c Claims) list(name string) (list []string, given bool, err error) {
	raw, given := c[name]
	if !given {
		return nil, false, nil
	}
	if raw[0] == '"' {
		raw = append(append(json.RawMessage{'['}, raw...), ']')
	}
	var entries []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &entries) != nil {
		return nil, true, fmt.Errorf("%s is not a list of strings", name)
	}
	if len(entries) > maxEntries {
		return nil, true, fmt.Errorf("%s has %d entries; the most is %d", name, len(entries), maxEntries)
	}
	for _, e := range entries {
		s, err := Claims{name: e}.text(name, maxEntry)
		if err != nil {
			return nil, true, fmt.Errorf("an entry of %w", err)
		}
		list = append(list, s)
	}
	return list, true, nil
}

// data returns the value of the site's own, without spaces; nil if there is none.
func (c Claims) data() (json.RawMessage, error) {
	raw := c[ClaimData]
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	if jsondepth.Of(raw) > maxDepth {
		return nil, fmt.Errorf("%s is nested deeper than %d", ClaimData, maxDepth)
	}
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, fmt.Errorf("%s is no JSON", ClaimData)
	}
	return b.Bytes(), nil
}

// Time reads seconds since 1970; zero if there are none.
func (c Claims) Time(name string) (time.Time, error) {
	raw, given := c[name]
	if !given {
		return time.Time{}, nil
	}
	var seconds float64
	if json.Unmarshal(raw, &seconds) != nil || string(raw) == "null" || !(seconds >= 0 && seconds < maxSeconds*1000) {
		return time.Time{}, fmt.Errorf("%s is not a number of seconds since 1970", name)
	}
	return time.UnixMilli(int64(seconds * 1000)), nil
}

// Moment reads seconds since 1970, or a time as in RFC 3339; zero if there is none, or null.
func (c Claims) Moment(name string) (time.Time, error) {
	if raw := c[name]; len(raw) == 0 || raw[0] != '"' {
		if string(raw) == "null" {
			return time.Time{}, nil
		}
		return c.Time(name)
	}
	text, err := c.Text(name)
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is neither a number of seconds since 1970 nor a time such as 2030-01-31T12:00:00Z", name)
	}
	return at, nil
}

// Text reads a string of any length; "" if there is none.
func (c Claims) Text(name string) (string, error) { return c.text(name, len(c[name])) }

// List reads a list of strings, or one string, and says whether it was given.
func (c Claims) List(name string) (list []string, given bool, err error) { return c.list(name) }
