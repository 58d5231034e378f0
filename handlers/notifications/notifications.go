package notifications

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/visitor"
)

// Namespace is where clients hear of notifications.
const Namespace = "/notifications"

// Notifications notifies users. Its methods may be called from any goroutine.
type Notifications struct {
	opts    Options // with defaults
	ns      *socketio.Namespace
	boxes   *boxes
	cluster bool // there may be other nodes

	ended   context.Context
	end     context.CancelFunc
	running sync.WaitGroup // what goes on by itself; nothing is added after the end

	mu       sync.Mutex
	due      map[string]struct{} // users whose tabs are to be told the count
	telling  bool                // by a goroutine that is there
	catching bool                // a goroutine asks what was missed
}

// Mount registers the notifications on srv. It is called once, before srv serves; it fails
// when an option cannot be. It ends with the namespace. Where the adapter has no recovery,
// a page that lost its connection gets a list instead of what it missed.
func Mount(srv *socketio.Server, o Options) (*Notifications, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	ns := srv.Of(Namespace)
	err := ns.EnableRecovery(socketio.Recovery{MaxDisconnection: o.Recovery, MaxBytes: int64(o.RecoveryBytes)})
	switch {
	case errors.Is(err, socketio.ErrNoRecovery):
		o.Logger.Info("notifications: the adapter has no recovery: pages that come back get a list")
	case err != nil:
		return nil, fmt.Errorf("notifications: recovery on %s: %w", Namespace, err)
	}
	n := &Notifications{opts: o, ns: ns, boxes: newBoxes(o), due: make(map[string]struct{})}
	n.ended, n.end = context.WithCancel(context.Background())
	_, n.cluster = ns.Adapter().(socketio.ClusterAdapter)
	ns.Use(admit)
	ns.OnConnection(n.welcome)
	if n.cluster {
		ns.OnServerSide(eventName, n.hear)
		ns.OnAdapter(n.adapterEvent)
	}
	ns.OnClose(n.close)
	n.listen()
	return n, nil
}

// close ends what goes on, and waits for it.
func (n *Notifications) close() {
	n.mu.Lock()
	n.end()
	n.mu.Unlock()
	n.running.Wait()
}

// beginLocked runs f until the end, if that has not come.
func (n *Notifications) beginLocked(f func()) {
	if n.ended.Err() == nil {
		n.running.Go(f)
	}
}

// admit finds out whose a socket is.
func admit(_ context.Context, s *socketio.Socket) error {
	if id := auth.Of(s).ID; id != "" {
		return s.SetUser(id)
	}
	var given struct {
		Secret string `json:"secret"`
	}
	err := s.Handshake().Auth.Decode(&given)
	var id string
	if err == nil {
		id, err = visitor.ID(given.Secret)
	}
	if err != nil {
		message := visitor.ErrSecret.Error()
		return &socketio.ConnectError{Message: message, Data: map[string]string{"code": visitor.CodeBadSecret, "message": message}}
	}
	return s.SetUser(id)
}

// welcome tells a socket what is kept for its user. One that was recovered has it, but for
// what other nodes may have missed: it is told the count.
func (n *Notifications) welcome(s *socketio.Socket) {
	user := s.User()
	n.complete(s.Context(), user)
	if s.Recovered() {
		n.tellLater(user)
		return
	}
	v := n.boxes.of(user)
	v.Visitor = auth.Of(s).ID == ""
	_ = s.Emit("notifications", v) // fails only when the socket is gone
}

// Sent is what became of a message.
type Sent struct {
	ID string `json:"id"`
	// Time is when, in milliseconds since 1970.
	Time int64 `json:"time"`
	// Repeated says that all its users had it already, by its key.
	Repeated bool `json:"repeated,omitempty"`
}

// Notify tells users something, on all tabs and devices that are connected to any node,
// and keeps it for those that come later (see the package). The error is a *problem.Problem
// if the message cannot be, with the field that is wrong; any other says that nobody heard.
func (n *Notifications) Notify(m Message, users ...string) (Sent, error) {
	return n.NotifyAs("", m, users...)
}

// NotifyAs is Notify for one of several publishers, whose keys are apart. Whether the
// publisher may is for the caller to know.
func (n *Notifications) NotifyAs(publisher string, m Message, users ...string) (Sent, error) {
	one, err := m.prepared()
	if err != nil {
		return Sent{}, err
	}
	if len(users) == 0 {
		return Sent{}, invalid("/users", "nobody is named: write the ids of the users in users, or the only one in user")
	}
	if len(users) > MaxUsers {
		return Sent{}, invalid("/users", "more than "+strconv.Itoa(MaxUsers)+" users: send it in parts, with one key")
	}
	for i, user := range users {
		if err := checkUser(user, "/users/"+strconv.Itoa(i)); err != nil {
			return Sent{}, err
		}
	}
	users = slices.Compact(slices.Sorted(slices.Values(users)))
	one.ID, one.Time = idOf(publisher, m.Key), n.boxes.stamp()
	news := n.boxes.add(one, users...)
	n.opts.Observer.Notified(len(news), len(users)-len(news))
	sent := Sent{ID: one.ID, Time: one.Time, Repeated: len(news) == 0}
	if sent.Repeated {
		return sent, nil
	}
	if err = heard(n.ns.ToUser(news...).Emit("notification", one)); err != nil {
		n.boxes.remove(one.ID, news) // so that it can be sent again
		return Sent{}, err
	}
	n.tellNodes(&nodeMessage{Kind: kindNew, Users: news, Notifications: []Notification{*one}})
	n.tellLater(news...)
	return sent, nil
}

