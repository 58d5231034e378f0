package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// CodeNoHistory is of rooms of which nothing is kept.
const CodeNoHistory = "no_history"

// history tells what was said in rooms: the newest, or what came after an offset.
func (a *API) history(c *call) (any, error) {
	q, ns, done, err := a.looking(c, "namespace", "room", "since", "limit")
	if err != nil {
		return nil, err
	}
	defer done()
	most, err := q.limit()
	if err != nil {
		return nil, err
	}
	inRooms := q.Values["room"]
	if len(inRooms) == 0 {
		return nil, errNoRoom
	}
	if err := a.mayReadAll(c.who, ns, inRooms, nil); err != nil {
		return nil, err
	}
	h, err := ns.History(c.ctx, socketio.HistoryQuery{Rooms: inRooms, Since: q.Get("since"), Limit: most})
	switch {
	case errors.Is(err, socketio.ErrNoHistory):
		return nil, problem.New(http.StatusNotFound, CodeNoHistory, "nothing is kept of what is said in these rooms: the configuration names those whose history is")
	case errors.Is(err, socketio.ErrHistoryQuery):
		return nil, wrong("", "%s", strings.TrimPrefix(err.Error(), "socketio: "))
	case err != nil:
		return nil, unavailable("the history cannot be read at the moment: try again", err)
	}
	return h, nil // in the one form that every way in has
}

// errNoRoom is of a GET that needs rooms.
var errNoRoom = wrong("", "the parameter room is missing: it may be given several times")
