package api

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/auth/ticket"
	"github.com/sockeye-io/sockeye/server/problem"
)

// wanted is a ticket that somebody asks for.
type wanted struct {
	TTL     *float64        `json:"ttl"` // seconds
	Join    json.RawMessage `json:"join"`
	Publish json.RawMessage `json:"publish"`
	User    auth.Claims     `json:"user"`
}

type ticketAnswer struct {
	Ticket  string `json:"ticket"`
	Expires int64  `json:"expires"` // milliseconds since 1970
	In      int64  `json:"in"`      // milliseconds
}

// ticket makes one for the caller, or for a user whom a backend names.
func (a *API) ticket(c *call) (any, error) {
	var m wanted
	if err := decode(c.body, "", &m); err != nil {
		return nil, err
	}
	life := ticket.DefaultLife
	if m.TTL != nil {
		life = time.Duration(*m.TTL * float64(time.Second))
		if !(*m.TTL >= 1 && *m.TTL <= ticket.MaxLife.Seconds()) {
			return nil, wrong("/ttl", "it is no number of seconds from 1 to %.0f", ticket.MaxLife.Seconds())
		}
	}
	whose, err := whose(c.who, &m)
	if err != nil {
		return nil, err
	}
	text, until, err := a.opts.Tickets.Issue(whose, life)
	switch {
	case errors.Is(err, ticket.ErrNoSecret):
		return nil, unavailable("this node is not joined to the others yet: try again", err)
	case errors.Is(err, ticket.ErrTooLarge):
		return nil, problem.New(http.StatusRequestEntityTooLarge, problem.CodeTooLarge, "what the ticket would have to say is too much: give the user less data, or fewer roles and rooms")
	case err != nil:
		return nil, err
	}
	return ticketAnswer{text, until.UnixMilli(), max(time.Until(until).Milliseconds(), 0)}, nil
}

// whose is who the ticket is for.
func whose(who *auth.Principal, m *wanted) (*auth.Principal, error) {
	if m.User == nil {
		join, err := patterns(m.Join, "/join")
		if err != nil {
			return nil, err
		}
		publish, err := patterns(m.Publish, "/publish")
		if err != nil {
			return nil, err
		}
		return who.Narrowed(join, publish)
	}
	switch {
	case !who.HasScope(auth.ScopeAdmin):
		return nil, pointed(&auth.Error{Code: auth.CodeForbidden, Message: "a ticket for somebody else needs the scope admin"}, "/user")
	case m.Join != nil || m.Publish != nil:
		return nil, wrong("/user", "join and publish of somebody else stand in user")
	}
	for _, name := range slices.Sorted(maps.Keys(m.User)) {
		if !slices.Contains(userMembers, name) {
			return nil, wrong("/user/"+pointer(name), "there is no such member: user has %s", strings.Join(userMembers, ", "))
		}
	}
	p, err := m.User.Principal(auth.ClaimID)
	if err != nil {
		return nil, wrong("/user", "%s", err)
	}
	p.Method = auth.MethodTicket
	return p, nil
}

// userMembers are what may be said of a user.
var userMembers = []string{auth.ClaimID, auth.ClaimName, auth.ClaimRoles, auth.ClaimJoin, auth.ClaimPublish, auth.ClaimRooms, auth.ClaimData}

// patterns reads what a ticket is narrowed to; nil is not asked for, and null is refused,
// which could be meant as none or as all.
func patterns(text json.RawMessage, field string) (auth.Patterns, error) {
	if text == nil {
		return nil, nil
	}
	var list auth.Patterns
	switch err := json.Unmarshal(text, &list); {
	case err != nil || list == nil:
		return nil, wrong(field, "it is no array of patterns of rooms")
	case len(list) > maxNames:
		return nil, wrong(field, "there are %d patterns; the most is %d", len(list), maxNames)
	}
	if err := list.Validate(field); err != nil {
		return nil, wrong(field, "%s", err)
	}
	return list, nil
}