// heard forgives that other nodes were not reached: those who heard would have it twice.
// The adapter logs and counts it, and the other nodes ask for it later.
func heard(err error) error {
	if errors.Is(err, socketio.ErrThisNodeOnly) {
		return nil
	}
	return err
}

// read notes that a user has read some, and tells all tabs.
func (n *Notifications) read(user string, ids []string) error {
	if len(ids) == 0 || !n.boxes.read(user, ids) {
		return nil
	}
	n.tellNodes(&nodeMessage{Kind: kindRead, Users: []string{user}, IDs: ids})
	err := heard(n.ns.ToUser(user).Emit("read", map[string][]string{"ids": ids}))
	n.tellLater(user)
	return err
}

// tellLater has the tabs of users on this node hear how much is unread, soon.
func (n *Notifications) tellLater(users ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, user := range users {
		if n.ns.RoomSize(socketio.UserRoom(user)) > 0 {
			n.due[user] = struct{}{}
		}
	}
	if !n.telling && len(n.due) > 0 {
		n.telling = true
		n.beginLocked(n.tell)
	}
}

// tell tells counts until nobody is to be told any more. It counts after it has taken who
// is to be told, so that the last count told is right.
func (n *Notifications) tell() {
	for user, more := n.nextDue(); more; user, more = n.nextDue() {
		count := map[string]int{"count": n.boxes.unread(user)}
		if err := n.ns.ToUser(user).Local().Emit("unread", count); err != nil && !errors.Is(err, socketio.ErrServerClosed) {
			n.opts.Logger.Warn("notifications: a count was not told", slog.Any("error", err))
		}
	}
}

func (n *Notifications) nextDue() (user string, more bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for user := range n.due {
		delete(n.due, user)
		return user, true
	}
	n.telling = false
	return "", false
}

// refusal is an error that the client is told.
type refusal struct{ code, message string }

func (r *refusal) Error() string { return r.code + ": " + r.message }

func (n *Notifications) listen() {
	n.ns.On("read", n.answering(n.onRead))
	n.ns.On("list", n.answering(n.onList))
	n.ns.On("notify-me", n.answering(n.onNotifyMe))
	n.ns.OnUnhandled(func(_ context.Context, e *socketio.Event) {
		n.acknowledge(e, nil, &refusal{"unknown_event", "the notifications have no event of this name"})
	})
}

// answering acknowledges an event with the outcome.
func (n *Notifications) answering(f func(e *socketio.Event) (any, error)) socketio.Handler {
	return func(_ context.Context, e *socketio.Event) {
		outcome, err := f(e)
		n.acknowledge(e, outcome, err)
	}
}

// acknowledge answers, if the client asked. What fails here is the connection, which ends by
// itself.
func (n *Notifications) acknowledge(e *socketio.Event, outcome any, err error) {
	var refused *refusal
	var wrong *problem.Problem
	switch {
	case err == nil:
	case errors.As(err, &refused):
	case errors.As(err, &wrong):
		refused = &refusal{wrong.Code, wrong.Message}
	default:
		n.opts.Logger.Warn("notifications: an event failed", slog.String("event", e.Name()), slog.Any("error", err))
		refused = &refusal{problem.CodeFailed, "the server could not do this"}
	}
	switch {
	case !e.HasAck():
	case refused != nil:
		_ = e.AckError(refused.code, refused.message)
	default:
		_ = e.Ack(outcome)
	}
}

func (n *Notifications) onRead(e *socketio.Event) (any, error) {
	var q struct {
		IDs []string `json:"ids"`
		All bool     `json:"all"`
	}
	if err := e.Bind(&q); err != nil || !q.All && q.IDs == nil || q.All && q.IDs != nil {
		return nil, &refusal{problem.CodeBadRequest, "the first argument is an object with ids, a list of texts, or all: true"}
	}
	user := e.Socket().User()
	if q.All {
		q.IDs = n.boxes.unreadIDs(user)
	}
	if len(q.IDs) > n.opts.PerUser {
		return nil, &refusal{problem.CodeBadRequest, "ids has more than " + strconv.Itoa(n.opts.PerUser) + ", which is how many are kept"}
	}
	if slices.ContainsFunc(q.IDs, func(id string) bool { return id == "" || len(id) > maxID }) {
		return nil, &refusal{problem.CodeBadRequest, "ids has one that is none: it is empty or too long"}
	}
	if err := n.read(user, q.IDs); err != nil {
		return nil, err
	}
	return map[string]int{"unread": n.boxes.unread(user)}, nil
}

func (n *Notifications) onList(e *socketio.Event) (any, error) {
	return n.boxes.of(e.Socket().User()), nil
}

// onNotifyMe lets a visitor try it out, who reaches nobody else.
func (n *Notifications) onNotifyMe(e *socketio.Event) (any, error) {
	s := e.Socket()
	if auth.Of(s).ID != "" {
		return nil, &refusal{string(auth.CodeForbidden), "this event is for visitors who try it out; an application notifies its users by POST /api/v1/notify"}
	}
	var m Message
	if err := e.Bind(&m); err != nil {
		return nil, &refusal{problem.CodeBadRequest, "the first argument is an object with title, and perhaps body, url, data and key"}
	}
	return n.NotifyAs("visitor:"+s.User(), m, s.User())
}
