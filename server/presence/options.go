package presence

import (
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

const (
	// MaxName is the length of the name of a room and of the id of a user, in bytes.
	MaxName = 512
	// MaxMeta is the length of the meta of a user as JSON, in bytes.
	MaxMeta = 512
	// MaxSockets is how many sockets of a user in a room are listed; the others are
	// counted.
	MaxSockets = 32
)

// Options configures a Presence. The zero value of each field means its default. The
// nodes of a cluster should have the same.
type Options struct {
	// Rooms says which rooms of the namespace are tracked by themselves: who joins one
	// is tracked in it as Socket.User, who leaves it is not. Nil is none: then rooms are
	// what Track says. It is called from any goroutine and must not wait.
	Rooms func(room string) bool
	// Meta describes the user of a socket that is tracked by itself, as the last
	// argument of Track. Nil is nothing. It is called like Rooms.
	Meta func(s *socketio.Socket) any
	// MaxMembers is how many users a room may have and still be listed; 200.
	MaxMembers int
	// MaxMembersOf says so for single rooms; 0 means MaxMembers. It is called like Rooms
	// and gives the same answer for a room each time.
	MaxMembersOf func(room string) int
	// Grace is how long a user whose last socket was lost is still in the room; 0 is not
	// at all. A node that dies takes its users with it after NodeTimeout, grace or not.
	Grace time.Duration
	// MaxTracked is how many sockets of this node may be tracked, counted once for each
	// of their rooms; 1,000,000. Beyond it Track returns ErrFull.
	MaxTracked int
	// Logger logs what an operator should know; nil logs nothing.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.MaxMembers <= 0 {
		o.MaxMembers = 200
	}
	if o.MaxTracked <= 0 {
		o.MaxTracked = 1_000_000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// limit is how many users a room may have and still be listed.
func (o *Options) limit(room string) int {
	if o.MaxMembersOf != nil {
		if n := o.MaxMembersOf(room); n > 0 {
			return n
		}
	}
	return o.MaxMembers
}
