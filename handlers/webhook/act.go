package webhook

import (
	"github.com/sockeye-io/sockeye/server/socketio"
)

// send emits one event, from the namespace of a socket unless it names another one. What
// fails here is the way to other nodes, which the adapter logs and counts.
func (e *emit) send(from *socketio.Namespace) {
	ns := from
	if e.Namespace != "" && e.Namespace != from.Name() {
		ns = from.Server().Of(e.Namespace)
	}
	to := ns.To(e.Rooms...).ToUser(e.Users...).Except(e.Except...)
	if e.Volatile {
		to = to.Volatile()
	}
	_ = to.Emit(e.Event, e.args...)
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
