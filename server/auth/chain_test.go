package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// way is a way to know clients that answers the same to everybody, and notes what it
// was shown.
type way struct {
	method Method
	err    error
	shown  []string
}

func (w *way) Verify(_ context.Context, token string) (*Principal, error) {
	w.shown = append(w.shown, token)
	if w.err != nil {
		return nil, w.err
	}
	return &Principal{ID: "x", Method: w.method}, nil
}

func (w *way) Authenticate(ctx context.Context, c *Credentials) (*Principal, error) {
	return w.Verify(ctx, c.Token)
}

// counted notes what the observer hears.
type counted []string

func (c *counted) Authenticated(method, outcome string) { *c = append(*c, method+" "+outcome) }

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestWhatIsShownFirstCounts(t *testing.T) {
	t.Parallel()
	all := &Credentials{
		Token:  "own",
		Header: header("Authorization", "bearer  header ", "Cookie", "a=1; tok=cookie"),
		Query:  url.Values{"t": {"query"}},
	}
	for _, c := range []struct {
		want string
		edit func(*Credentials)
	}{
		{"own", func(*Credentials) {}},
		{"own", func(c *Credentials) { c.Token = "Bearer own" }},
		{"header", func(c *Credentials) { c.Token = " " }},
		{"cookie", func(c *Credentials) {
			c.Token = ""
			c.Header = header("Authorization", "Basic eDp5", "Cookie", "tok=cookie")
		}},
		{"query", func(c *Credentials) { c.Token, c.Header = "", nil }},
		{"", func(c *Credentials) { c.Token, c.Header, c.Query = "", header("Authorization", "Bearer"), nil }},
	} {
		shown := *all
		c.edit(&shown)
		if got := shown.Shown("tok", "t"); got != c.want {
			t.Errorf("%+v shows %q, want %q", shown, got, c.want)
		}
	}
	hidden := *all
	hidden.Token, hidden.Header = "", header("Cookie", "tok=cookie")
	if got := hidden.Shown("", ""); got != "" {
		t.Errorf("%q was found where nobody shall look", got)
	}
}

func TestTheChainAsksOneWayAndItsAnswerCounts(t *testing.T) {
	t.Parallel()
	const jwt, key = "a.b.c", "sk_1_2"
	unauthorized, forbidden := &Error{Code: CodeUnauthorized}, &Error{Code: CodeForbidden}
	cookie, basic := header("Cookie", "s=1"), header("Authorization", "Basic eDp5")
	for _, c := range []struct {
		what  string
		chain Chain
		shown Credentials
		fails error // of the way that is asked
		want  string
	}{
		{"nothing", Chain{Tokens: &way{}}, Credentials{}, nil, "anonymous unauthorized"},
		{"nothing, allowed", Chain{Tokens: &way{}, Anonymous: true}, Credentials{}, nil, "anonymous ok"},
		{"a token", Chain{Tokens: &way{}, Keys: &way{}}, Credentials{Token: jwt}, nil, "token ok"},
		{"a bad token where nothing is allowed", Chain{Tokens: &way{}, Anonymous: true}, Credentials{Token: jwt}, &Error{Code: CodeInvalidToken}, "token invalid_token"},
		{"an expired one", Chain{Tokens: &way{}, Anonymous: true}, Credentials{Token: jwt}, &Error{Code: CodeTokenExpired}, "token token_expired"},
		{"a token that is too large", Chain{Tokens: &way{}, Lenient: true}, Credentials{Token: strings.Repeat("a", MaxToken+1)}, nil, "token invalid_token"},
		{"a key", Chain{Tokens: &way{}, Keys: &way{}}, Credentials{Token: key}, nil, "key ok"},
		{"a key without a store", Chain{Tokens: &way{}}, Credentials{Token: key}, &Error{Code: CodeInvalidToken}, "token invalid_token"},
		{"a token where there are only keys", Chain{Keys: &way{}, Anonymous: true}, Credentials{Token: jwt}, nil, "key invalid_token"},
		{"the same where nobody configured them", Chain{Keys: &way{}, Anonymous: true, Lenient: true}, Credentials{Token: jwt}, nil, "anonymous ok"},
		{"a cookie", Chain{Session: &way{}}, Credentials{Header: cookie}, nil, "session ok"},
		{"a cookie that says nothing", Chain{Session: &way{}}, Credentials{Header: cookie}, unauthorized, "session unauthorized"},
		{"the same where nothing is allowed", Chain{Session: &way{}, Anonymous: true}, Credentials{Header: cookie}, unauthorized, "anonymous ok"},
		{"a visitor that the site does not want", Chain{Session: &way{}, Anonymous: true}, Credentials{Header: cookie}, forbidden, "session forbidden"},
		{"a password that does not hold", Chain{Session: &way{}, Anonymous: true}, Credentials{Header: basic}, unauthorized, "session unauthorized"},
		{"a word for the site", Chain{Session: &way{}, Anonymous: true}, Credentials{Token: "opaque"}, unauthorized, "session unauthorized"},
		{"a token beside a cookie", Chain{Session: &way{}, Tokens: &way{}}, Credentials{Token: jwt, Header: cookie}, nil, "token ok"},
		{"a word for the site beside tokens", Chain{Session: &way{}, Tokens: &way{}}, Credentials{Token: "opaque"}, nil, "session ok"},
		{"a cause that is no refusal", Chain{Tokens: &way{}}, Credentials{Token: jwt}, context.DeadlineExceeded, "token auth_unavailable"},
	} {
		var heard counted
		c.chain.Observer = &heard
		for method, v := range map[Method]any{MethodKey: c.chain.Keys, MethodToken: c.chain.Tokens, MethodSession: c.chain.Session} {
			if w, ok := v.(*way); ok {
				w.method, w.err = method, c.fails
			}
		}
		p, err := c.chain.Authenticate(t.Context(), &c.shown)
		if len(heard) != 1 || heard[0] != c.want {
			t.Errorf("%s: heard %q, want %q", c.what, heard, c.want)
		}
		var refusal *Error
		switch {
		case strings.HasSuffix(c.want, " ok"):
			if err != nil || !strings.HasPrefix(c.want, string(p.Method)+" ") {
				t.Errorf("%s: %+v, %v", c.what, p, err)
			}
		case p != nil || !errors.As(err, &refusal):
			t.Errorf("%s: %+v, %v", c.what, p, err)
		}
	}
}

func TestTheSiteIsToldTheTokenThatItIsAskedAbout(t *testing.T) {
	t.Parallel()
	site := &way{}
	c := Chain{Session: site, Query: "t"}
	if _, err := c.Authenticate(t.Context(), &Credentials{Query: url.Values{"t": {"opaque"}}}); err != nil {
		t.Fatal(err)
	}
	if len(site.shown) != 1 || site.shown[0] != "opaque" {
		t.Errorf("the site was shown %q", site.shown)
	}
}
