package auth

import (
	"errors"
	"fmt"
	"strconv"
)

// Config is what the configuration file says under "auth:". The zero value lets
// everybody use every room that a token does not keep from them.
type Config struct {
	// Anonymous are the rights of clients that show nothing, where those are admitted;
	// nil means everything. Given, only what is listed is allowed.
	Anonymous *Rights `yaml:"anonymous,omitempty"`
}

// Validate reports each pattern that cannot be, naming its key.
func (c Config) Validate() error {
	if c.Anonymous == nil {
		return nil
	}
	return errors.Join(
		c.Anonymous.Join.Validate("auth.anonymous.join"),
		c.Anonymous.Publish.Validate("auth.anonymous.publish"),
	)
}

// Open reports whether everybody may do everything, as far as this configuration says.
func (c Config) Open() bool { return c.Anonymous == nil }

// Rights are rooms that somebody may use.
type Rights struct {
	Join    Patterns `yaml:"join"`
	Publish Patterns `yaml:"publish"`
}

// Rooms is the usual Access: a principal may join and read the rooms that its Join
// patterns fit, and publish to those that its Publish patterns fit. To reach the whole
// namespace (the room "") a pattern must fit everything: "*". Names of rooms mean the
// same in all namespaces.
type Rooms struct {
	// Anonymous are the rights of every principal with MethodAnonymous, instead of its
	// own; nil leaves it its own.
	Anonymous *Rights
}

var _ Access = Rooms{}

// Allow asks the patterns.
func (r Rooms) Allow(p *Principal, do Action, _, room string) error {
	may := p.Join
	if do == ActionPublish {
		may = p.Publish
	}
	if r.Anonymous != nil && p.Method == MethodAnonymous {
		may = r.Anonymous.Join
		if do == ActionPublish {
			may = r.Anonymous.Publish
		}
	}
	if room == "" && may.All() || room != "" && may.MatchFor(p.ID, room) {
		return nil
	}
	return Forbidden(do, room)
}

// Forbidden returns the error that a client is told whose principal may not do
// something with a room.
func Forbidden(do Action, room string) *Error {
	where := "the whole namespace"
	if room != "" {
		where = "the room " + strconv.Quote(room)
	}
	var what string
	switch do {
	case ActionPublish:
		what = "publish to "
	case ActionRead:
		what = "read "
	case ActionJoin:
		what = "join "
	default:
		what = fmt.Sprintf("%s ", do)
	}
	return &Error{Code: CodeForbidden, Message: "you have no right to " + what + where}
}
