package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
)

// The algorithms (RFC 7518, section 3.1; RFC 8037, section 3.1).
const (
	HS256 = "HS256"
	HS384 = "HS384"
	HS512 = "HS512"
	RS256 = "RS256"
	ES256 = "ES256"
	EdDSA = "EdDSA"
)

// Bounds of keys.
const (
	MinSecret = 32   // bytes: as many as HS256 has (RFC 7518, section 3.2)
	minRSA    = 2048 // bits (RFC 7518, section 3.3)
	maxRSA    = 8192 // bits: a larger one would only take time
	maxKeys   = 64   // of one source
)

// Key is a key with the algorithms that it is for.
type Key struct {
	id      string // kid; "" fits every token that no other key is named by
	algs    []string
	public  any // what verifies: []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
	private any // what signs; nil where only others can
}

// newKey looks at a key of any type. alg narrows what it is for; "" does not.
func newKey(id, alg string, material any) (Key, error) {
	k := Key{id: id, public: material}
	if signer, ok := material.(crypto.Signer); ok {
		k.public, k.private = signer.Public(), material
	}
	switch key := k.public.(type) {
	case []byte:
		if len(key) < MinSecret {
			return Key{}, fmt.Errorf("the secret has %d bytes: take at least %d random ones", len(key), MinSecret)
		}
		k.algs, k.private = []string{HS256, HS384, HS512}, material
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			return Key{}, fmt.Errorf("the RSA key has %d bits: take one of %d to %d", bits, minRSA, maxRSA)
		}
		if key.E < 3 || key.E%2 == 0 {
			return Key{}, errors.New("the exponent of the RSA key is none")
		}
		k.algs = []string{RS256}
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return Key{}, fmt.Errorf("the curve %s is not supported: take P-256", key.Params().Name)
		}
		k.algs = []string{ES256}
	case ed25519.PublicKey:
		k.algs = []string{EdDSA}
	default:
		return Key{}, fmt.Errorf("keys of type %T are not supported: take a secret, RSA, P-256 or Ed25519", material)
	}
	if alg != "" {
		if alg == "Ed25519" { // RFC 9864
			alg = EdDSA
		}
		if !slices.Contains(k.algs, alg) {
			return Key{}, fmt.Errorf("the key does not fit its alg, %.20q", alg)
		}
		k.algs = []string{alg}
	}
	return k, nil
}

// NewSecret returns a key of a secret that is shared with who signs, for HS256, HS384
// and HS512.
func NewSecret(secret []byte) (Key, error) { return newKey("", "", secret) }

// ID returns the kid; "" if there is none.
func (k *Key) ID() string { return k.id }

// Signs reports whether the key can sign.
func (k *Key) Signs() bool { return k.private != nil }

// Keys are what tokens may be signed by.
type Keys []Key

// find returns the keys that a token may be signed by: those of its kid, or else those
// without one; any where the token names none. The algorithm must be one of the key's.
func (ks Keys) find(kid, alg string) (fit []any, named bool) {
	var unnamed []any
	for _, k := range ks {
		if kid != "" && k.id == kid {
			named = true
		}
		if !slices.Contains(k.algs, alg) {
			continue
		}
		switch {
		case kid == "" || k.id == kid:
			fit = append(fit, k.public)
		case k.id == "":
			unnamed = append(unnamed, k.public)
		}
	}
	if !named && len(fit) == 0 {
		fit = unnamed
	}
	return fit, named
}
