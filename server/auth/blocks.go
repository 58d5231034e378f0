package auth

import (
	"context"
	"time"
)

// Block says that a principal may not be here. It does not change.
type Block struct {
	// Until is when it ends, by the clock of each node; zero is until it is taken back.
	Until time.Time `json:"until,omitzero"`
	// Reason is what the principal is told, at most 256 bytes; "" where nobody said.
	Reason string `json:"reason,omitempty"`
	// Since is when it was made.
	Since time.Time `json:"since"`
}

// Over reports whether the block has ended.
func (b Block) Over(now time.Time) bool { return !b.Until.IsZero() && !now.Before(b.Until) }

// Blocks is who may not be here, on all nodes. Its methods may be called from any
// goroutine.
type Blocks interface {
	// Block blocks a principal by its ID, or changes its block. It returns once the
	// block is kept; other nodes hear of it soon after.
	Block(ctx context.Context, id string, until time.Time, reason string) error
	// Unblock takes a block back. ErrNotFound says that there is none.
	Unblock(ctx context.Context, id string) error
	// Blocked answers from memory, and does not wait.
	Blocked(id string) (Block, bool)
	// List returns all blocks that hold, as this node knows them.
	List() map[string]Block
	// OnBlocked has f called whenever a principal is blocked that was not before, here
	// or on another node. Blocked says so already when it is called. Calls come one at a
	// time, from a goroutine of the list's own: f must not wait long. remove ends it.
	OnBlocked(f func(id string, b Block)) (remove func())
}

// Refusal is what the principal is told.
func (b Block) Refusal() *Error {
	if b == revoked {
		return &Error{Code: CodeBlocked, Message: b.Reason}
	}
	message := "you are blocked"
	if !b.Until.IsZero() {
		message += " until " + b.Until.UTC().Format(time.RFC3339)
	}
	if b.Reason != "" {
		message += ": " + b.Reason
	}
	return &Error{Code: CodeBlocked, Message: message}
}
