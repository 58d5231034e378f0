package relay

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
	"github.com/sockeye-io/sockeye/server/spaces"
)

// Config says what is relayed. The zero value is the relay contract on "/" and
// nothing else. As YAML, with at most these lines for the chat of Socket.IO's first
// tutorial:
//
//	relay:
//	  namespaces:
//	    /:
//	      chat message: {to: all}
type Config struct {
	// MaxRooms is how many rooms a socket may be in, its own not counted; 0 means 100.
	MaxRooms int `yaml:"max-rooms,omitempty"`
	// MaxRoomName is the length of a room's name in bytes; 0 means 256.
	MaxRoomName int `yaml:"max-room-name,omitempty"`
	// Contract is whether "/" has join, leave, say and echo; nil means true.
	Contract *bool `yaml:"contract,omitempty"`
	// Namespaces maps a namespace, or a pattern of namespaces as of package spaces, to
	// its rules. A namespace that several keys fit has the rules of one.
	Namespaces map[string]Rules `yaml:"namespaces,omitempty"`
	// Roles maps a key of Namespaces, or "/", to roles of which a client needs one to
	// enter. A client that loses them is disconnected.
	Roles map[string][]string `yaml:"roles,omitempty"`
	// Recovery maps a key of Namespaces without pattern, or "/", to how long a client may be
	// away and still get what it missed. Where there is none, the server's Recovery counts.
	Recovery map[string]time.Duration `yaml:"recovery,omitempty"`

	// RecoveryBytes bounds what is kept for it, as socketio.Recovery.MaxBytes.
	RecoveryBytes int64 `yaml:"-"`
	// Access decides about the rooms that clients enter and publish to; nil lets
	// everybody use all of them.
	Access auth.Access `yaml:"-"`
	// Reserved are namespaces that have a handler of their own, such as "/chat"; a
	// rule for one of them is an error.
	Reserved []string `yaml:"-"`
	// Without are events that the contract has not: another handler takes them.
	Without []string `yaml:"-"`
	// Elsewhere reports whether another handler takes an event that neither the contract
	// nor a rule of its name takes. It is asked before the rule "*"; nil is never.
	Elsewhere func(namespace, event string) bool `yaml:"-"`
	// Observer hears of unknown events; nil hears nothing.
	Observer Observer `yaml:"-"`
	// Logger logs unknown events; nil logs nothing.
	Logger *slog.Logger `yaml:"-"`
}

// Observer is told what a metric may count. It is called by many goroutines at once
// and must not block.
type Observer interface {
	// UnknownEvent is called for each event that nothing took. The namespace is the
	// key of Config.Namespaces (or "/"), so it is safe as a label.
	UnknownEvent(namespace string)
	// Forbidden is called for each event that its sender may not send, likewise.
	Forbidden(namespace string)
}

// Rules maps the name of an event, or "*" for every event without a rule of its own
// and outside the contract, to what happens.
type Rules map[string]Rule

// Rule says what happens with one event. Exactly one of To and Do is set.
type Rule struct {
	// To says who receives the event.
	To Target `yaml:"to,omitempty"`
	// Do enters or leaves the room that argument 0 names.
	Do Action `yaml:"do,omitempty"`
	// As is the name under which it is emitted; empty keeps the name.
	As string `yaml:"as,omitempty"`
	// Volatile drops the event for a client that is not ready to take it at once.
	Volatile bool `yaml:"volatile,omitempty"`
	// Self is whether the sender receives it too; nil means true for all, rooms and
	// room-in-arg-0. It is never so for others.
	Self *bool `yaml:"self,omitempty"`
	// Ack is how a client that asks for an acknowledgement is answered; empty means ok.
	Ack Ack `yaml:"ack,omitempty"`
	// Roles are those of which the sender needs one; none is needed if there are none.
	Roles []string `yaml:"roles,omitempty"`
	// Rooms are those that this event may enter or be sent to, whatever else the sender
	// may; nil means all. Only for room-in-arg-0, rooms and join.
	Rooms auth.Patterns `yaml:"rooms,omitempty"`
}

// Target says who receives a relayed event.
type Target string

// The targets. Every one reaches sockets of the same namespace only.
const (
	ToAll    Target = "all"           // everyone
	ToOthers Target = "others"        // everyone but the sender
	ToRooms  Target = "rooms"         // the members of the rooms that the sender is in
	ToRoom0  Target = "room-in-arg-0" // the members of the room named by argument 0, which is taken off
)

// Action is what a rule does instead of relaying.
type Action string

// The actions, on the room that argument 0 names.
const (
	DoJoin  Action = "join"
	DoLeave Action = "leave"
)

// Ack is how a client that asked for an acknowledgement is answered.
type Ack string

// The answers. None never answers, as a server without a callback does; errors are
// answered all the same.
const (
	AckOK   Ack = "ok"
	AckNone Ack = "none"
)

// HasContract reports whether "/" has join, leave, say and echo.
func (c Config) HasContract() bool { return c.Contract == nil || *c.Contract }

// Dynamic reports whether a key stands for more than one namespace, so that clients
// can create namespaces.
func (c Config) Dynamic() bool {
	for key := range c.Namespaces {
		if !spaces.Exact(key) {
			return true
		}
	}
	return false
}

// RolesOf lists the roles of which a client needs one to enter a namespace; none is needed
// if there are none.
func (c Config) RolesOf(namespace string) []string {
	for _, key := range spaces.Sorted(maps.Keys(c.Namespaces)) {
		if re, err := spaces.Compile(key); err == nil && re.MatchString(namespace) {
			return c.Roles[key]
		}
	}
	if namespace == "/" {
		return c.Roles["/"]
	}
	return nil
}

