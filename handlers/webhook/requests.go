package webhook

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// head is what every request says.
type head struct {
	Call      Call   `json:"call"`
	Time      int64  `json:"time"` // milliseconds since 1970
	Socket    string `json:"socket"`
	Namespace string `json:"namespace"`
	User      *user  `json:"user"` // null: nobody in particular
	Data      any    `json:"data"` // the socket's
}

// user is who a client is.
type user struct {
	ID     string          `json:"id"`
	Name   string          `json:"name,omitempty"`
	Roles  []string        `json:"roles,omitempty"`
	Data   json.RawMessage `json:"data,omitempty"`
	Method auth.Method     `json:"method"`
}

type connectRequest struct {
	head
	Recovered bool      `json:"recovered"`
	Handshake handshake `json:"handshake"`
}

// handshake is what a connection began with.
type handshake struct {
	Address string            `json:"address"`
	Secure  bool              `json:"secure"`
	Headers map[string]string `json:"headers"` // those that the configuration names, in lower case
	Query   map[string]string `json:"query"`   // without what is Engine.IO's
	Auth    json.RawMessage   `json:"auth"`
}

type eventRequest struct {
	head
	Rooms []string        `json:"rooms"`
	Event string          `json:"event"`
	Args  json.RawMessage `json:"args"`
	Ack   bool            `json:"ack"`
}

type disconnectRequest struct {
	head
	Rooms     []string `json:"rooms"` // in which it was
	Reason    string   `json:"reason"`
	Detail    string   `json:"detail"`
	Connected int64    `json:"connected"` // for how many milliseconds
}

func headOf(c Call, s *socketio.Socket) head {
	h := head{Call: c, Time: time.Now().UnixMilli(), Socket: s.ID(), Namespace: s.Namespace().Name(), Data: s.Data()}
	if p := auth.Of(s); p.ID != "" {
		h.User = &user{p.ID, p.Name, p.Roles, p.Data, p.Method}
	}
	return h
}

// roomsOf is rooms.Of, never nil.
func roomsOf(s *socketio.Socket) []string { return append([]string{}, rooms.Of(s)...) }

// engineQuery are parameters that the client's library writes; sid is a secret.
var engineQuery = []string{"EIO", "transport", "sid", "t", "b64", "j"}

func (b *backend) handshakeOf(s *socketio.Socket) handshake {
	h := s.Handshake()
	told := handshake{Address: h.Address, Secure: h.Secure, Headers: make(map[string]string), Query: make(map[string]string)}
	for _, name := range b.hook.Headers {
		separator := ", "
		if name == "Cookie" {
			separator = "; "
		}
		if values := h.Headers.Values(name); len(values) > 0 {
			told.Headers[strings.ToLower(name)] = strings.Join(values, separator)
		}
	}
	for name, values := range h.Query {
		told.Query[name] = values[len(values)-1]
	}
	for _, name := range engineQuery {
		delete(told.Query, name)
	}
	if text, err := h.Auth.MarshalJSON(); err == nil {
		told.Auth = withoutSession(text)
	}
	return told
}

// withoutSession takes what the client's library puts in to be recovered out of the
// payload of CONNECT: pid is a secret.
func withoutSession(auth json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	if json.Unmarshal(auth, &members) != nil || members["pid"] == nil {
		return auth
	}
	delete(members, "pid")
	delete(members, "offset")
	less, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	return less
}
