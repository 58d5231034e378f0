package api

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
)

// Notification is what users are told, as package notifications has it.
type Notification struct {
	Title string          `json:"title"`
	Body  string          `json:"body,omitempty"`
	URL   string          `json:"url,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	Key   string          `json:"key,omitempty"`
}

// notifyNamespace is where the right to tell a user something is asked for.
const notifyNamespace = "/notifications"

// notify tells users something, all of them or, if one may not be told, nobody.
func (a *API) notify(c *call) (any, error) {
	var m struct {
		User  *string         `json:"user"`
		Users json.RawMessage `json:"users"`
		Notification
	}
	if err := decode(c.body, "", &m); err != nil {
		return nil, err
	}
	users, err := a.told(m.User, m.Users)
	if err != nil {
		return nil, err
	}
	for i, user := range users {
		field := "/user"
		if m.User == nil {
			field = "/users/" + strconv.Itoa(i)
		}
		if err := pointed(a.opts.Rooms.Allow(c.who, auth.ActionPublish, notifyNamespace, userPrefix+user), field); err != nil {
			return nil, err
		}
	}
	one := emission{}
	if m.Key != "" {
		one.key, one.sum = notifyKeys+m.Key, m.sum()
	}
	claims, err := a.claim(c, []emission{one}, true)
	if err != nil {
		return nil, err
	}
	// What came before is passed on all the same: it knows which users have it.
	sent, err := a.opts.Notify(c.who.ID, m.Notification, users)
	var told *problem.Problem
	switch {
	case err == nil:
		return sent, nil
	case !errors.As(err, &told):
		err = unavailable("nobody could be notified at the moment: try again", err)
	}
	claims.giveBack(0)
	return nil, err
}

// notifyKeys keeps the keys of notifications apart from those of events.
const notifyKeys = "notify\x00"

// sum is of what is said, to whomever: the same may be said to more users with one key.
func (n *Notification) sum() [sha256.Size]byte {
	text, err := json.Marshal(n)
	if err != nil {
		panic(err) // strings, and JSON that was read
	}
	return sha256.Sum256(text)
}

// told reads whom a notification is for.
func (a *API) told(user *string, users json.RawMessage) ([]string, error) {
	switch {
	case user != nil && users != nil:
		return nil, wrong("/user", "there are both user and users: keep one")
	case user != nil:
		return []string{*user}, checkUser(*user, "/user")
	case users == nil:
		return nil, wrong("/users", "nobody is named: write the ids of the users in users, or the only one in user")
	}
	return a.targets(users, "/users")
}

// ingest takes readings of devices.
func (a *API) ingest(c *call) (any, error) {
	return a.opts.Ingest(c.who, c.r.PathValue("device"), c.kind == typeNDJSON, c.body)
}
