package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A key is written sk_<id>_<secret>, so that scanners for secrets find it:
//
//	sk_3f9c1a7be2d04856_yM0…43 characters of base64url…
const (
	keyPrefix   = "sk_"
	keyIDBytes  = 8  // written as 16 characters of hex
	secretBytes = 32 // written as 43 characters of base64url
)

// KeyIDPrefix begins the ID of the principal of an API key: "key:" and the key's id.
const KeyIDPrefix = "key:"

// APIKey is what is kept of an API key: never the key.
type APIKey struct {
	// Hash is the SHA-256 of the whole key, in hex. A slow hash, as for passwords, would
	// add nothing: the secret has 256 random bits, and nobody can try that many.
	Hash string `json:"hash"`
	// Name says to people what the key is for.
	Name string `json:"name,omitempty"`
	// Scopes are what it is for, and Rooms where.
	Scopes []Scope  `json:"scopes"`
	Rooms  Patterns `json:"rooms"`
	// Created and Expires are when; a zero Expires is never.
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}

// NewKey makes a key. text is what its owner gets; it can never be shown again.
func NewKey(about APIKey) (id, text string, k APIKey, err error) {
	if err := about.check(); err != nil {
		return "", "", APIKey{}, err
	}
	var random [keyIDBytes + secretBytes]byte
	_, _ = rand.Read(random[:]) // never fails, says its documentation
	id = hex.EncodeToString(random[:keyIDBytes])
	text = keyPrefix + id + "_" + base64.RawURLEncoding.EncodeToString(random[keyIDBytes:])
	about.Hash = hashOf(text)
	about.Created = time.Now().UTC().Truncate(time.Second)
	return id, text, about, nil
}

// check says what is wrong with a key that somebody describes.
func (k *APIKey) check() error {
	if len(k.Scopes) == 0 {
		return errors.New("a key needs a scope: read, publish or admin")
	}
	for _, s := range k.Scopes {
		if s != ScopeRead && s != ScopePublish && s != ScopeAdmin {
			return fmt.Errorf("%q is no scope: use read, publish or admin", s)
		}
	}
	if slices.Contains(k.Scopes, ScopeAdmin) && len(k.Rooms) > 0 && !slices.Equal(k.Rooms, Everything()) {
		return errors.New("admin is for all rooms: use read and publish for some, or leave the rooms out")
	}
	if len(k.Name) > maxName {
		return fmt.Errorf("the name has %d bytes; the most is %d", len(k.Name), maxName)
	}
	if len(k.Rooms) > maxEntries {
		return fmt.Errorf("there are %d patterns of rooms; the most is %d", len(k.Rooms), maxEntries)
	}
	return nil
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// IsKey reports whether a token is written like an API key.
func IsKey(token string) bool { return strings.HasPrefix(token, keyPrefix) }

// KeyID reads the id of a key; "" if it is not written like one.
func KeyID(text string) string {
	rest, ok := strings.CutPrefix(text, keyPrefix)
	if !ok || len(rest) != 2*keyIDBytes+1+base64.RawURLEncoding.EncodedLen(secretBytes) || rest[2*keyIDBytes] != '_' {
		return ""
	}
	return rest[:2*keyIDBytes]
}

// Principal is who shows the key of an id.
func (k *APIKey) Principal(id string) *Principal {
	p := &Principal{
		ID: KeyIDPrefix + id, Name: k.Name, Method: MethodKey, Expires: k.Expires,
		Scopes: slices.Clone(k.Scopes),
	}
	for _, s := range k.Scopes {
		switch s {
		case ScopeRead:
			p.Join = k.Rooms
		case ScopePublish:
			p.Publish = k.Rooms
		case ScopeAdmin:
		}
	}
	if slices.Contains(k.Scopes, ScopeAdmin) {
		p.Join, p.Publish, p.Roles = Everything(), Everything(), []string{string(ScopeAdmin)}
	}
	return p
}

// KeyVerifier makes a principal of an API key.
type KeyVerifier struct{ Ledger *Ledger }

var _ Verifier = KeyVerifier{}

var (
	errKey        = &Error{Code: CodeInvalidToken, Message: "the API key does not hold"}
	errKeyExpired = &Error{Code: CodeTokenExpired, Message: "the API key has expired"}
	errKeysAway   = &Error{Code: CodeUnavailable, Message: "API keys cannot be looked up at the moment: try again"}
)

// Holds says of the ID of a key's Principal why the key does not hold any more, or nil.
func (v KeyVerifier) Holds(id string) error {
	entries, loaded := v.Ledger.snapshot()
	k, known := entries.Keys[strings.TrimPrefix(id, KeyIDPrefix)]
	switch {
	case !known && !loaded:
		return errKeysAway
	case !known:
		return errKey
	case !k.Expires.IsZero() && !time.Now().Before(k.Expires):
		return errKeyExpired
	}
	return nil
}

// Verify looks the key up in memory; it does not wait.
func (v KeyVerifier) Verify(_ context.Context, text string) (*Principal, error) {
	entries, loaded := v.Ledger.snapshot()
	id := KeyID(text)
	k, known := entries.Keys[id]
	switch {
	case id == "":
		return nil, errKey
	case !known && !loaded:
		return nil, errKeysAway
	case subtle.ConstantTimeCompare([]byte(k.Hash), []byte(hashOf(text))) != 1:
		return nil, errKey
	case !k.Expires.IsZero() && !time.Now().Before(k.Expires):
		return nil, errKeyExpired
	}
	return k.Principal(id), nil
}
