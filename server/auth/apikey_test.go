package auth

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func memory(t *testing.T) *Ledger {
	t.Helper()
	l := NewLedger(nil, slog.New(slog.DiscardHandler))
	t.Cleanup(l.Close)
	return l
}

// addKey makes a key and keeps it.
func addKey(t *testing.T, l *Ledger, about APIKey) (id, text string) {
	t.Helper()
	id, text, k, err := NewKey(about)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.AddKey(t.Context(), id, k); err != nil {
		t.Fatal(err)
	}
	return id, text
}

func codeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestScopesOfAKeySayWhatItMayDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scopes        []Scope
		join, publish bool // a:1, which is among its rooms
		other         bool // b:1, which is not
		admin         bool
	}{
		{scopes: []Scope{ScopeRead}, join: true},
		{scopes: []Scope{ScopePublish}, publish: true},
		{scopes: []Scope{ScopeRead, ScopePublish}, join: true, publish: true},
		{scopes: []Scope{ScopeAdmin}, join: true, publish: true, other: true, admin: true},
	} {
		l := memory(t)
		rooms := Patterns{"a:*"}
		if c.admin {
			rooms = Everything()
		}
		id, text := addKey(t, l, APIKey{Scopes: c.scopes, Rooms: rooms, Name: "n"})
		p, err := KeyVerifier{l}.Verify(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if p.ID != "key:"+id || p.Method != MethodKey || p.Name != "n" {
			t.Errorf("%v: %+v", c.scopes, p)
		}
		if p.Join.Match("a:1") != c.join || p.Publish.Match("a:1") != c.publish || p.Join.Match("b:1") != c.other || p.Publish.Match("b:1") != c.other {
			t.Errorf("%v: join %v, publish %v", c.scopes, p.Join, p.Publish)
		}
		if p.HasScope(ScopeAdmin) != c.admin || p.HasRole("admin") != c.admin || !p.HasScope(c.scopes[0]) {
			t.Errorf("%v: %+v", c.scopes, p)
		}
	}
}

// A key with the scope admin for some rooms was made, listed with them, and good for all.
func TestAnAdminForSomeRoomsIsRefused(t *testing.T) {
	t.Parallel()
	_, _, _, err := NewKey(APIKey{Scopes: []Scope{ScopeRead, ScopeAdmin}, Rooms: Patterns{"a:*"}})
	if err == nil || !strings.Contains(err.Error(), "admin is for all rooms") {
		t.Error(err)
	}
	if _, _, _, err := NewKey(APIKey{Scopes: []Scope{ScopeAdmin}}); err != nil {
		t.Error(err)
	}
}

func TestKeysThatDoNotHoldAreRefused(t *testing.T) {
	t.Parallel()
	l := memory(t)
	about := APIKey{Scopes: []Scope{ScopeRead}, Rooms: Everything()}
	id, text := addKey(t, l, about)
	about.Expires = time.Now().Add(-time.Second)
	_, old := addKey(t, l, about)
	_, stranger, _, err := NewKey(about)
	if err != nil {
		t.Fatal(err)
	}
	last := "A"
	if strings.HasSuffix(text, last) {
		last = "B"
	}
	v := KeyVerifier{l}
	for what, c := range map[string]struct {
		text string
		want Code
	}{
		"unknown":         {stranger, CodeInvalidToken},
		"another secret":  {text[:len(text)-1] + last, CodeInvalidToken},
		"without secret":  {"sk_" + id + "_", CodeInvalidToken},
		"nothing":         {"sk_", CodeInvalidToken},
		"two secrets":     {text + text, CodeInvalidToken},
		"expired":         {old, CodeTokenExpired},
		"its hash":        {l.Keys()[id].Hash, CodeInvalidToken},
		"another key's":   {text[:len("sk_")+16] + stranger[len("sk_")+16:], CodeInvalidToken},
		"no key's prefix": {strings.TrimPrefix(text, "sk_"), CodeInvalidToken},
	} {
		if p, err := v.Verify(t.Context(), c.text); codeOf(err) != c.want {
			t.Errorf("%s: %+v, %v", what, p, err)
		}
	}
	if err := l.RevokeKey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), text); codeOf(err) != CodeInvalidToken {
		t.Errorf("revoked: %v", err)
	}
	if err := l.RevokeKey(t.Context(), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("revoked twice: %v", err)
	}
}

func TestAKeyIsNeverKept(t *testing.T) {
	t.Parallel()
	id, text, k, err := NewKey(APIKey{Scopes: []Scope{ScopeRead}})
	if err != nil {
		t.Fatal(err)
	}
	secret := text[len("sk_")+len(id)+1:]
	if strings.Contains(k.Hash, secret) || len(k.Hash) != 64 || KeyID(text) != id || len(secret) != 43 {
		t.Errorf("%q is kept as %+v", text, k)
	}
	for _, wrong := range []APIKey{{}, {Scopes: []Scope{"write"}}, {Scopes: []Scope{ScopeRead}, Name: strings.Repeat("n", 300)}} {
		if _, _, _, err := NewKey(wrong); err == nil {
			t.Errorf("%+v is a key", wrong)
		}
	}
}

// FuzzKey reads what clients show as keys.
func FuzzKey(f *testing.F) {
	l := NewLedger(nil, slog.New(slog.DiscardHandler))
	id, text, k, err := NewKey(APIKey{Scopes: []Scope{ScopeRead}})
	if err != nil {
		f.Fatal(err)
	}
	if err := l.AddKey(f.Context(), id, k); err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{text, "sk_", "sk_" + id, "sk__", "", text + "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, shown string) {
		if p, err := (KeyVerifier{l}).Verify(t.Context(), shown); err == nil && shown != text {
			t.Errorf("%q is %+v", shown, p)
		}
	})
}
