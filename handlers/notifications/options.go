package notifications

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/server/size"
)

// Options bounds the notifications. Zero means the default of a field.
type Options struct {
	// PerUser is how many notifications of a user are kept; 50.
	PerUser int `yaml:"per-user,omitempty"`
	// Users is of how many users they are kept; 10,000.
	Users int `yaml:"users,omitempty"`
	// Bytes bounds what is kept of all users together; 64 MiB.
	Bytes size.Size `yaml:"bytes,omitempty"`
	// Age is how long a notification is kept; 168 h.
	Age time.Duration `yaml:"age,omitempty"`
	// Recovery is how long a connection may be lost and still be given what it missed as
	// it came, instead of a list; 2 min.
	Recovery time.Duration `yaml:"recovery,omitempty"`
	// RecoveryBytes bounds the packets kept for recovery; 16 MiB.
	RecoveryBytes size.Size `yaml:"recovery-bytes,omitempty"`

	// Observer is told what a metric may count; nil hears nothing.
	Observer Observer `yaml:"-"`
	// Logger logs what an operator should know; nil logs nothing.
	Logger *slog.Logger `yaml:"-"`
}

// Observer is called by any number of goroutines at once and must not block.
type Observer interface {
	// Notified is called for each message with the number of users to whom it was new,
	// and of those who had it already.
	Notified(users, repeated int)
}

type nobody struct{}

func (nobody) Notified(int, int) {}

// Validate reports each field that cannot be, naming its key.
func (o Options) Validate() error {
	var errs []error
	for _, field := range []struct {
		key string
		n   int64
	}{
		{"per-user", int64(o.PerUser)},
		{"users", int64(o.Users)},
		{"bytes", int64(o.Bytes)},
		{"age", int64(o.Age)},
		{"recovery", int64(o.Recovery)},
		{"recovery-bytes", int64(o.RecoveryBytes)},
	} {
		if field.n < 0 {
			errs = append(errs, fmt.Errorf("notifications.%s: below zero", field.key))
		}
	}
	return errors.Join(errs...)
}

func (o Options) withDefaults() Options {
	o.PerUser = or(o.PerUser, 50)
	o.Users = or(o.Users, 10_000)
	o.Bytes = or(o.Bytes, 64<<20)
	o.Age = or(o.Age, 168*time.Hour)
	o.Recovery = or(o.Recovery, 2*time.Minute)
	o.RecoveryBytes = or(o.RecoveryBytes, 16<<20)
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func or[T int | size.Size | time.Duration](value, fallback T) T {
	if value == 0 {
		return fallback
	}
	return value
}
