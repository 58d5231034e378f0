package auth

import (
	"net/url"
	"reflect"
	"testing"
)

func TestATicketInTheAddressCountsBeforeACookie(t *testing.T) {
	t.Parallel()
	cookie := header("Cookie", "s=1")
	for _, c := range []struct {
		what  string
		shown Credentials
		want  string
	}{
		{"as a token", Credentials{Token: "skt_a"}, "ticket ok"},
		{"in the address", Credentials{Query: url.Values{TicketQuery: {"skt_a"}}, Header: cookie}, "ticket ok"},
		{"beside a token", Credentials{Query: url.Values{TicketQuery: {"skt_a"}}, Header: header("Authorization", "Bearer a.b.c")}, "token ok"},
		{"a word of the site's", Credentials{Query: url.Values{TicketQuery: {"42"}}, Header: cookie}, "session ok"},
		{"no key in its place", Credentials{Query: url.Values{TicketQuery: {"sk_1_2"}}, Header: cookie}, "session ok"},
	} {
		var heard counted
		chain := Chain{Tickets: &way{}, Tokens: &way{}, Session: &way{}, Keys: &way{}, Observer: &heard}
		if _, err := chain.Authenticate(t.Context(), &c.shown); err != nil {
			t.Errorf("%s: %v", c.what, err)
		}
		if !reflect.DeepEqual(heard, counted{c.want}) {
			t.Errorf("%s: heard %q, want %q", c.what, heard, c.want)
		}
	}
}

func TestAPrincipalCanBeNarrowedAndNotWidened(t *testing.T) {
	t.Parallel()
	p := &Principal{ID: "7", Join: Patterns{"news:*", "user:{id}", "a*c"}, Publish: Patterns{"news:1"}}
	for _, c := range []struct {
		join, publish Patterns
		ok            bool
	}{
		{nil, nil, true},
		{Patterns{"news:1", "news:1*", "news:*"}, Patterns{}, true},
		{Patterns{"user:7", "user:{id}", "a*b*c"}, nil, true},
		{Patterns{"user:8"}, nil, false},
		{Patterns{"user:*"}, nil, false},
		{Patterns{"*"}, nil, false},
		{Patterns{"a*"}, nil, false},
		{nil, Patterns{"news:*"}, false},
		{nil, Patterns{"news:1"}, true},
	} {
		less, err := p.Narrowed(c.join, c.publish)
		if (err == nil) != c.ok {
			t.Errorf("%v %v: %v", c.join, c.publish, err)
			continue
		}
		if err == nil && c.join != nil && !reflect.DeepEqual(less.Join, c.join) || err == nil && c.publish != nil && !reflect.DeepEqual(less.Publish, c.publish) {
			t.Errorf("%v %v became %v %v", c.join, c.publish, less.Join, less.Publish)
		}
	}
}

func TestScopesOfATokenAreThoseForThisServer(t *testing.T) {
	t.Parallel()
	for claim, want := range map[string][]Scope{
		`"sockeye:publish openid admin sockeye:read sockeye:read"`: {ScopePublish, ScopeRead},
		`["sockeye:admin","email"]`:                                {ScopeAdmin},
		`"admin publish"`:                                          nil,
		`"sockeye:root"`:                                           nil,
		`7`:                                                        nil,
		`null`:                                                     nil,
	} {
		p, err := Claims{"sub": []byte(`"x"`), "scope": []byte(claim)}.Principal(ClaimSubject)
		if err != nil || !reflect.DeepEqual(p.Scopes, want) {
			t.Errorf("%s: %v, %v, want %v", claim, p, err, want)
		}
	}
}
