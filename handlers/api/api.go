package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/limit"
	"github.com/sockeye-io/sockeye/server/once"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Prefix begins the paths of all operations.
const Prefix = "/api/v1"

// Defaults of Options.
const (
	DefaultMaxBody  = 1 << 20 // bytes
	DefaultMaxBatch = 1000    // a batch holds up whoever asks for the same room meanwhile
	DefaultOpen     = 64      // requests of one caller at once
)

// Identity finds out who makes a request: a *doors.Keeper.
type Identity interface {
	// Identify returns who shows some credentials, or an *auth.Error.
	Identify(ctx context.Context, c *auth.Credentials) (*auth.Principal, error)
}

// Tickets makes tickets: a *ticket.Office.
type Tickets interface {
	Issue(p *auth.Principal, life time.Duration) (text string, until time.Time, err error)
}

// Origins says which pages may call: an *origin.Policy.
type Origins interface {
	CheckOrigin(r *http.Request) error
	SetHeaders(h http.Header, r *http.Request)
}

// Options configure an API.
type Options struct {
	// Identity, Tickets, Blocks and Origins must be set.
	Identity Identity
	Tickets  Tickets
	Blocks   auth.Blocks
	Origins  Origins

	// Rooms say which rooms there may be; its Access decides what callers may do with
	// them. Without one it is auth.Rooms.
	Rooms rooms.Rules
	// RolesOf lists the roles of which one is needed to enter a namespace; nil is none.
	RolesOf func(namespace string) []string

	// Notify tells users something for a publisher, whose keys are its own. Ingest takes the
	// readings in a body, one in each of its lines or as JSON; device is whose they are, ""
	// is what each of them says. What either returns is the answer. Nil leaves the paths
	// out.
	Notify func(publisher string, n Notification, users []string) (any, error)
	Ingest func(who *auth.Principal, device string, lines bool, body []byte) (any, error)

	// Once remembers idempotency keys; nil is in memory.
	Once once.Keeper
	// Rate bounds the requests of one caller; zero does not. Open is how many it may make
	// at once; 0 means 64.
	Rate limit.Rate
	Open int
	// TokenQuery is the parameter of an address that may hold a token, besides
	// auth.TicketQuery; "" is none.
	TokenQuery string
	// MaxBody is the most bytes of a request's body; 0 means 1 MiB. MaxBatch is the most
	// events of one; 0 means 1000. MaxEventName is the longest name of one in bytes; 0
	// means 256.
	MaxBody                int64
	MaxBatch, MaxEventName int

	// Closing reports whether the server is ending, so that what is asked for would come to
	// nobody; nil is never.
	Closing func() bool
	// Misbehaved is told the address (host:port) of who was not known; nil is nobody.
	Misbehaved func(remote string)
	// PageHeader sets what every page of the site is sent with; nil is nothing.
	PageHeader func(h http.Header)
	// Navigation is HTML that leads from the page of the API to others of the site; "" leads nowhere.
	Navigation string
	// Observer hears of limits that are hit; nil is nobody.
	Observer limit.Observer
	Logger   *slog.Logger
}

// API serves the operations. Its methods may be called from any goroutine.
type API struct {
	io      *socketio.Server
	opts    Options // with defaults
	callers *limit.Callers
	page    []byte

	// As many as may ask all nodes for their sockets at once: backends, and anybody else.
	scans, others chan struct{}
}

// maxScans bounds how many backends ask all nodes for their sockets at once. Callers
// without a scope may be anybody: of these it is one at a time.
const maxScans = 4

// New returns an API for a server.
func New(io *socketio.Server, o Options) (*API, error) {
	if o.Identity == nil || o.Tickets == nil || o.Blocks == nil || o.Origins == nil {
		return nil, errors.New("api: Identity, Tickets, Blocks and Origins must be set")
	}
	if o.Rooms.Access == nil {
		o.Rooms.Access = auth.Rooms{} // what a key is not for it may not do, whatever clients may
	}
	if o.Once == nil {
		o.Once = once.NewMemory()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.MaxBatch == 0 {
		o.MaxBatch = DefaultMaxBatch
	}
	if o.MaxEventName == 0 {
		o.MaxEventName = 256
	}
	if o.Open == 0 {
		o.Open = DefaultOpen
	}
	page, err := makePage(o.Navigation)
	if err != nil {
		return nil, err
	}
	return &API{page: page, io: io, opts: o, callers: limit.NewCallers(o.Rate, o.Open, o.Observer), scans: make(chan struct{}, maxScans), others: make(chan struct{}, 1)}, nil
}

// operation is one thing that can be asked for.
type operation struct {
	method, path string
	scope        auth.Scope // that the caller needs; "" is none
	anyone       bool       // may ask who may connect, without a key or token
	lines        bool       // of NDJSON are taken, too
	do           func(a *API, c *call) (answer any, err error)
}

// operations are all there are, as openapi.yaml has them.
var operations = []operation{
	{method: http.MethodPost, path: "/emit", scope: auth.ScopePublish, lines: true, do: (*API).emit},
	{method: http.MethodPost, path: "/emit-with-ack", scope: auth.ScopePublish, do: (*API).emitWithAck},
	{method: http.MethodPost, path: "/notify", scope: auth.ScopePublish, do: (*API).notify},
	{method: http.MethodPost, path: "/ingest", anyone: true, lines: true, do: (*API).ingest},
	{method: http.MethodPost, path: "/ingest/{device}", anyone: true, lines: true, do: (*API).ingest},
	{method: http.MethodGet, path: "/rooms", scope: auth.ScopeRead, do: (*API).rooms},
	{method: http.MethodGet, path: "/sockets", scope: auth.ScopeRead, do: (*API).sockets},
	{method: http.MethodGet, path: "/presence", do: (*API).presence},
	{method: http.MethodGet, path: "/history", do: (*API).history},
	{method: http.MethodPost, path: "/join", scope: auth.ScopeAdmin, do: (*API).join},
	{method: http.MethodPost, path: "/leave", scope: auth.ScopeAdmin, do: (*API).leave},
	{method: http.MethodPost, path: "/disconnect", scope: auth.ScopeAdmin, do: (*API).disconnect},
	{method: http.MethodPost, path: "/block", scope: auth.ScopeAdmin, do: (*API).block},
	{method: http.MethodPost, path: "/unblock", scope: auth.ScopeAdmin, do: (*API).unblock},
	{method: http.MethodGet, path: "/blocks", scope: auth.ScopeAdmin, do: (*API).blocks},
	{method: http.MethodPost, path: "/tickets", do: (*API).ticket},
}

// inGin writes the path of an operation, /a/{b}, as Gin does: /a/:b.
var inGin = strings.NewReplacer("{", ":", "}", "")

// Mount adds the paths of the API to a router.
func (a *API) Mount(r gin.IRouter) {
	byPath := make(map[string]map[string]operation)
	for _, op := range operations {
		if op.path == "/notify" && a.opts.Notify == nil || strings.HasPrefix(op.path, "/ingest") && a.opts.Ingest == nil {
			continue
		}
		if byPath[op.path] == nil {
			byPath[op.path] = make(map[string]operation)
		}
		byPath[op.path][op.method] = op
	}
	for path, methods := range byPath {
		r.Any(Prefix+inGin.Replace(path), func(c *gin.Context) {
			for _, p := range c.Params {
				c.Request.SetPathValue(p.Key, p.Value)
			}
			a.serve(c.Writer, c.Request, methods)
		})
	}
	a.mountPages(r)
}