// Validate reports everything that is wrong, each error naming its key as
// relay.namespaces["/x"]["event"].field.
func (c Config) Validate() error {
	var errs []error
	if c.MaxRooms < 0 {
		errs = append(errs, fmt.Errorf("relay.max-rooms: %d is below zero", c.MaxRooms))
	}
	if c.MaxRoomName < 0 {
		errs = append(errs, fmt.Errorf("relay.max-room-name: %d is below zero", c.MaxRoomName))
	}
	for _, key := range sortedKeys(c.Roles) {
		errs = append(errs, c.validateRoles(key)...)
	}
	for _, key := range sortedKeys(c.Recovery) {
		errs = append(errs, c.validateRecovery(key)...)
	}
	for _, key := range c.keys() {
		at := fmt.Sprintf("relay.namespaces[%q]", key)
		if _, err := spaces.Compile(key); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
		if slices.Contains(c.Reserved, key) {
			errs = append(errs, fmt.Errorf("%s: this namespace has a handler of its own; choose another one", at))
		}
		for _, event := range sortedKeys(c.Namespaces[key]) {
			errs = append(errs, c.Namespaces[key][event].validate(fmt.Sprintf("%s[%q]", at, event), event)...)
		}
	}
	return errors.Join(errs...)
}

// validateRoles checks who may enter the namespaces of a key.
func (c Config) validateRoles(key string) []error {
	at := fmt.Sprintf("relay.roles[%q]", key)
	var errs []error
	if _, ruled := c.Namespaces[key]; !ruled && (key != "/" || !c.HasContract()) {
		errs = append(errs, fmt.Errorf("%s: there is no such key under relay.namespaces; write it in the same way there", at))
	}
	if len(c.Roles[key]) == 0 || slices.Contains(c.Roles[key], "") {
		errs = append(errs, fmt.Errorf("%s: names no role; write a list such as [moderator], or leave it out to let everybody enter", at))
	}
	return errs
}

// validateRecovery checks how long the clients of a namespace may be away.
func (c Config) validateRecovery(key string) []error {
	at := fmt.Sprintf("relay.recovery[%q]", key)
	var errs []error
	if _, ruled := c.Namespaces[key]; !ruled && (key != "/" || !c.HasContract()) {
		errs = append(errs, fmt.Errorf("%s: there is no such key under relay.namespaces; write it in the same way there", at))
	}
	if !spaces.Exact(key) {
		errs = append(errs, fmt.Errorf("%s: this is a pattern; write the name of one namespace, or set --recovery for all", at))
	}
	if c.Recovery[key] <= 0 {
		errs = append(errs, fmt.Errorf("%s: %v is not above zero; write a duration such as 2m", at, c.Recovery[key]))
	}
	return errs
}

func (r Rule) validate(at, event string) []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(at+format, args...)) }
	if event == "" {
		fail(": an event needs a name, or \"*\" for every other one")
	}
	if wire.Reserved(event) {
		fail(": Socket.IO keeps this event name for itself; no client can send it")
	}
	if rooms.OwnEvent(event) {
		fail(": event names that begin with %q or %q are for what the server and its clients tell one another; no client may send one to another", rooms.EventPrefix, auth.EventPrefix)
	}
	if rooms.OwnEvent(r.As) {
		fail(".as: event names that begin with %q or %q are for what the server and its clients tell one another; choose another name", rooms.EventPrefix, auth.EventPrefix)
	}
	if r.As != "" && wire.Reserved(r.As) {
		fail(".as: Socket.IO keeps the event name %q for itself; choose another one", r.As)
	}
	switch {
	case r.To == "" && r.Do == "":
		fail(": has neither to nor do; write to: all, others, rooms or room-in-arg-0")
	case r.To != "" && r.Do != "":
		fail(": has both to and do; keep one")
	case r.To != "" && !slices.Contains([]Target{ToAll, ToOthers, ToRooms, ToRoom0}, r.To):
		fail(".to: %q is none of all, others, rooms, room-in-arg-0", r.To)
	case r.Do != "" && r.Do != DoJoin && r.Do != DoLeave:
		fail(".do: %q is neither join nor leave", r.Do)
	case r.Do != "" && (r.As != "" || r.Volatile || r.Self != nil):
		fail(": as, volatile and self say how to relay; with do nothing is relayed")
	case r.To == ToOthers && r.Self != nil && *r.Self:
		fail(".self: others never include the sender; write to: all")
	}
	if slices.Contains(r.Roles, "") {
		fail(".roles: a role is empty; write its name")
	}
	if r.Rooms != nil && r.To != ToRoom0 && r.To != ToRooms && r.Do != DoJoin {
		fail(".rooms: only room-in-arg-0, rooms and join have to do with rooms that the sender chooses")
	}
	if r.Rooms != nil && len(r.Rooms) == 0 {
		fail(".rooms: names no room; leave it out to let the event go to every room")
	}
	if err := r.Rooms.Validate(at + ".rooms"); err != nil {
		errs = append(errs, err)
	}
	if r.Ack != "" && r.Ack != AckOK && r.Ack != AckNone {
		fail(".ack: %q is neither ok nor none", r.Ack)
	}
	return errs
}

// toSelf reports whether the sender receives its own event.
func (r Rule) toSelf() bool { return r.To != ToOthers && (r.Self == nil || *r.Self) }

// keys lists the namespaces' keys in the order in which they are tried.
func (c Config) keys() []string { return spaces.Sorted(maps.Keys(c.Namespaces)) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
