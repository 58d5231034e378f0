package server

import (
	"fmt"

	"github.com/sockeye-io/sockeye/handlers/notifications"
	"github.com/sockeye-io/sockeye/handlers/telemetry"
	"github.com/sockeye-io/sockeye/handlers/webhook"
)

// openFeatures mounts what stands on the Socket.IO server besides the relay and the chat,
// once everything that it is given is there.
func (a *App) openFeatures() error {
	for _, open := range []func() error{a.openTelemetry, a.openNotifications, a.mountComments, a.openAPI, a.openWebhooks} {
		if err := open(); err != nil {
			return err
		}
	}
	return nil
}

// openTelemetry mounts telemetry; the HTTP API is another way into it.
func (a *App) openTelemetry() (err error) {
	o := a.cfg.Telemetry
	o.Logger, o.Access, o.Observer = a.log, a.access(), a.metrics
	o.Node, o.Vitals = a.cluster.node, a.newVitals().measure
	o.Open = a.anonymous && !a.cfg.knowsClients() && a.cfg.Auth.Open()
	if a.telemetry, err = telemetry.Mount(a.io, o); err != nil {
		return fmt.Errorf("telemetry: %w", err)
	}
	return nil
}

// openNotifications mounts notifications; the HTTP API is another way into it.
func (a *App) openNotifications() (err error) {
	o := a.cfg.Notifications
	o.Logger, o.Observer = a.log, a.metrics
	if a.notifications, err = notifications.Mount(a.io, o); err != nil {
		return fmt.Errorf("notifications: %w", err)
	}
	return nil
}

// openWebhooks has backends asked in the namespaces that they are for.
func (a *App) openWebhooks() error {
	for key := range a.cfg.Webhooks {
		a.metrics.Webhook(key, words(webhook.Calls()), words(webhook.Outcomes()))
	}
	a.hooks.Mount(a.io)
	return nil
}
