package ticket

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
)

// How long tickets hold.
const (
	DefaultLife = time.Minute
	MaxLife     = time.Hour // an EventSource that comes back by itself shows the same again
)

// Secrets are what the nodes of a cluster share: see nodes.Secrets, which this is.
type Secrets interface {
	// Secret is the one in use, or nil while there is none.
	Secret() []byte
	// Accepted are those that others may use.
	Accepted() [][]byte
	// Renew looks for one that another node may have begun to use.
	Renew(ctx context.Context)
}

// alone is the secret of a node that shares it with nobody.
type alone [32]byte

var _ Secrets = (*alone)(nil)

// Alone returns a secret that only this process knows.
func Alone() Secrets {
	var s alone
	_, _ = rand.Read(s[:]) // never fails, says its documentation
	return &s
}

func (s *alone) Secret() []byte        { return s[:] }
func (s *alone) Accepted() [][]byte    { return [][]byte{s[:]} }
func (s *alone) Renew(context.Context) {}

// Office makes tickets and verifies them.
type Office struct {
	secrets Secrets
	now     func() time.Time
}

var _ auth.Verifier = (*Office)(nil)

// NewOffice returns an Office. now is the clock; nil is the system's.
func NewOffice(s Secrets, now func() time.Time) *Office {
	if now == nil {
		now = time.Now
	}
	return &Office{secrets: s, now: now}
}

// Errors of Issue.
var (
	// ErrNoSecret says that this node does not know yet what it shares with the others.
	ErrNoSecret = errors.New("ticket: the secret of the cluster is not known yet")
	// ErrTooLarge says that what is to be said of the principal does not fit.
	ErrTooLarge = fmt.Errorf("ticket: it would be larger than %d bytes", auth.MaxToken)
)

// Issue makes a ticket for a principal that holds for a time, 0 being a minute, and at
// most an hour; but no longer than the principal.
func (o *Office) Issue(p *auth.Principal, life time.Duration) (text string, until time.Time, err error) {
	secret := o.secrets.Secret()
	if secret == nil {
		return "", time.Time{}, ErrNoSecret
	}
	if life <= 0 {
		life = DefaultLife
	}
	until = o.now().Add(min(life, MaxLife))
	if !p.Expires.IsZero() && p.Expires.Before(until) {
		until = p.Expires
	}
	until = until.Truncate(time.Millisecond)
	says, err := json.Marshal(said{
		ID: p.ID, Name: p.Name, Roles: p.Roles, Join: p.Join, Publish: p.Publish,
		Data: p.Data, Method: p.Method, Until: until.UnixMilli(),
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("ticket: %w", err) // Data is no JSON
	}
	text = auth.TicketPrefix + base64.RawURLEncoding.EncodeToString(says)
	text += "." + base64.RawURLEncoding.EncodeToString(sign(secret, text))
	if len(text) > auth.MaxToken {
		return "", time.Time{}, ErrTooLarge
	}
	return text, until, nil
}

// said is what a ticket says.
type said struct {
	ID      string          `json:"id"`
	Name    string          `json:"name,omitempty"`
	Roles   []string        `json:"roles,omitempty"`
	Join    auth.Patterns   `json:"join,omitempty"`
	Publish auth.Patterns   `json:"publish,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"`
	Method  auth.Method     `json:"method"`
	Until   int64           `json:"until"`
}

// purpose keeps apart what else the secret is good for.
const purpose = "sockeye ticket 1"

func sign(secret []byte, text string) []byte {
	key := hmac.New(sha256.New, secret)
	key.Write([]byte(purpose))
	mac := hmac.New(sha256.New, key.Sum(nil))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

var (
	errHolds = &auth.Error{Code: auth.CodeInvalidToken, Message: "the ticket does not hold"}
	errOver  = &auth.Error{Code: auth.CodeTokenExpired, Message: "the ticket has expired: get another"}
)

// Verify makes the principal again that a ticket was made for. Its end is the ticket's.
func (o *Office) Verify(ctx context.Context, text string) (*auth.Principal, error) {
	signed, mac, ok := strings.Cut(text, ".")
	says, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(signed, auth.TicketPrefix))
	if !ok || err != nil || !auth.IsTicket(text) {
		return nil, errHolds
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(mac)
	if err != nil || len(sum) != sha256.Size {
		return nil, errHolds
	}
	if !o.signed(signed, sum) {
		o.secrets.Renew(ctx)
		if !o.signed(signed, sum) {
			return nil, errHolds
		}
	}
	var s said
	if json.Unmarshal(says, &s) != nil { // it was signed by something else than Issue
		return nil, errHolds
	}
	until := time.UnixMilli(s.Until)
	if !o.now().Before(until) {
		return nil, errOver
	}
	return &auth.Principal{
		ID: s.ID, Name: s.Name, Roles: s.Roles, Join: s.Join, Publish: s.Publish, Data: s.Data,
		Method: s.Method, Expires: until,
	}, nil
}

// signed reports whether a node of this cluster made a signature.
func (o *Office) signed(text string, sum []byte) bool {
	return slices.ContainsFunc(o.secrets.Accepted(), func(secret []byte) bool {
		return hmac.Equal(sum, sign(secret, text))
	})
}
