package ticket_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/auth/ticket"
)

// shared is a secret of a cluster.
type shared struct {
	secrets [][]byte
	next    [][]byte // those that Renew finds
}

func (s *shared) Secret() []byte {
	if len(s.secrets) == 0 {
		return nil
	}
	return s.secrets[0]
}
func (s *shared) Accepted() [][]byte { return s.secrets }
func (s *shared) Renew(context.Context) {
	if s.next != nil {
		s.secrets = s.next
	}
}

var now = time.UnixMilli(1767225600000)

func clock() time.Time { return now }

func alice() *auth.Principal {
	return &auth.Principal{
		ID: "alice", Name: "Alice", Roles: []string{"moderator"}, Join: auth.Patterns{"news:*"}, Publish: auth.Patterns{"user:{id}"},
		Scopes: []auth.Scope{auth.ScopeAdmin}, Data: json.RawMessage(`{"a":1}`), Method: auth.MethodKey,
	}
}

func issue(t *testing.T, o *ticket.Office, p *auth.Principal, life time.Duration) (string, time.Time) {
	t.Helper()
	text, until, err := o.Issue(p, life)
	if err != nil {
		t.Fatal(err)
	}
	return text, until
}

func code(err error) auth.Code {
	var refusal *auth.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func TestATicketOfOneNodeHoldsOnAnother(t *testing.T) {
	t.Parallel()
	one := ticket.NewOffice(&shared{secrets: [][]byte{[]byte("the secret of all")}}, clock)
	other := ticket.NewOffice(&shared{secrets: [][]byte{[]byte("a new one"), []byte("the secret of all")}}, clock)
	text, until := issue(t, one, alice(), 0)
	if !auth.IsTicket(text) || auth.IsKey(text) || !until.Equal(now.Add(time.Minute)) {
		t.Errorf("the ticket is %q until %v", text, until)
	}
	got, err := other.Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	want := alice()
	want.Scopes, want.Expires = nil, until
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it says %+v, want %+v", got, want)
	}
	late := ticket.NewOffice(&shared{secrets: [][]byte{[]byte("old")}, next: [][]byte{[]byte("the secret of all")}}, clock)
	if _, err := late.Verify(t.Context(), text); err != nil {
		t.Errorf("a node that has not heard of the secret yet: %v", err)
	}
}

func TestATicketEndsInTime(t *testing.T) {
	t.Parallel()
	at := now
	o := ticket.NewOffice(ticket.Alone(), func() time.Time { return at })
	if _, until := issue(t, o, alice(), 24*time.Hour); !until.Equal(now.Add(time.Hour)) {
		t.Errorf("it holds until %v, want an hour", until)
	}
	p := alice()
	p.Expires = now.Add(10 * time.Second)
	text, until := issue(t, o, p, time.Minute)
	if !until.Equal(p.Expires) {
		t.Errorf("it holds until %v, want the end of the principal", until)
	}
	again, err := o.Verify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	if _, until := issue(t, o, again, time.Hour); !until.Equal(p.Expires) {
		t.Errorf("a ticket for a ticket holds until %v", until)
	}
	at = p.Expires
	if _, err := o.Verify(t.Context(), text); code(err) != auth.CodeTokenExpired {
		t.Errorf("at its end: %v", err)
	}
}

func TestWhatDoesNotHold(t *testing.T) {
	t.Parallel()
	o := ticket.NewOffice(ticket.Alone(), clock)
	text, _ := issue(t, o, alice(), 0)
	foreign, _ := issue(t, ticket.NewOffice(ticket.Alone(), clock), alice(), 0)
	says, mac, _ := strings.Cut(text, ".")
	edited := auth.TicketPrefix + base64.RawURLEncoding.EncodeToString([]byte(`{"id":"bob","until":9999999999999}`)) + "." + mac
	for what, text := range map[string]string{
		"another's": foreign, "edited": edited, "cut": says, "unsigned": says + ".", "nothing": "", "a prefix": auth.TicketPrefix,
		"no prefix": strings.TrimPrefix(text, auth.TicketPrefix), "more": text + "AA", "no base64": auth.TicketPrefix + "?." + mac,
		"other spare bits": text[:len(text)-1] + string(text[len(text)-1]+1),
	} {
		if _, err := o.Verify(t.Context(), text); code(err) != auth.CodeInvalidToken {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWhatCannotBeIssued(t *testing.T) {
	t.Parallel()
	if _, _, err := ticket.NewOffice(&shared{}, nil).Issue(alice(), 0); !errors.Is(err, ticket.ErrNoSecret) {
		t.Errorf("without a secret: %v", err)
	}
	large := alice()
	large.Data = json.RawMessage(`"` + strings.Repeat("x", auth.MaxToken) + `"`)
	if _, _, err := ticket.NewOffice(ticket.Alone(), nil).Issue(large, 0); !errors.Is(err, ticket.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	o := ticket.NewOffice(ticket.Alone(), nil)
	for _, seed := range []string{"", "skt_", "skt_e30.AAAA", "skt_." + strings.Repeat("A", 43)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := o.Verify(context.Background(), text); err == nil || p != nil {
			t.Errorf("%q holds", text)
		}
	})
}
