package ws

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Path is where the handler is mounted.
const Path = "/ws"

// Subprotocols (RFC 6455, section 1.9). A browser, which can set no header, shows a token
// by offering both; only the first is ever chosen.
const (
	Subprotocol = "sockeye.v1"
	shownBehind = "sockeye.token."
)

const (
	// authTimeout is how long a client that showed nothing may take to say who it is.
	authTimeout = 5 * time.Second
	// maxWrong is how many messages in a row may be none.
	maxWrong = 10
)

// Config configures the handler.
type Config struct {
	// AuthTimeout is how long a client that showed nothing may take to send {"type":
	// "auth"}; 0 means 5 s.
	AuthTimeout time.Duration
	// Logger logs requests that failed; nil logs nothing.
	Logger *slog.Logger
}

// Mount serves plain WebSockets of srv at Path.
func Mount(srv *socketio.Server, r gin.IRouter, c Config) {
	if c.AuthTimeout == 0 {
		c.AuthTimeout = authTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	r.GET(Path, func(g *gin.Context) { c.serve(srv, g.Writer, g.Request) })
}

// serve opens one WebSocket.
func (c *Config) serve(srv *socketio.Server, w http.ResponseWriter, r *http.Request) {
	one := &client{config: c}
	o := &socketio.GuestOptions{
		Namespace: r.URL.Query().Get("namespace"), Subprotocol: Subprotocol,
		Welcome: welcome, Message: one.message, Refused: one.refused, Closed: one.closed,
	}
	if token := tokenOf(r); token != "" {
		o.Auth, one.shown = credentials{token}, true
	}
	if err := srv.ServeGuest(w, r, o); err != nil {
		p := problem.Of(err)
		if p.Status == http.StatusInternalServerError {
			c.Logger.WarnContext(r.Context(), "a WebSocket could not be opened", slog.Any("error", err))
		}
		if p.Status == http.StatusUpgradeRequired { // RFC 9110, section 15.5.22
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
		}
		problem.Write(w, p)
	}
}

// credentials are what CONNECT would carry.
type credentials struct {
	Token string `json:"token"`
}

// tokenOf is the token that a handshake shows in the ways that are this handler's own.
func tokenOf(r *http.Request) string {
	for _, v := range r.Header.Values("Sec-WebSocket-Protocol") {
		for one := range strings.SplitSeq(v, ",") {
			if token, ok := strings.CutPrefix(strings.TrimSpace(one), shownBehind); ok {
				return token
			}
		}
	}
	return r.URL.Query().Get("ticket")
}

// welcome is the first message of the server.
func welcome(s *socketio.Socket) []byte {
	text, err := json.Marshal(struct {
		Type      string `json:"type"`
		ID        string `json:"id"`
		Namespace string `json:"namespace"`
		Heartbeat int64  `json:"heartbeat"`
	}{"welcome", s.ID(), s.Namespace().Name(), s.Server().HeartbeatSpan().Milliseconds()})
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return text
}

// client is one WebSocket.
type client struct {
	config *Config

	wrong int // messages in a row that were none; owned by the reader

	mu    sync.Mutex
	shown bool        // it has said who it is, or tried to
	over  bool        // the connection is
	timer *time.Timer // until it has to
}

// refused is told that the client was not let in. One that has shown nothing may say who
// it is by its first message.
func (c *client) refused(g *socketio.Guest, err error) (again bool) {
	c.mu.Lock()
	again = !c.shown && !c.over && socketio.CodeOf(err) == string(auth.CodeUnauthorized)
	if again {
		c.timer = time.AfterFunc(c.config.AuthTimeout, func() { g.Close(string(auth.CodeUnauthorized)) })
	}
	c.mu.Unlock()
	if !again {
		p := problem.Of(err)
		_ = g.Send(failure(nil, p.Code, p.Message)) // the client may be gone
	}
	return again
}

// closed ends what waits for the client.
func (c *client) closed(*socketio.Guest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	if c.timer != nil {
		c.timer.Stop()
	}
}

// errTooMany ends a connection that sends no messages.
var errTooMany = errors.New("too many malformed messages")

// message takes one message.
func (c *client) message(g *socketio.Guest, text []byte) error {
	m, err := parse(text)
	if g.Socket() == nil {
		c.first(g, &m, err)
		return nil
	}
	if err == nil {
		err = c.take(g, &m, len(text))
	}
	var w *wrong
	if !errors.As(err, &w) {
		c.wrong = 0
		return err
	}
	if c.wrong++; c.wrong >= maxWrong {
		return errTooMany
	}
	if !g.Charge() {
		_ = g.Send(failure(m.ID, w.Code, w.Message)) // the client may be gone
	}
	return nil
}

// first takes the message of a client that has to say who it is.
func (c *client) first(g *socketio.Guest, m *message, err error) {
	c.mu.Lock()
	c.shown = true
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	if err != nil || m.Type != "auth" || m.Token == "" {
		g.Close(string(auth.CodeUnauthorized))
		return
	}
	if err := g.Connect(credentials{m.Token}); err != nil {
		g.Close(string(auth.CodeUnauthorized))
	}
}

// take does what a message says, in order with the others. The error is a *wrong.
func (c *client) take(g *socketio.Guest, m *message, bytes int) error {
	e := socketio.GuestEvent{Bytes: bytes}
	if m.ID != nil {
		e.ID, e.HasAck = *m.ID, true
	}
	var err error
	switch m.Type {
	case "ack":
		if m.ID == nil {
			return &wrong{codeBadMessage, `an ack has the "id" of the event that it answers`}
		}
		args, err := m.args(false)
		if err == nil {
			g.Answer(*m.ID, args)
		}
		return err
	case "ping":
		e.Name, e.Handle = "ping", func(context.Context, *socketio.Event) { _ = g.Send(pong(m.ID)) } // the client may be gone
	case "auth":
		if m.Token == "" {
			return &wrong{string(auth.CodeUnauthorized), `"token" is missing: which one?`}
		}
		e.Name, e.Args = m.refresh()
	default:
		e.Name, e.Args, err = m.event()
	}
	if err == nil {
		g.Push(e)
	}
	return err
}

// pong answers a ping.
func pong(id *uint64) []byte {
	if id == nil {
		return []byte(`{"type":"pong"}`)
	}
	return append(strconv.AppendUint([]byte(`{"type":"pong","id":`), *id, 10), '}')
}
