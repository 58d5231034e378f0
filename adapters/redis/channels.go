package redis

import (
	"strings"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// channels are the names of a namespace's channels, see adapters/doc.go.
type channels struct {
	broadcast, request, response string
	own                          string // this node's answers
}

func channelsOf(prefix, namespace, node string) channels {
	c := channels{
		broadcast: prefix + "#" + namespace + "#",
		request:   prefix + "-request#" + namespace + "#",
		response:  prefix + "-response#" + namespace + "#",
	}
	c.own = c.response + node + "#"
	return c
}

// of is the channel of a broadcast: that of the room, if there is one alone.
func (c *channels) of(t *socketio.Target) string {
	if len(t.Rooms) == 1 {
		return c.broadcast + t.Rooms[0] + "#"
	}
	return c.broadcast
}

// roomOf is the room of a broadcast's channel, "" for the channel of everything else.
func (c *channels) roomOf(channel string) string {
	room := strings.TrimPrefix(channel, c.broadcast)
	return strings.TrimSuffix(room, "#")
}
