package token

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/MicahParks/jwkset"
)

// maxFile bounds a file of keys, and the answer of a JWKS URL.
const maxFile = 1 << 20

// ReadFile reads the keys of a file: a JWKS or a single JWK, or PEM: public keys,
// certificates or private keys, of which the public part verifies.
func ReadFile(name string) (Keys, error) {
	text, err := readBounded(name)
	if err != nil {
		return nil, err
	}
	var ks Keys
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		ks, err = readJWKS(trimmed)
	} else {
		ks, err = readPEM(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return ks, nil
}

// ReadSecretFile reads a secret; white space around it, such as the end of its line, is
// no part of it.
func ReadSecretFile(name string) (Key, error) {
	text, err := readBounded(name)
	if err != nil {
		return Key{}, err
	}
	k, err := NewSecret(bytes.TrimSpace(text))
	if err != nil {
		return Key{}, fmt.Errorf("%s: %w", name, err)
	}
	return k, nil
}

func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: it has more than %d bytes", name, maxFile)
	}
	return text, err
}

// readJWKS reads a set of keys that an operator wrote: each must be usable.
func readJWKS(text []byte) (Keys, error) {
	jwks, err := splitJWKS(text)
	if err != nil {
		return nil, err
	}
	ks := make(Keys, 0, len(jwks))
	for i, raw := range jwks {
		k, err := readJWK(raw)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		ks = append(ks, k)
	}
	return ks, nil
}

// splitJWKS returns the keys of a set (RFC 7517, section 5), or the one key.
func splitJWKS(text []byte) ([]json.RawMessage, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
		Kty  string            `json:"kty"`
	}
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, errors.New("it is no JSON Web Key Set: it is no JSON object, or its keys are no list")
	}
	if set.Keys == nil && set.Kty != "" {
		set.Keys = []json.RawMessage{text}
	}
	switch {
	case len(set.Keys) == 0:
		return nil, errors.New("there are no keys in it")
	case len(set.Keys) > maxKeys:
		return nil, fmt.Errorf("it has %d keys; the most is %d", len(set.Keys), maxKeys)
	}
	return set.Keys, nil
}

// readJWK reads a key. Certificates beside it are not looked at, nor are addresses of
// any.
func readJWK(raw json.RawMessage) (Key, error) {
	var m jwkset.JWKMarshal
	if json.Unmarshal(raw, &m) != nil {
		return Key{}, errors.New("it is no JSON Web Key: a member has the wrong type")
	}
	if m.USE != "" && m.USE != jwkset.UseSig {
		return Key{}, fmt.Errorf("its use is %.20q, not sig", m.USE)
	}
	m.X5C, m.X5U, m.X5T, m.X5TS256 = nil, "", "", ""
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{Private: true}, jwkset.JWKValidateOptions{SkipAll: true})
	if err != nil {
		return Key{}, fmt.Errorf("it is no usable JSON Web Key of kty %.20q", m.KTY) // the cause may show a part of it
	}
	return newKey(m.KID, string(m.ALG), jwk.Key())
}

// readPEM reads one key of each block.
func readPEM(text []byte) (Keys, error) {
	var ks Keys
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		if strings.Contains(block.Type, "PARAMETERS") { // openssl writes these before EC keys
			continue
		}
		material, err := parseBlock(block)
		if err != nil {
			return nil, err
		}
		k, err := newKey("", "", material)
		if err != nil {
			return nil, err
		}
		if ks = append(ks, k); len(ks) > maxKeys {
			return nil, fmt.Errorf("it has more than %d keys", maxKeys)
		}
	}
	if len(ks) == 0 {
		return nil, errors.New("there is no key in it: give a file of PEM blocks or a JSON Web Key Set; a secret belongs in --auth-secret-file")
	}
	return ks, nil
}

func parseBlock(b *pem.Block) (key any, err error) {
	switch b.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(b.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(b.Bytes)
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(b.Bytes); err == nil {
			key = c.PublicKey
		}
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(b.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(b.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(b.Bytes)
	default:
		return nil, fmt.Errorf("a block %.40q is no key that can be used", b.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("the block %q cannot be read", b.Type) // the cause may show a part of it
	}
	return key, nil
}
