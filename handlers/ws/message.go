package ws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sockeye-io/sockeye/server/doors"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// maxID is the largest integer that every JavaScript client reads as it is.
const maxID = 1 << 53

// Codes of errors that only this package has.
const (
	codeBadMessage = "bad_message" // not of the documented form
	codeBadEvent   = "bad_event"   // missing, too long, or a name that the protocol keeps for itself
	codeBadRoom    = "bad_room"    // missing
)

// message is what a client sends. Members that are not known are ignored.
type message struct {
	Type  string          `json:"type"`
	Room  json.RawMessage `json:"room"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
	ID    *uint64         `json:"id"`
	Token string          `json:"token"`
	Since *string         `json:"since"`
	Limit *int            `json:"limit"`
}

// wrong is what a client is told of a message that is none.
type wrong struct{ Code, Message string }

func (w *wrong) Error() string { return w.Code + ": " + w.Message }

// parse reads a message. The error is a *wrong; with it comes what could be read.
func parse(text []byte) (m message, err error) {
	if err := json.Unmarshal(text, &m); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) && kind.Field == "id" {
			m.ID = nil // what it is now is not what the client sent
		}
		return m, &wrong{codeBadMessage, "not a message: " + reason(err)}
	}
	switch {
	case m.Type == "":
		return m, &wrong{codeBadMessage, `a message is an object with a "type", such as {"type":"ping"}`}
	case m.ID != nil && *m.ID > maxID:
		m.ID = nil
		return m, &wrong{codeBadMessage, "id is an integer from 0 to 2^53"}
	}
	return m, nil
}

// reason says what is wrong with JSON in words that do not speak of Go.
func reason(err error) string {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Sprintf("%s must not be %s here", kind.Field, article(kind.Value))
	case errors.As(err, &kind):
		return "it is " + article(kind.Value) + ", and should be an object"
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s (after %d bytes)", syntax.Error(), syntax.Offset)
	}
	return err.Error()
}

// article puts one before the kind of a JSON value.
func article(kind string) string {
	if kind == "array" || kind == "object" {
		return "an " + kind
	}
	return "a " + kind
}

// event is the event that the message stands for. It is for every type but auth, ack and
// ping.
func (m *message) event() (name string, args socketio.Args, err error) {
	name = m.Type
	switch m.Type {
	case "join", "leave", "typing":
		args, err = m.args(true)
	case "say":
		if m.Event != "" && m.Event != "msg" {
			name = m.Event
		}
		args, err = m.args(true)
	case "echo":
		args, err = m.args(false)
	case "event", "emit":
		if name = m.Event; name == "" {
			return "", args, &wrong{codeBadEvent, `"event" is missing: which one?`}
		}
		args, err = m.args(false)
	default:
		return "", args, &wrong{codeBadMessage, fmt.Sprintf("there is no message of type %.40q; an event of one's own is {\"type\":\"event\",\"event\":…}", m.Type)}
	}
	if err != nil {
		return "", args, err
	}
	if err := socketio.CheckEvent(name); err != nil {
		return "", args, &wrong{codeBadEvent, fmt.Sprintf("no client can send an event %.40q", name)}
	}
	return name, args, nil
}

// args are the arguments of the event: the room, if it has one, and the data. A join has
// what it asks for instead of data.
func (m *message) args(room bool) (socketio.Args, error) {
	var list bytes.Buffer
	list.WriteByte('[')
	if room {
		if len(m.Room) == 0 || string(m.Room) == "null" {
			return socketio.Args{}, &wrong{codeBadRoom, `"room" is missing: which one?`}
		}
		list.Write(m.Room)
	}
	data := m.Data
	if m.Type == "join" {
		data = m.wants()
	}
	if inner := elements(data); len(inner) > 0 {
		if room {
			list.WriteByte(',')
		}
		list.Write(inner)
	}
	list.WriteByte(']')
	args, err := socketio.ParseArgs(list.Bytes())
	if err != nil {
		return args, &wrong{codeBadMessage, "data cannot be taken: " + err.Error()}
	}
	return args, nil
}

// elements is the list without its brackets; what is no list is the only element.
func elements(data json.RawMessage) []byte {
	data = bytes.TrimSpace(data)
	if len(data) > 0 && data[0] == '[' {
		return bytes.TrimSpace(data[1 : len(data)-1])
	}
	return data
}

// wants is the second argument of a join.
func (m *message) wants() json.RawMessage {
	if m.Since == nil {
		return nil
	}
	text, err := json.Marshal(struct {
		Since string `json:"since"`
		Limit *int   `json:"limit,omitempty"`
	}{*m.Since, m.Limit})
	if err != nil {
		panic(err) // a string and a number always encode
	}
	return text
}

// refresh is the event of a message of type auth.
func (m *message) refresh() (name string, args socketio.Args) {
	text, err := json.Marshal(m.Token)
	if err == nil {
		args, err = socketio.ParseArgs(text)
	}
	if err != nil {
		panic(err) // a string always encodes
	}
	return doors.RefreshEvent, args
}

// failure is the message for an error.
func failure(id *uint64, code, text string) []byte {
	type body struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	out, err := json.Marshal(struct {
		Type  string  `json:"type"`
		ID    *uint64 `json:"id,omitempty"`
		Error body    `json:"error"`
	}{"error", id, body{code, text}})
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return out
}
