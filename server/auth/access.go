package auth

// Action is something that a principal may do with a room.
type Action string

// The actions.
const (
	ActionJoin    Action = "join"    // enter the room and read what is said there
	ActionPublish Action = "publish" // say something to the room
	ActionRead    Action = "read"    // see who is there, and what was said, from outside
)

// Access decides what a principal may do. It is asked for each event, from any
// goroutine, and must not wait. The room "" is the whole namespace.
type Access interface {
	// Allow returns nil, or an *Error with CodeForbidden that the client is told.
	Allow(p *Principal, do Action, namespace, room string) error
}
