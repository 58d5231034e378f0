package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// Bounds of one answer.
const (
	maxEmits   = 1000
	maxRooms   = 100  // entered, left, or addressed by one emit
	maxMessage = 1000 // bytes of what a client is told
)

// connectAnswer is what a backend says of a client that connects.
type connectAnswer struct {
	Allow *bool `json:"allow"`
	// Of one that is let in.
	User  *auth.Claims `json:"user"`
	Rooms []string     `json:"rooms"`
	Emit  []emit       `json:"emit"`
	// Of one that is not.
	Message string `json:"message"`
	Code    string `json:"code"`
	// Data is the socket's, or what the refused client is told beside the message.
	Data socketio.Raw `json:"data"`

	principal *auth.Principal // of User
}

// eventAnswer is what a backend says of an event.
type eventAnswer struct {
	Ack        json.RawMessage `json:"ack"`
	Emit       []emit          `json:"emit"`
	Join       []string        `json:"join"`
	Leave      []string        `json:"leave"`
	Data       socketio.Raw    `json:"data"`
	Disconnect *ending         `json:"disconnect"`

	ack []any // of Ack
}

// disconnectAnswer is what a backend says of a client that has gone.
type disconnectAnswer struct {
	Emit []emit `json:"emit"`
}

// ending is why a client is disconnected.
type ending struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// emit is an event for clients: those in any of the rooms or of the users, or all.
type emit struct {
	Namespace string            `json:"namespace"`
	Rooms     []string          `json:"rooms"`
	Users     []string          `json:"users"`
	Except    []string          `json:"except"`
	Event     string            `json:"event"`
	Args      []json.RawMessage `json:"args"`
	Volatile  bool              `json:"volatile"`

	args []any // of Args
}

// decode reads one JSON object strictly: a member that is not known is an error. An empty
// body is an empty object.
func decode(body []byte, into any) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("its answer is not understood: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("its answer goes on after the JSON object")
	}
	if bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		return errors.New("its answer is null, and no object")
	}
	return nil
}

// readConnect reads the answer to Connect.
func readConnect(body []byte) (*connectAnswer, error) {
	a := &connectAnswer{}
	if err := decode(body, a); err != nil {
		return nil, err
	}
	switch {
	case a.Allow == nil:
		return nil, errors.New(`its answer has no "allow": true or false`)
	case !*a.Allow && (a.User != nil || a.Rooms != nil || a.Emit != nil):
		return nil, errors.New("its answer has user, rooms or emit for a client that it refuses")
	case *a.Allow && (a.Message != "" || a.Code != ""):
		return nil, errors.New("its answer has a message or code for a client that it lets in")
	case len(a.Message) > maxMessage:
		return nil, fmt.Errorf("its message has more than %d bytes", maxMessage)
	}
	if a.User != nil {
		var err error
		if a.principal, err = principalOf(*a.User); err != nil {
			return nil, fmt.Errorf("user of its answer: %w", err)
		}
	}
	return a, errors.Join(checkRooms("rooms", a.Rooms), prepare(a.Emit))
}

// principalOf is the user of a connectAnswer.
func principalOf(c auth.Claims) (*auth.Principal, error) {
	p, err := c.Principal(auth.ClaimID)
	if err != nil {
		return nil, err
	}
	p.Method = auth.MethodWebhook
	p.Expires, err = c.Moment(auth.ClaimExpires)
	return p, err
}

// readEvent reads the answer to Event.
func readEvent(body []byte) (*eventAnswer, error) {
	a := &eventAnswer{}
	if err := decode(body, a); err != nil {
		return nil, err
	}
	if a.Disconnect != nil && (a.Disconnect.Code == "" || len(a.Disconnect.Code)+len(a.Disconnect.Message) > maxMessage) {
		return nil, fmt.Errorf("disconnect of its answer has no code, or more than %d bytes", maxMessage)
	}
	var err error
	if a.ack, err = ackOf(a.Ack); err != nil {
		return nil, fmt.Errorf("ack of its answer: %w", err)
	}
	return a, errors.Join(checkRooms("join", a.Join), checkRooms("leave", a.Leave), prepare(a.Emit))
}

// ackOf reads the arguments of an acknowledgement: a list of them, or a single one.
func ackOf(text json.RawMessage) ([]any, error) {
	if len(text) == 0 {
		return nil, nil
	}
	list := []json.RawMessage{text}
	if text[0] == '[' {
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, err
		}
	}
	return values(list)
}

func values(list []json.RawMessage) ([]any, error) {
	args, found := make([]any, len(list)), 0
	for i, text := range list {
		var err error
		if args[i], err = valueFromJSON(text, &found); err != nil {
			return nil, fmt.Errorf("argument %d: %w", i, err)
		}
	}
	if found > wire.DefaultMaxAttachments {
		return nil, fmt.Errorf("it has %d binary values; clients take at most %d", found, wire.DefaultMaxAttachments)
	}
	return args, nil
}

// readDisconnect reads the answer to Disconnect.
func readDisconnect(body []byte) (*disconnectAnswer, error) {
	a := &disconnectAnswer{}
	if err := decode(body, a); err != nil {
		return nil, err
	}
	return a, prepare(a.Emit)
}

// checkRooms reports names that no room of an application has.
func checkRooms(member string, names []string) error {
	if len(names) > maxRooms {
		return fmt.Errorf("%s of its answer has more than %d rooms", member, maxRooms)
	}
	for _, name := range names {
		if err := (rooms.Rules{}).Check(name); err != nil {
			return fmt.Errorf("%s of its answer: %w", member, err)
		}
	}
	return nil
}

// prepare checks what is to be emitted, so that all of it is or nothing.
func prepare(list []emit) error {
	if len(list) > maxEmits {
		return fmt.Errorf("emit of its answer has more than %d events", maxEmits)
	}
	for i := range list {
		if err := list[i].prepare(); err != nil {
			return fmt.Errorf("emit %d of its answer: %w", i, err)
		}
	}
	return nil
}

func (e *emit) prepare() (err error) {
	switch {
	case e.Event == "":
		return errors.New("it has no event")
	case wire.Reserved(e.Event) || rooms.OwnEvent(e.Event):
		return fmt.Errorf("the name %q is not the application's", e.Event)
	case e.Namespace != "" && e.Namespace[0] != '/':
		return fmt.Errorf("the namespace %q does not begin with a slash", e.Namespace)
	case len(e.Users) > maxRooms:
		return fmt.Errorf("it has more than %d users", maxRooms)
	case (e.Rooms != nil || e.Users != nil) && len(e.Rooms)+len(e.Users) == 0:
		return errors.New("it goes to nobody: leave rooms and users out for everybody")
	}
	for _, id := range e.Users {
		if id == "" || len(id) > socketio.MaxUserID {
			return errors.New("the id of a user is empty or too long")
		}
	}
	if e.args, err = values(e.Args); err != nil {
		return err
	}
	return errors.Join(checkRooms("rooms", e.Rooms), checkRooms("except", e.Except))
}
