package auth

import "strings"

// A ticket is a token that this server made itself: see package ticket.
const (
	// TicketPrefix begins every ticket.
	TicketPrefix = "skt_"
	// TicketQuery is the parameter of an address that may hold a ticket. Anything else in
	// it is not looked at: it may be the site's own.
	TicketQuery = "ticket"
)

// IsTicket reports whether a token is written like a ticket.
func IsTicket(token string) bool { return strings.HasPrefix(token, TicketPrefix) }

// ticket returns the ticket in the address; "" if there is none.
func (c *Credentials) ticket() string {
	if t := c.Query.Get(TicketQuery); IsTicket(t) {
		return t
	}
	return ""
}

// Narrowed returns the principal with no more than some patterns to join and to publish;
// nil leaves what it has. An error names a pattern that it does not have itself.
func (p *Principal) Narrowed(join, publish Patterns) (*Principal, error) {
	less := *p
	for _, way := range []struct {
		do   Action
		want Patterns
		have *Patterns
	}{{ActionJoin, join, &less.Join}, {ActionPublish, publish, &less.Publish}} {
		if way.want == nil {
			continue
		}
		for _, pattern := range way.want {
			if !way.have.covers(p.ID, pattern) {
				return nil, Forbidden(way.do, pattern)
			}
		}
		*way.have = way.want
	}
	return &less, nil
}
