package presence

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// EventName is the server-side event in which nodes speak with one another.
const EventName = "sockeye:presence"

// protocol is the version of the messages this node understands.
const protocol = 1

// The kinds of messages.
const (
	kindDelta = "delta"
	kindPage  = "page"
	kindBeat  = "beat"
	kindWant  = "want"
	kindBye   = "bye"
)

// Bounds of a message that is believed.
const (
	maxNodeID   = 64
	maxSocketID = 128
	maxPages    = 1 << 20
	maxCount    = 1 << 40
)

// head is the first argument of a message.
type head struct {
	V       int    `json:"v"` // the lowest version that understands the message
	Kind    string `json:"k"`
	Node    string `json:"n"`
	Version uint64 `json:"t,omitempty"`
	Page    int    `json:"p,omitempty"`
	Pages   int    `json:"of,omitempty"`
	Told    int    `json:"e,omitempty"`
}

// body is the second argument of a delta and of a page.
type body struct {
	Rooms []roomOp `json:"r,omitempty"`
	Metas []metaOp `json:"m,omitempty"`
}

// roomOp is what a node says of its own part of a room.
type roomOp struct {
	Name  string     `json:"n"`
	Count *[2]int    `json:"c,omitempty"` // users and sockets, instead of a list; none are nothing
	All   bool       `json:"l,omitempty"` // Set is the whole list
	Set   []memberOp `json:"s,omitempty"`
	Gone  []string   `json:"d,omitempty"`
}

type memberOp struct {
	User    string   `json:"u"`
	Sockets []string `json:"s,omitempty"`
	N       int      `json:"n,omitempty"` // how many, if more than are listed
}

type metaOp struct {
	User  string `json:"u"`
	Stamp int64  `json:"t"`
	Meta  string `json:"m"` // JSON; as text, so that no adapter changes it on the way
}

// wants is the second argument of a want.
type wants struct {
	Of  []want `json:"w,omitempty"`
	All bool   `json:"a,omitempty"` // and of every node that is not named
}

type want struct {
	Node string `json:"n"`
	Have int64  `json:"h"` // the version; everything, if below 0
}

// parseHead reads the first argument. An error says that it is no message for this
// version, which is nothing to worry about if newer nodes are here.
func parseHead(args socketio.Args) (head, error) {
	var h head
	if err := args.At(0).Decode(&h); err != nil {
		return head{}, fmt.Errorf("presence: head of a message: %w", err)
	}
	if h.V < 1 || h.V > protocol {
		return head{}, fmt.Errorf("presence: a message of version %d", h.V)
	}
	if h.Node == "" || len(h.Node) > maxNodeID || h.Page < 0 || h.Pages < 0 || h.Pages > maxPages || h.Told < 0 {
		return head{}, errors.New("presence: a head with impossible values")
	}
	return h, nil
}

func parseBody(args socketio.Args) (*body, error) {
	var b body
	if err := args.At(1).Decode(&b); err != nil {
		return nil, fmt.Errorf("presence: body of a message: %w", err)
	}
	for i := range b.Rooms {
		if err := b.Rooms[i].check(); err != nil {
			return nil, err
		}
	}
	for _, m := range b.Metas {
		if checkName(m.User) != nil || m.User == "" || m.Stamp < 1 || len(m.Meta) > MaxMeta || !json.Valid([]byte(m.Meta)) {
			return nil, fmt.Errorf("presence: an impossible meta of the user %.40q", m.User)
		}
	}
	return &b, nil
}

func (op *roomOp) check() error {
	if err := checkName(op.Name); err != nil {
		return err
	}
	if c := op.Count; c != nil && (c[0] < 0 || c[1] < 0 || c[0] > maxCount || c[1] > maxCount) {
		return fmt.Errorf("presence: impossible counts of the room %.40q", op.Name)
	}
	for _, m := range op.Set {
		if checkName(m.User) != nil || len(m.Sockets) > MaxSockets || m.N < 0 || m.N > maxCount {
			return fmt.Errorf("presence: an impossible member of the room %.40q", op.Name)
		}
		for _, sid := range m.Sockets {
			if len(sid) > maxSocketID {
				return fmt.Errorf("presence: an impossible socket in the room %.40q", op.Name)
			}
		}
	}
	return nil
}

func parseWants(args socketio.Args) (wants, error) {
	var w wants
	if err := args.At(1).Decode(&w); err != nil {
		return wants{}, fmt.Errorf("presence: body of a message: %w", err)
	}
	return w, nil
}

// size is about how long the op is as JSON.
func (op *roomOp) size() int {
	n := len(op.Name) + 40
	for i := range op.Set {
		n += op.Set[i].size()
	}
	for _, id := range op.Gone {
		n += len(id) + 4
	}
	return n
}

func (m *memberOp) size() int {
	n := len(m.User) + 32
	for _, sid := range m.Sockets {
		n += len(sid) + 4
	}
	return n
}

// checkName says what is wrong with the name of a room or the id of a user.
func checkName(name string) error {
	switch {
	case len(name) > MaxName:
		return fmt.Errorf("presence: the name %.40q… has %d bytes; the most is %d", name, len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("presence: the name %.40q is not valid UTF-8", name)
	}
	return nil
}

// encodeMeta returns the JSON of a meta; "" for nil, which says nothing.
func encodeMeta(meta any) (string, error) {
	if meta == nil {
		return "", nil
	}
	text, err := json.Marshal(meta)
	if err != nil {
		return "", fmt.Errorf("presence: the meta of a user: %w", err)
	}
	if len(text) > MaxMeta {
		return "", fmt.Errorf("presence: the meta of a user has %d bytes as JSON; the most is %d", len(text), MaxMeta)
	}
	return string(text), nil
}
