package server

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/sockeye-io/sockeye/handlers/chat"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/handlers/webhook"
	"github.com/sockeye-io/sockeye/public"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/engineio/ready"
	"github.com/sockeye-io/sockeye/server/origin"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// anonymousRefused is what a client and the log are told.
const anonymousRefused = "clients without authentication are refused on this address: start the server with --anonymous to admit everyone, or with an --auth option that says how to know them"

// build wires the parts of an App that has bound its addresses.
func (a *App) build() (err error) {
	a.anonymous = a.cfg.Anonymous == SwitchOn || a.cfg.Anonymous == SwitchAuto && a.loopback && !a.cfg.knowsClients()
	if a.origins, err = origin.Parse(a.cfg.Origins); err != nil {
		return fmt.Errorf("--origins: %w", err)
	}
	if len(a.cfg.Origins) == 0 && a.loopback {
		a.origins.AllowLoopback()
	}
	a.client = public.NewClientFiles()
	a.widget = public.NewWidget(a.cfg.BasePath())
	adapter, err := a.openCluster()
	if err != nil {
		return err
	}
	if err = a.openNodes(); err != nil {
		return err
	}
	if err = a.openIdentity(); err != nil {
		return err
	}
	if err = a.openDoors(); err != nil {
		return err
	}
	if err = a.openLimits(); err != nil {
		return err
	}
	if a.hooks, err = webhook.New(webhook.Options{Config: a.cfg.Webhooks, Observer: a.metrics, Logger: a.log}); err != nil {
		return err
	}
	if err = a.openComments(); err != nil {
		return err
	}
	if a.site, err = public.NewSite(a.siteOptions()); err != nil {
		return err
	}
	if a.io, err = socketio.New(a.ioOptions(adapter)); err != nil {
		if errors.Is(err, ready.ErrUnsupported) {
			return fmt.Errorf("--idle-mode: %w: it is for Linux only", err)
		}
		return err
	}
	if err = a.openCarrier(); err != nil {
		return err
	}
	a.metrics.Engine(a.io.Engine())
	for _, name := range reservedNamespaces {
		a.metrics.Namespace(name)
	}
	if a.cfg.Relay == "on" {
		rules, err := a.relayRules()
		if err != nil {
			return err
		}
		rules.Reserved, rules.Observer, rules.Logger = reservedNamespaces, a.metrics, a.log
		rules.Access, rules.RecoveryBytes = a.access(), int64(a.cfg.RecoveryBytes)
		rules.Without, rules.Elsewhere = a.hooks.Names("/"), a.hooks.Takes
		if rules.MaxRooms == 0 {
			rules.MaxRooms = a.cfg.MaxRooms.orEndless()
		}
		if err := relay.Mount(a.io, rules); err != nil {
			return fmt.Errorf("relay: %w", err)
		}
		a.relay = &rules
	}
	room := a.cfg.Chat
	room.Logger, room.Access = a.log, a.access()
	if err := chat.Mount(a.io, room); err != nil {
		return fmt.Errorf("chat: %w", err)
	}
	return a.openFeatures()
}

// siteOptions says which pages there are.
func (a *App) siteOptions() public.SiteOptions {
	return public.SiteOptions{
		EnginePath: a.cfg.BasePath(), Version: a.release, Demos: a.demos(),
		Comments: a.comments.Comments != nil, Open: a.openToTry(),
	}
}

// ioOptions says in the words of socketio what the configuration says.
func (a *App) ioOptions(adapter socketio.AdapterFactory) *socketio.Options {
	c := &a.cfg
	o := &socketio.Options{
		Engine:         a.engineOptions(),
		ConnectTimeout: c.ConnectTimeout,
		MaxNamespaces:  c.MaxNamespaces.orEndless(),
		MaxEventName:   int(c.MaxEventName),
		Recovery:       a.recovery(),
		Adapter:        adapter,
		History:        c.History.Limits(),
		HistoryBytes:   int64(c.History.MaxBytes),
		// Clients name the namespaces of a pattern, so empty ones must go.
		CleanupEmptyChildNamespaces: c.RelayConfig.Dynamic() || c.Webhooks.Dynamic(),
		Admit:                       a.admitSocket,
		Entered:                     a.entered,
		Logger:                      a.log,
		Observer:                    a.metrics,
	}
	if a.limits.door != nil {
		o.Engine.Enter = a.enter
	}
	switch c.Parser {
	case "json":
		o.Parser = socketio.ParserJSON
	case "msgpack":
		o.Parser = socketio.ParserMsgpack
	default:
		o.Parser = socketio.ParserAuto
	}
	return o
}

func (a *App) engineOptions() engineio.Options {
	c := &a.cfg
	o := engineio.Options{
		SIDPrefix:       a.cluster.node,
		PingInterval:    c.PingInterval,
		PingTimeout:     c.PingTimeout,
		UpgradeTimeout:  c.UpgradeTimeout,
		MaxPayload:      int64(c.MaxPayload),
		Transports:      c.Transports,
		DisableUpgrades: c.AllowUpgrades == SwitchOff,
		AlwaysUpgrade:   c.AllowUpgrades == SwitchOn,
		AllowEIO3:       c.AllowEIO3,
		PollHold:        engineio.PollHold{Fixed: c.PollHold.Duration},
		IdleMode:        c.IdleMode,
		OutboxLimit:     int(c.OutboxLimit),
		OutboxMax:       int(c.OutboxMax),
		OutboxTotal:     int64(c.OutboxTotal),
		HandlerStall:    c.HandlerStall,
		Origins:         pageOrigins{a.origins, a},
		AllowRequest:    a.admit,
		ConnectionError: a.connectionError,
		TakeOver:        c.ProxyProtocol != protocolRequired && c.ProxyProtocol != protocolOptional, // what reads its header reads ahead
		Answered:        a.answered(),
		LogSessions:     c.LogConnections,
		Logger:          a.log,
		Observer:        a.metrics,
	}
	if c.HTTPCompression {
		o.HTTPCompression = &engineio.Compression{}
	}
	if c.PerMessageDeflate {
		o.PerMessageDeflate = &engineio.Compression{}
	}
	if c.SlowReader == "drop-oldest" {
		o.SlowReader = engineio.SlowReaderDropOldest
	}
	if c.Cookie != "" {
		o.Cookie = &http.Cookie{Name: c.Cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: a.certs != nil} //nolint:gosec // without TLS here Secure would lose the cookie behind a proxy that ends it
	}
	return o
}

// admit decides about each handshake.
func (a *App) admit(r *http.Request) error {
	if a.anonymous || a.canKnow() || a.comments.Comments != nil { // who it is is found out when it connects to a namespace
		return nil
	}
	if a.refusalLogged.CompareAndSwap(false, true) {
		a.log.Warn("handshake refused (logged once): "+anonymousRefused, "remote", r.RemoteAddr)
	}
	return errors.New(anonymousRefused)
}

func (a *App) connectionError(e *engineio.ConnectionError) {
	a.log.Debug("request refused", "code", e.Code, "message", e.Message, "remote", e.Request.RemoteAddr)
	a.refusedRequest(e)
}

// words are labels of metrics.
func words[S ~string](list []S) []string {
	texts := make([]string, len(list))
	for i, s := range list {
		texts[i] = string(s)
	}
	return texts
}
