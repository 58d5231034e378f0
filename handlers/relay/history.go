package relay

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// codeBadHistory refuses a question about history that cannot be.
const codeBadHistory = "bad_history"

// join puts the sender into the room that argument 0 names. Where argument 1 asks for what
// was said there, that is the acknowledgement, unless the rule has none.
func join(of rooms.Rules, silent bool) func(e *socketio.Event) error {
	return func(e *socketio.Event) error {
		room, err := of.Named(e.Args(), 0)
		if err != nil {
			return err
		}
		ask, asks, err := asksHistory(e.Args().At(1))
		if err != nil {
			return err
		}
		if !asks || !e.HasAck() || silent {
			return of.Join(e.Socket(), room)
		}
		h, err := of.JoinSince(e.Socket(), room, ask.since, ask.limit)
		if errors.Is(err, socketio.ErrHistoryQuery) {
			return &rooms.Error{Code: codeBadHistory, Message: strings.TrimPrefix(err.Error(), "socketio: ")}
		}
		if err == nil {
			_ = e.Ack(h) // fails only when the client has gone
		}
		return err
	}
}

// historyAsk is what a client wants to know of a room that it enters.
type historyAsk struct {
	since string
	limit int
}

// asksHistory reads {since: "offset", limit: 50}, or {history: true} or {since: ""} for the
// newest. Anything else asks for nothing: frontends have arguments of their own.
func asksHistory(arg socketio.Raw) (ask historyAsk, asks bool, err error) {
	var options map[string]socketio.Raw
	if arg.IsZero() || arg.Decode(&options) != nil {
		return ask, false, nil
	}
	var history bool
	if v, has := options["history"]; has {
		history = v.Decode(&history) == nil && history
	}
	since, has := options["since"]
	if !has && !history {
		return ask, false, nil
	}
	var text *string // null asks for the newest
	if has && since.Decode(&text) != nil {
		return ask, false, &rooms.Error{Code: codeBadHistory, Message: "since is an offset, which is a string: the last argument of an event, or the offset of an earlier answer"}
	}
	if text != nil {
		ask.since = *text
	}
	if v, has := options["limit"]; has && (v.Decode(&ask.limit) != nil || ask.limit < 1 || ask.limit > socketio.MaxHistoryLimit) {
		return ask, false, &rooms.Error{Code: codeBadHistory, Message: fmt.Sprintf("limit is no number from 1 to %d", socketio.MaxHistoryLimit)}
	}
	return ask, true, nil
}
