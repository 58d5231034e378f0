package once

import (
	"context"
	"time"
)

// For is how long a key is remembered.
const For = 10 * time.Minute

// Claim is an event that shall be emitted once.
type Claim struct {
	// Key is 64 characters of hex that stand for a caller and its key.
	Key string
	// Sum stands for the event: 64 characters of hex.
	Sum string
}

// Outcome is what became of a Claim.
type Outcome uint8

// The outcomes.
const (
	Fresh    Outcome = iota // nobody has claimed the key before
	Repeated                // for the same event
	Reused                  // for another event
)

// Keeper remembers keys for For. Its methods may be called from any goroutine.
type Keeper interface {
	// Claim claims keys, in order, and says of each whether somebody has before. An error
	// says that nobody could be asked; whether keys were claimed is not known then.
	Claim(ctx context.Context, claims []Claim) ([]Outcome, error)
	// GiveBack forgets claims that were Fresh, because nothing came of them.
	GiveBack(ctx context.Context, claims []Claim)
}
