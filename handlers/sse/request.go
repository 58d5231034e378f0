package sse

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// HeaderLastEventID is what EventSource shows when it comes back.
const HeaderLastEventID = "Last-Event-ID"

// noOffset is the id of a stream whose rooms have no history: it says of who comes back
// with it that it was here before.
const noOffset = "-"

// asked is what a request asks for.
type asked struct {
	namespace string
	rooms     []string // each once
	since     string   // the offset that the reader has; "" is none
	newest    int      // how many messages it wants that has none
	envelope  bool
}

// parse reads a request. The error is a *problem.Problem; asked.namespace is good for an
// answer all the same.
func parse(r *http.Request, maxRooms int) (a asked, err error) {
	q := r.URL.Query()
	a.namespace = "/" + strings.TrimPrefix(q.Get("namespace"), "/")
	for _, room := range q["room"] {
		if !slices.Contains(a.rooms, room) {
			a.rooms = append(a.rooms, room)
		}
		if len(a.rooms) > maxRooms {
			return a, wrong(rooms.CodeTooManyRooms, "a stream may be of at most %d rooms; open another for more", maxRooms)
		}
	}
	if q.Has("rooms") {
		return a, wrong(rooms.CodeBadRoom, "the parameter is room, once for each room: ?room=a&room=b")
	}
	if a.envelope, err = flag(q, "envelope"); err != nil {
		return a, err
	}
	if a.since = sinceOf(r.Header, q); !isOffset(a.since) {
		return a, wrong(problem.CodeBadRequest, "what came as Last-Event-ID, lastEventId or since is no id of an event")
	}
	if a.since == "" && q.Has("since") {
		a.newest = socketio.DefaultHistoryLimit
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > socketio.MaxHistoryLimit {
			return a, wrong(problem.CodeBadRequest, "limit is no number from 1 to %d", socketio.MaxHistoryLimit)
		}
		if a.newest > 0 {
			a.newest = n
		}
	}
	return a, nil
}

// sinceOf is the offset that the reader has. What EventSource says itself is the newest; a
// page that opens another one can only say it in the address.
func sinceOf(h http.Header, q url.Values) string {
	for _, text := range []string{h.Get(HeaderLastEventID), q.Get("lastEventId"), q.Get("since")} {
		if text != "" {
			return text
		}
	}
	return ""
}

// isOffset reports whether a text could be an offset. Of one that was never given out
// nothing is known, and the reader is told so.
func isOffset(text string) bool {
	return len(text) <= socketio.MaxOffset && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

// flag reads a parameter that is on or off.
func flag(q url.Values, name string) (bool, error) {
	switch q.Get(name) {
	case "", "0", "false":
		return false, nil
	case "1", "true":
		return true, nil
	}
	return false, wrong(problem.CodeBadRequest, "%s is 1 or 0", name)
}

func wrong(code, format string, args ...any) error {
	return problem.New(http.StatusBadRequest, code, fmt.Sprintf(format, args...))
}
