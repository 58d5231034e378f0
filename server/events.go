package server

import (
	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/handlers/sse"
)

// mountEvents serves event streams. Their readers enter the rooms that clients enter by the
// relay, and no others: whoever else has rooms decides itself who is in them.
func (a *App) mountEvents(r gin.IRouter) {
	enter := relay.Config{Contract: new(false)}.MayEnter
	if a.relay != nil {
		enter = a.relay.MayEnter
	}
	sse.Mount(a.io, r, sse.Options{MayEnter: enter, MaxRooms: a.cfg.MaxRooms.orEndless(), Logger: a.log})
}
