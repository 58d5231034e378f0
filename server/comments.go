package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"

	"github.com/sockeye-io/sockeye/adapters/redislimit"
	"github.com/sockeye-io/sockeye/handlers/comments"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/origin"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// commentParts are the comments; both are nil without them.
type commentParts struct {
	store store.Store
	*comments.Comments
}

// commentsDatabase is where comments are kept, or "" where there are none. For nothing but
// the demo pages, where anybody may come, they are in memory.
func (a *App) commentsDatabase() string {
	name := a.cfg.CommentsDB
	switch {
	case a.cfg.Comments == SwitchOff:
		return ""
	case a.cfg.Comments == SwitchOn || strings.Contains(name, "://"):
		return name
	}
	if _, err := os.Stat(name); err == nil {
		return name
	}
	if a.demos() && a.loopback && a.anonymous {
		return ":memory:"
	}
	return ""
}

// openToTry is whether anybody may moderate the site of the demo pages.
func (a *App) openToTry() bool { return a.loopback && a.demos() }

// openComments opens what is said on pages of sites. It comes before the engine, whose
// handshakes pages of these sites may make.
func (a *App) openComments() (err error) {
	name := a.commentsDatabase()
	if name == "" {
		return nil
	}
	s, err := store.Open(context.Background(), name, a.log)
	if err != nil {
		return fmt.Errorf("--comments-db: %w", err)
	}
	o := comments.Options{
		Store: s, EnginePath: a.cfg.BasePath(), Open: a.openToTry(),
		Observer: a.metrics, Logger: a.log,
	}
	if a.cfg.Demos != SwitchOn { // nobody has said that there are demos: a proxy on this machine may be for everybody
		o.TryDoor = a.notThroughProxies
	}
	if a.nodes.redis != nil {
		o.Shared = redislimit.New(a.nodes.redis, a.cfg.RedisPrefix)
	}
	c, err := comments.New(o)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	a.comments = commentParts{s, c}
	return a.sayComments(name)
}

// sayComments logs where comments are kept, without the password of a database.
func (a *App) sayComments(name string) error {
	sites, err := a.comments.store.ListSites(context.Background())
	if err != nil {
		return fmt.Errorf("--comments-db: %w", err)
	}
	kind := "SQLite"
	switch {
	case name == ":memory:":
		name, kind = "", "memory, for the demo pages"
	case strings.Contains(name, "://"):
		name, kind = "", "PostgreSQL"
	}
	a.log.Info("comments are on", "kept_in", kind, "file", name, "sites", len(sites))
	return nil
}

// mountComments registers the namespace.
func (a *App) mountComments() error {
	if a.comments.Comments == nil {
		return nil
	}
	return a.comments.Mount(a.io)
}

// closeComments closes where they are kept, when nobody writes any more.
func (a *App) closeComments() error {
	if a.comments.store == nil {
		return nil
	}
	return a.comments.store.Close()
}

// OpenComments opens the comments of a configuration for a command.
func OpenComments(ctx context.Context, c *Config, log *slog.Logger) (store.Store, error) {
	s, err := store.Open(ctx, c.CommentsDB, log)
	if err != nil {
		return nil, fmt.Errorf("--comments-db: %w", err)
	}
	return s, nil
}

// pageOrigins are the origins of which pages may connect: those of the configuration, and for
// comments those of their sites.
type pageOrigins struct {
	*origin.Policy
	app *App
}

// CheckOrigin lets pages in that may use something.
func (p pageOrigins) CheckOrigin(r *http.Request) error {
	err := p.Policy.CheckOrigin(r)
	if c := p.app.comments.Comments; err != nil && c != nil && c.AllowsOrigin(r.Header.Get("Origin")) {
		return nil
	}
	return err
}

// onlyForComments refuses pages of sites that have comments and nothing else here.
func (a *App) onlyForComments(s *socketio.Socket) error {
	if a.comments.Comments == nil {
		return nil
	}
	came := s.Conn().Request()
	r := &http.Request{Host: came.Host, Header: came.Header, URL: came.URL}
	if err := a.origins.CheckOrigin(r); err != nil {
		return &socketio.ConnectError{Message: err.Error(), Data: map[string]string{"code": "origin_refused", "message": err.Error()}}
	}
	return nil
}
