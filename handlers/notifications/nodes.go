package notifications

import (
	"context"
	"log/slog"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// eventName is the server-side event in which the nodes speak with one another.
const eventName = "sockeye:notifications"

// protocol is the version of the messages this node understands.
const protocol = 1

// The kinds of messages between nodes.
const (
	kindNew  = "new"  // keep Notifications for Users
	kindRead = "read" // Users have read IDs
	kindWant = "want" // answer with what is kept for the one of Users
	kindHave = "have" // the answer: Notifications
)

// nodeMessage is the one argument of the event, and of its answer.
type nodeMessage struct {
	V             int            `json:"v"` // the lowest version that understands the message
	Kind          string         `json:"k"`
	Users         []string       `json:"u,omitempty"`
	IDs           []string       `json:"i,omitempty"`
	Notifications []Notification `json:"m,omitempty"`
}

// Bounds of what other nodes and clients are believed.
const (
	maxID   = 64       // bytes
	maxKept = 32 << 10 // bytes of a notification
)

// patience is how long a client that connects waits for what other nodes keep.
const patience = time.Second

// tellNodes has the other nodes know it, too. What does not reach them they ask for later.
func (n *Notifications) tellNodes(m *nodeMessage) {
	if !n.cluster {
		return
	}
	m.V = protocol
	if err := n.ns.ServerSideEmit(eventName, m); err != nil {
		n.opts.Logger.Debug("notifications: other nodes were not told", slog.String("kind", m.Kind), slog.Any("error", err))
	}
}

// hear takes a message of another node.
func (n *Notifications) hear(args socketio.Args, ack func(...any)) {
	var m nodeMessage
	if err := args.Bind(&m); err != nil || m.V < 1 || m.V > protocol || !m.possible() {
		n.opts.Logger.Debug("notifications: message of another node ignored", slog.Int("version", m.V), slog.Any("error", err))
		return
	}
	switch m.Kind {
	case kindNew:
		for i := range m.Notifications {
			n.tellLater(n.boxes.add(&m.Notifications[i], m.Users...)...)
		}
	case kindRead:
		for _, user := range m.Users {
			if n.boxes.read(user, m.IDs) {
				n.tellLater(user)
			}
		}
	case kindWant:
		if ack != nil && len(m.Users) == 1 {
			ack(&nodeMessage{V: protocol, Kind: kindHave, Notifications: n.boxes.of(m.Users[0]).Notifications})
		}
	}
}

// possible reports whether another node can have said this.
func (m *nodeMessage) possible() bool {
	for i := range m.Notifications {
		if one := &m.Notifications[i]; one.ID == "" || len(one.ID) > maxID || one.size() > maxKept {
			return false
		}
	}
	for _, user := range m.Users {
		if checkUser(user, "") != nil {
			return false
		}
	}
	for _, id := range m.IDs {
		if id == "" || len(id) > maxID {
			return false
		}
	}
	return len(m.Users) <= MaxUsers
}

// complete asks the other nodes what they keep for a user, unless this one has heard all of
// it. It waits until they have answered, or for patience.
func (n *Notifications) complete(ctx context.Context, user string) {
	if !n.cluster {
		return
	}
	mine, asking := n.boxes.beginAsking(user)
	switch {
	case mine:
		had, err := n.ask(ctx, user)
		if err != nil {
			n.opts.Logger.Debug("notifications: not all nodes said what they keep", slog.Any("error", err))
		}
		if n.boxes.endAsking(user, asking, had, err != nil) {
			n.tellLater(user)
		}
	case asking != nil:
		select {
		case <-asking:
		case <-ctx.Done():
		}
	}
}

// ask returns what other nodes keep for a user; with an error, what those keep that have
// answered.
func (n *Notifications) ask(ctx context.Context, user string) (had []Notification, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answers, err := n.ns.ServerSideEmitWithAck(ctx, eventName, &nodeMessage{V: protocol, Kind: kindWant, Users: []string{user}})
	for _, args := range answers {
		var m nodeMessage
		if args.Bind(&m) == nil && m.Kind == kindHave && m.V <= protocol && m.possible() {
			had = append(had, m.Notifications...)
		}
	}
	return had, err
}

// adapterEvent hears that messages of other nodes may have been missed.
func (n *Notifications) adapterEvent(e socketio.AdapterEvent) {
	if e.Kind == socketio.AdapterState && !e.Up {
		return
	}
	users := n.boxes.missed()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.catching || len(users) == 0 {
		return // who is asked about already comes at the next CONNECT
	}
	n.catching = true
	n.beginLocked(func() { n.catchUp(users) })
}

// catchUp asks about those of some users who are here.
func (n *Notifications) catchUp(users []string) {
	for _, user := range users {
		if n.ended.Err() == nil && n.ns.RoomSize(socketio.UserRoom(user)) > 0 {
			n.complete(n.ended, user)
		}
	}
	n.mu.Lock()
	n.catching = false
	n.mu.Unlock()
}
