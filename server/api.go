package server

import (
	"fmt"
	"net/http"

	"github.com/sockeye-io/sockeye/adapters/redisonce"
	"github.com/sockeye-io/sockeye/handlers/api"
	"github.com/sockeye-io/sockeye/handlers/notifications"
	"github.com/sockeye-io/sockeye/public"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/rooms"
)

// openAPI makes the HTTP API, unless it is off. Telemetry and notifications are there.
func (a *App) openAPI() (err error) {
	c := &a.cfg
	if !c.API {
		return nil
	}
	o := api.Options{
		Identity: a.identity.keeper, Tickets: a.identity.tickets, Blocks: a.identity.ledger, Origins: a.origins,
		Rooms: rooms.Rules{MaxName: c.RelayConfig.MaxRoomName, Access: a.access()},
		Rate:  limit.Rate(c.APIRate), MaxBody: int64(c.APIBody), MaxEventName: c.MaxEventName.orEndless(),
		Notify: func(publisher string, n api.Notification, users []string) (any, error) {
			return a.notifications.NotifyAs(publisher, notifications.Message(n), users...)
		},
		Ingest:     a.telemetry.Ingest,
		TokenQuery: c.AuthQuery, Closing: a.closing.Load,
		Misbehaved: a.misbehaved,
		PageHeader: pageHeader, Navigation: public.Navigation(a.siteOptions(), "/api/", "/"), Observer: a.metrics, Logger: a.log,
	}
	if c.Relay == "on" {
		o.RolesOf = c.RelayConfig.RolesOf
	}
	if a.nodes.redis != nil {
		o.Once = redisonce.New(a.nodes.redis, c.RedisPrefix)
	}
	if a.api, err = api.New(a.io, o); err != nil {
		return fmt.Errorf("api: %w", err)
	}
	return nil
}

// misbehaved notes a request with a key or token that does not hold.
func (a *App) misbehaved(remote string) {
	if a.limits.door != nil {
		a.limits.door.Misbehaved(remote)
	}
}

// pageHeader is what every page of this server is sent with.
func pageHeader(h http.Header) {
	h.Set("Content-Security-Policy", public.ContentSecurityPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}
