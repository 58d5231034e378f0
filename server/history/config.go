package history

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/size"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/spaces"
)

// Config is what the configuration file says under "history:". The zero value keeps nothing.
type Config struct {
	// MaxBytes bounds what all rooms take together; 0 means 64 MiB.
	MaxBytes size.Size `yaml:"max-bytes,omitempty"`
	// Namespaces maps a namespace, or a pattern of them as package spaces has it, to its
	// rooms.
	Namespaces map[string]Rooms `yaml:"namespaces,omitempty"`
}

// Rooms maps a room, or a pattern in which "*" stands for any characters, to what is kept
// of each. Of several that fit a room one counts: a plain name before a pattern, then the
// longer one, then the alphabetically first.
type Rooms map[string]Room

// Room says how much is kept of a room. What is zero means its default.
type Room struct {
	// Length is how many messages are kept; 0 means 1000.
	Length int `yaml:"length,omitempty"`
	// Age is how old they may be; 0 means 24 h.
	Age time.Duration `yaml:"age,omitempty"`
	// Bytes is what they take together; 0 means 1 MiB.
	Bytes size.Size `yaml:"bytes,omitempty"`
	// Off keeps nothing, where a wider pattern would.
	Off bool `yaml:"off,omitempty"`
}

// On reports whether any room has a history.
func (c Config) On() bool { return len(c.Namespaces) > 0 }

// Validate reports everything that is wrong, each error naming its key as
// history.namespaces["/x"]["room"].field.
func (c Config) Validate() error {
	var errs []error
	if c.MaxBytes < 0 {
		errs = append(errs, errors.New("history.max-bytes: below zero"))
	}
	if !c.On() && c.MaxBytes > 0 {
		errs = append(errs, errors.New("history: names no room; write them under history.namespaces, such as /: {\"news:*\": {length: 500}}"))
	}
	for _, key := range slices.Sorted(maps.Keys(c.Namespaces)) {
		at := fmt.Sprintf("history.namespaces[%q]", key)
		if _, err := spaces.Compile(key); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
		if len(c.Namespaces[key]) == 0 {
			errs = append(errs, fmt.Errorf("%s: names no room; write one, or a pattern such as \"news:*\", with its limits: {length: 500}", at))
		}
		for _, room := range slices.Sorted(maps.Keys(c.Namespaces[key])) {
			errs = append(errs, c.Namespaces[key][room].validate(fmt.Sprintf("%s[%q]", at, room), room, c.maxBytes())...)
		}
	}
	return errors.Join(errs...)
}

func (c Config) maxBytes() size.Size { return cmp.Or(c.MaxBytes, socketio.DefaultHistoryBytes) }

func (r Room) validate(at, room string, most size.Size) []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(at+format, args...)) }
	if err := (auth.Patterns{room}).Validate(at); err != nil {
		errs = append(errs, err)
	}
	plain := !strings.Contains(room, "*")
	switch {
	case socketio.ReservedRoom(room):
		fail(": rooms whose names begin with %s belong to the server, which keeps no history of them", socketio.ReservedRoomPrefix)
	case plain && socketio.MayBeID(room):
		fail(": the name reads like the id of a socket (20 letters, digits, - and _), and what is sent to one client is never kept; choose another name")
	case r.Off && r != Room{Off: true}:
		fail(": off keeps nothing; leave the limits out, or off")
	}
	if r.Length < 0 {
		fail(".length: %d is below zero", r.Length)
	}
	if r.Age < 0 {
		fail(".age: %v is below zero", r.Age)
	}
	if r.Bytes < 0 || r.Bytes > most {
		fail(".bytes: %v is not between 0 and history.max-bytes, which is %v", r.Bytes, most)
	}
	return errs
}
