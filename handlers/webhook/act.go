package webhook

import (
	"fmt"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// send emits one event, from the namespace of a socket unless it names another one. What
// fails here is the way to other nodes, which the adapter logs and counts.
func (e *emit) send(from *socketio.Namespace) {
	ns := from
	if e.Namespace != "" && e.Namespace != from.Name() {
		other, release := from.Server().Find(e.Namespace)
		if other == nil { // it was there when the answer was read: see findAll
			return
		}
		defer release()
		ns = other
	}
	to := ns.To(e.Rooms...).ToUser(e.Users...).Except(e.Except...)
	if e.Volatile {
		to = to.Volatile()
	}
	_ = to.Emit(e.Event, e.args...)
}

// findAll returns an error if one of the events is for a namespace that there is not. A
// backend makes none, or a mistake of its would leave more and more of them.
func findAll(list []emit, from *socketio.Namespace) error {
	for i := range list {
		if name := list[i].Namespace; name != "" && name != from.Name() {
			n, release := from.Server().Find(name)
			if n == nil {
				return fmt.Errorf("emit %d of its answer: there is no namespace %.200q", i, name)
			}
			release()
		}
	}
	return nil
}

func sendAll(list []emit, from *socketio.Namespace) {
	for i := range list {
		list[i].send(from)
	}
}

// apply does to the client of an event what the backend says, in this order: rooms, data,
// emits, the acknowledgement, and the end.
func (a *eventAnswer) apply(e *socketio.Event) {
	s := e.Socket()
	if len(a.Join) > 0 {
		_ = s.Join(a.Join...) // the client may be gone
	}
	if len(a.Leave) > 0 {
		s.Leave(a.Leave...)
	}
	if !a.Data.IsZero() {
		s.SetData(a.Data)
	}
	sendAll(a.Emit, s.Namespace())
	if e.HasAck() {
		_ = e.Ack(a.ack...) // the client may be gone
	}
	if a.Disconnect != nil {
		s.End(a.Disconnect.Code, a.Disconnect.Message)
	}
}
