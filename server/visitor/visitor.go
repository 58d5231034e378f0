package visitor

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
)

// Lengths of a secret in bytes: below, it could be guessed; above, it is no secret but a
// payload.
const (
	MinSecret = 16
	MaxSecret = 128
)

// CodeBadSecret is what a client is told with ErrSecret.
const CodeBadSecret = "bad_secret"

// ErrSecret says that a text can be no secret. Its text is for the client.
var ErrSecret = errors.New("auth.secret is a random string of 16 to 128 characters that only this user's pages know")

// ID derives the public id of a visitor from the secret: 16 characters of base64url, 96
// bits of SHA-256. It is the same on every node and after a restart, and who sees it cannot
// act as its owner.
func ID(secret string) (string, error) {
	if len(secret) < MinSecret || len(secret) > MaxSecret {
		return "", ErrSecret
	}
	sum := sha256.Sum256([]byte("sockeye chat user\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(sum[:12]), nil
}
