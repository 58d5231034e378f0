package staff

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// ErrBusy says that too many passwords are being looked at: try again.
var ErrBusy = errors.New("too many sign in at the moment: try again in a few seconds")

// cost is how hard it is to try a password (RFC 9106, section 4).
type cost struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// strong is more than what OWASP asks for (19 MiB, two passes).
var strong = cost{memory: 32 << 10, passes: 2, threads: 1}

const (
	// hashAtOnce is how many passwords are hashed at the same time: 64 MiB together.
	hashAtOnce = 2
	// hashWaiting is how many wait for it, a few seconds in all.
	hashWaiting = 32

	saltBytes, keyBytes = 16, 32
	// Costs that a stored hash may name; a store that was tampered with cannot have more of the machine.
	maxMemory, maxPasses = 1 << 20, 16
)

// hasher hashes passwords, few at a time.
type hasher struct {
	cost    cost
	nobody  string // a hash of no password
	turns   chan struct{}
	waiting atomic.Int32
	runs    atomic.Int64 // how many were hashed
}

func newHasher(c cost) *hasher {
	h := &hasher{cost: c, turns: make(chan struct{}, hashAtOnce)}
	h.nobody = format(c, random(saltBytes), random(keyBytes))
	return h
}

// hash is what is kept of a password, in the PHC string format:
//
//	$argon2id$v=19$m=32768,t=2,p=1$SALT$KEY
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := random(saltBytes)
	key, err := h.key(ctx, password, salt, h.cost)
	if err != nil {
		return "", err
	}
	return format(h.cost, salt, key), nil
}

// matches reports whether a hash is that of a password. A hash that cannot be read is nobody's,
// after the same time.
func (h *hasher) matches(ctx context.Context, hash, password string) (bool, error) {
	c, salt, want, ok := parse(hash)
	if !ok {
		c, salt, want, _ = parse(h.nobody)
	}
	key, err := h.key(ctx, password, salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, want) == 1 && ok, nil
}

// key waits for a turn and hashes.
func (h *hasher) key(ctx context.Context, password string, salt []byte, c cost) ([]byte, error) {
	if h.waiting.Add(1) > hashWaiting+hashAtOnce {
		h.waiting.Add(-1)
		return nil, ErrBusy
	}
	defer h.waiting.Add(-1)
	select {
	case h.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.turns }()
	h.runs.Add(1)
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, keyBytes), nil
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}

func format(c cost, salt, key []byte) string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, c.memory, c.passes, c.threads, e.EncodeToString(salt), e.EncodeToString(key))
}

// parse reads what format writes.
func parse(hash string) (c cost, salt, key []byte, ok bool) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return cost{}, nil, nil, false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil {
		return cost{}, nil, nil, false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return cost{}, nil, nil, false
	}
	key, err = base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(salt) < 8 || len(key) != keyBytes ||
		c.memory < 8 || c.memory > maxMemory || c.passes < 1 || c.passes > maxPasses || c.threads < 1 {
		return cost{}, nil, nil, false
	}
	if format(c, salt, key) != hash {
		return cost{}, nil, nil, false // there is something behind it
	}
	return c, salt, key, true
}
