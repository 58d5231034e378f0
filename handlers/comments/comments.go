package comments

import (
	"log/slog"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Namespace is where clients hear of comments.
const Namespace = "/comments"

// Prefix is where the HTTP side is.
const Prefix = "/comments/"

// Options are what the comments are given.
type Options struct {
	// Store is required; whoever opened it closes it, after the Server.
	Store store.Store
	// EnginePath is where the Socket.IO server is; "/socket.io/".
	EnginePath string
	// Open lets anybody moderate the site "demo" (POST /comments/v1/demo/try), which is made if it is not
	// there. For demo pages on a loopback address only.
	Open bool
	// Shared counts limits together with other nodes; nil counts here alone.
	Shared limit.Shared
	// Observer is told what a metric may count; nil hears nothing.
	Observer Observer
	// Logger logs what an operator should know; nil logs nothing.
	Logger *slog.Logger
}

// Observer is called by any number of goroutines at once and must not block.
type Observer interface {
	// Commented is called for each comment that was sent: published, pending, rejected, or the code of its refusal.
	Commented(outcome string)
}

// Comments are the comments of all sites of a server.
type Comments struct {
	opts Options
}

// New makes comments that are not mounted yet.
func New(o Options) (*Comments, error) { return &Comments{opts: o}, nil }

// AllowsOrigin reports whether pages of this origin belong to a site.
func (c *Comments) AllowsOrigin(origin string) bool { return origin == "never" }

// Mount registers the namespace on srv, before srv serves. It ends with the namespace.
func (c *Comments) Mount(srv *socketio.Server) error {
	srv.Of(Namespace)
	return nil
}

// Routes mounts the HTTP side.
func (c *Comments) Routes(r gin.IRouter) { _ = r }
