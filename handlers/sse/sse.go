package sse

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/server/problem"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Path is where streams are.
const Path = "/events"

// Readers whose stream ends come back after a time between these, each after another, so
// that those of a node that is gone do not come all at once.
const (
	minRetry = time.Second
	maxRetry = 5 * time.Second
)

// padding goes ahead of a stream, for what passes nothing on before it has so much: scanners
// of viruses, and old browsers' replacements of EventSource.
var padding = ": " + strings.Repeat(".", 2046) + "\n"

// Options configure Mount.
type Options struct {
	// MayEnter asks whether a socket, which knows whose it is, may enter a room by itself.
	// The error is one that problem.Of knows. Nil lets everybody enter every room.
	MayEnter func(s *socketio.Socket, room string) error
	// MaxRooms is how many rooms a stream may be of; 0 means 100, which is the most.
	MaxRooms int
	// Logger logs requests that failed; nil logs nothing.
	Logger *slog.Logger
}

// Mount serves event streams of srv at Path. Nothing before it may bound how long an answer
// takes.
func Mount(srv *socketio.Server, r gin.IRouter, o Options) {
	if o.MaxRooms <= 0 || o.MaxRooms > socketio.MaxHistoryRooms {
		o.MaxRooms = socketio.MaxHistoryRooms
	}
	if o.MayEnter == nil {
		o.MayEnter = func(*socketio.Socket, string) error { return nil }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	r.Any(Path, func(g *gin.Context) { o.serve(srv, g.Writer, g.Request) })
}

// serve answers one request.
func (o *Options) serve(srv *socketio.Server, w http.ResponseWriter, r *http.Request) {
	asked, wrong := parse(r, o.MaxRooms)
	at := &reader{asked: asked}
	err := srv.ServeGuest(w, r, &socketio.GuestOptions{
		Kind: socketio.GuestStream, Namespace: asked.namespace, Envelope: asked.envelope,
		// What is wrong with the address is said to those who may be here, and with the
		// headers that let a page of another origin read it.
		Admit: func(_ context.Context, s *socketio.Socket) error {
			if wrong != nil {
				return wrong
			}
			return o.admit(s, asked.rooms)
		},
		Welcome: welcome,
		Backlog: at.page,
	})
	if err == nil {
		return
	}
	p := problem.Of(err)
	if p.Status == http.StatusInternalServerError {
		o.Logger.WarnContext(r.Context(), "an event stream could not be opened", slog.Any("error", err))
	}
	if p.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodGet+", "+http.MethodOptions)
	}
	problem.Write(w, p)
}

// admit asks about every room.
func (o *Options) admit(s *socketio.Socket, rooms []string) error {
	for _, room := range rooms {
		if err := o.MayEnter(s, room); err != nil {
			return err
		}
	}
	return nil
}

// welcome begins a stream.
func welcome(*socketio.Socket) []byte {
	retry := minRetry + rand.N(maxRetry-minRetry) //nolint:gosec // no secret
	return fmt.Appendf(nil, "%sretry: %d\n\n", padding, retry.Milliseconds())
}
