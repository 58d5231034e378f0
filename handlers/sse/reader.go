package sse

import (
	"cmp"
	"context"

	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Events of the server's own.
const (
	GapEvent   = rooms.EventPrefix + "gap"
	ReadyEvent = rooms.EventPrefix + "ready"
)

// gap is the argument of GapEvent.
type gap struct {
	Rooms []string `json:"rooms"`
	Since string   `json:"since"`
}

// ready is the argument of ReadyEvent.
type ready struct {
	Rooms  []string `json:"rooms"`
	Offset string   `json:"offset"`
}

// reader catches up with what is kept and then enters the rooms. Its pages are asked for
// one at a time.
type reader struct {
	asked

	begun        bool
	kept, unkept []string // rooms, by whether they have a history
}

// page returns what comes next. There is more while the reader has not caught up: it enters
// the rooms with the last page, between two deliveries.
func (r *reader) page(ctx context.Context, s *socketio.Socket) (page []socketio.GuestMessage, more bool) {
	if !r.begun {
		r.begun = true
		page = r.begin(s.Namespace())
	}
	if r.since != "" && len(r.kept) > 0 {
		h, err := s.Namespace().History(ctx, socketio.HistoryQuery{Rooms: r.kept, Since: r.since, Limit: socketio.MaxHistoryLimit})
		if err == nil && h.More {
			page = r.add(page, h)
			r.since = h.Offset
			return page, true
		}
	}
	h, err := r.enter(ctx, s)
	if err != nil {
		s.End("unavailable", "the rooms could not be entered: try again")
		return page, false
	}
	page = r.add(page, h)
	if r.since != "" && h.More { // more was said meanwhile than one page has
		page = append(page, tell(GapEvent, "", gap{r.kept, h.Offset}))
	}
	return append(page, tell(ReadyEvent, cmp.Or(h.Offset, r.since, noOffset), ready{r.rooms, h.Offset})), false
}

// begin finds out which rooms have a history. What was said in the others since the reader
// left nobody knows.
func (r *reader) begin(n *socketio.Namespace) (page []socketio.GuestMessage) {
	if r.rooms == nil {
		r.rooms = []string{}
	}
	for _, room := range r.rooms {
		if n.KeepsHistory(room) {
			r.kept = append(r.kept, room)
		} else {
			r.unkept = append(r.unkept, room)
		}
	}
	if r.since != "" && len(r.unkept) > 0 {
		page = append(page, tell(GapEvent, "", gap{r.unkept, r.known(r.since)}))
	}
	return page
}

// enter enters the rooms, and returns what precedes what the reader will hear.
func (r *reader) enter(ctx context.Context, s *socketio.Socket) (h *socketio.History, err error) {
	h = &socketio.History{Complete: true}
	if len(r.kept) > 0 {
		limit := cmp.Or(r.newest, 1)
		if r.since != "" {
			limit = socketio.MaxHistoryLimit
		}
		if h, err = s.JoinSince(ctx, r.since, limit, r.kept...); err != nil {
			return nil, err
		}
		if r.since == "" && r.newest == 0 { // only the place is wanted
			h.Messages = nil
		}
	}
	// After the others, so that no offset is behind one that has been given out.
	if len(r.unkept) > 0 {
		err = s.Join(r.unkept...)
	}
	return h, err
}

// add adds what was said, after what is missing.
func (r *reader) add(page []socketio.GuestMessage, h *socketio.History) []socketio.GuestMessage {
	if r.since != "" && !h.Complete {
		page = append(page, tell(GapEvent, "", gap{r.kept, r.known(r.since)}))
	}
	for i := range h.Messages {
		m := &h.Messages[i]
		page = append(page, socketio.GuestMessage{Room: m.Room, Event: m.Event, Offset: m.Offset, Args: []any{m.Args}})
	}
	return page
}

// known is an offset as the reader is told it.
func (r *reader) known(offset string) string {
	if offset == noOffset {
		return ""
	}
	return offset
}

// tell is an event of the server's own.
func tell(event, offset string, argument any) socketio.GuestMessage {
	return socketio.GuestMessage{Event: event, Offset: offset, Args: []any{argument}}
}
