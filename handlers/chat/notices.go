package chat

import (
	"github.com/sockeye-io/sockeye/server/presence"
)

// changed hears from presence who came and went, on any node, and tells the sockets of
// this one. It runs on one goroutine, so a room hears it in order.
func (h *hall) changed(e presence.Event) {
	if e.Room == everywhere {
		h.learn(e)
		return
	}
	user := User{ID: e.User, Nick: nickOf(e.User, e.Meta)}
	switch e.Kind {
	case presence.Join:
		h.voice.note(e.Room, "joined", whereabouts{Room: e.Room, User: user})
	case presence.Leave:
		h.voice.note(e.Room, "left", whereabouts{Room: e.Room, User: user})
	case presence.Update:
		if was := nickOf(e.User, e.Was); was != user.Nick {
			h.voice.note(e.Room, "renamed", renamed{Room: e.Room, User: user, Was: was})
		}
	case presence.Count:
		if e.CountOnly {
			h.voice.note(e.Room, "people", crowd{Room: e.Room, Count: e.UserCount})
		}
	case presence.List:
		users := usersOf(e.Members)
		h.voice.note(e.Room, "people", crowd{Room: e.Room, Count: e.UserCount, Users: users})
	}
}

// learn follows the nicknames of everybody.
func (h *hall) learn(e presence.Event) {
	switch e.Kind {
	case presence.Join, presence.Leave, presence.Update:
		h.mu.Lock()
		h.learnLocked(e.User)
		compared := h.claims[e.User].compared
		h.mu.Unlock()
		h.settle(compared)
	case presence.Count, presence.List: // the list of everybody has no end
	}
}
