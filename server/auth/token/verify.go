package token

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sockeye-io/sockeye/server/auth"
)

// Options of a Verifier.
type Options struct {
	// Keys are those of this node's own files.
	Keys Keys
	// Remote are more keys; nil is none.
	Remote *Remote
	// Issuer is what iss must be, and Audiences of which one must be in aud; none is
	// anything.
	Issuer    string
	Audiences []string
	// Leeway is how far clocks may be apart.
	Leeway time.Duration
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Verifier makes principals of tokens.
type Verifier struct {
	opts   Options
	parser *jwt.Parser
}

var _ auth.Verifier = (*Verifier)(nil)

// NewVerifier returns a verifier.
func NewVerifier(o Options) *Verifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	opts := []jwt.ParserOption{
		jwt.WithValidMethods([]string{HS256, HS384, HS512, RS256, ES256, EdDSA}),
		jwt.WithLeeway(o.Leeway), jwt.WithTimeFunc(o.Now), jwt.WithStrictDecoding(),
	}
	if o.Issuer != "" {
		opts = append(opts, jwt.WithIssuer(o.Issuer))
	}
	if len(o.Audiences) > 0 {
		opts = append(opts, jwt.WithAudience(o.Audiences...))
	}
	return &Verifier{opts: o, parser: jwt.NewParser(opts...)}
}

// Verify makes a principal of a token. It waits only where a key must be fetched.
func (v *Verifier) Verify(ctx context.Context, text string) (*auth.Principal, error) {
	c := &claims{}
	_, err := v.parser.ParseWithClaims(text, c, func(t *jwt.Token) (any, error) { return v.key(ctx, t) })
	if err != nil {
		return nil, refusalOf(err)
	}
	p, err := c.Principal(auth.ClaimSubject)
	if err != nil {
		return nil, &auth.Error{Code: auth.CodeInvalidToken, Message: "the token's " + err.Error()}
	}
	p.Method = auth.MethodToken
	p.Expires, err = c.Time("exp")
	return p, err
}

// errKeysAway says that a key may exist that could not be fetched.
var errKeysAway = errors.New("keys cannot be fetched")

// key returns what verifies a token.
func (v *Verifier) key(ctx context.Context, t *jwt.Token) (any, error) {
	if _, has := t.Header["crit"]; has { // RFC 7515, section 4.1.11
		return nil, errors.New("extensions that must be understood are not")
	}
	kid, isText := t.Header["kid"].(string)
	if _, has := t.Header["kid"]; has && !isText {
		return nil, errors.New("kid is not a string")
	}
	alg := t.Method.Alg()
	keys, named := v.opts.Keys.find(kid, alg)
	if v.opts.Remote != nil && !named && !strings.HasPrefix(alg, "HS") { // secrets are not fetched
		remote, err := v.opts.Remote.find(ctx, kid, alg)
		if keys = append(keys, remote...); len(keys) == 0 && err != nil {
			return nil, err
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no key fits kid and alg")
	}
	set := jwt.VerificationKeySet{}
	for _, k := range keys {
		set.Keys = append(set.Keys, k)
	}
	return set, nil
}

// refusalOf says what is wrong with a token in words for its owner.
func refusalOf(err error) *auth.Error {
	refusal := &auth.Error{Code: auth.CodeInvalidToken, Message: "the token does not hold", Err: err}
	switch {
	case errors.Is(err, errKeysAway):
		refusal.Code, refusal.Message = auth.CodeUnavailable, "the token cannot be verified at the moment: try again"
	case errors.Is(err, jwt.ErrTokenMalformed):
		refusal.Message = "the token is no signed JSON Web Token"
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		refusal.Message = "no key of this server fits the token"
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		refusal.Message = "the token's signature does not hold"
	case errors.Is(err, errClaim):
		refusal.Message = "a time, iss or aud of the token is wrongly written"
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		refusal.Message = "the token is of another issuer"
	case errors.Is(err, jwt.ErrTokenInvalidAudience), errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		refusal.Message = "the token is for another audience"
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		refusal.Message = "the token does not hold yet"
	case errors.Is(err, jwt.ErrTokenExpired):
		refusal.Code, refusal.Message = auth.CodeTokenExpired, "the token has expired"
	}
	return refusal
}

// claims are auth.Claims as the library wants to ask them.
type claims struct{ auth.Claims }

var (
	_ jwt.Claims = (*claims)(nil)

	errClaim = errors.New("a claim is wrongly written")
)

func (c *claims) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &c.Claims) }

func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.date("exp") }
func (c *claims) GetNotBefore() (*jwt.NumericDate, error)      { return c.date("nbf") }
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.date("iat") }

func (c *claims) date(name string) (*jwt.NumericDate, error) {
	at, err := c.Time(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errClaim, err)
	}
	if at.IsZero() {
		return nil, nil //nolint:nilnil // the library's way of saying that there is none
	}
	return &jwt.NumericDate{Time: at}, nil
}

func (c *claims) GetIssuer() (string, error) {
	s, err := c.Text("iss")
	if err != nil {
		return "", fmt.Errorf("%w: %w", errClaim, err)
	}
	return s, nil
}

func (c *claims) GetSubject() (string, error) { return c.Text(auth.ClaimSubject) }

func (c *claims) GetAudience() (jwt.ClaimStrings, error) {
	list, _, err := c.List("aud")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errClaim, err)
	}
	return list, nil
}

// Subject is what a token to mint says.
type Subject struct {
	Claims map[string]any // beside the times
	TTL    time.Duration  // zero is for ever
}

// Mint signs a token with the first key that can sign; of that kid, if one is given.
func Mint(ks Keys, kid string, s Subject, now time.Time) (string, error) {
	for _, k := range ks {
		if !k.Signs() || kid != "" && k.id != "" && k.id != kid {
			continue
		}
		c := jwt.MapClaims{"iat": now.Unix()}
		for name, value := range s.Claims {
			c[name] = value
		}
		if s.TTL > 0 {
			c["exp"] = int64(math.Ceil(float64(now.Add(s.TTL).UnixMilli()) / 1000))
		}
		t := jwt.NewWithClaims(jwt.GetSigningMethod(k.algs[0]), c)
		switch {
		case kid != "":
			t.Header["kid"] = kid
		case k.id != "":
			t.Header["kid"] = k.id
		}
		return t.SignedString(k.private)
	}
	return "", ErrNoSigner
}

// ErrNoSigner says that there is no key to sign with.
var ErrNoSigner = errors.New("no key can sign")
