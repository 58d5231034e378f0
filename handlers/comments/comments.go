package comments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/handlers/comments/guard"
	"github.com/sockeye-io/sockeye/handlers/comments/staff"
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
	// TryDoor stands before that, and aborts for whom it is not there; nil lets everybody in.
	TryDoor gin.HandlerFunc
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

type nobody struct{}

func (nobody) Commented(string) {}

// Comments are the comments of all sites of a server.
type Comments struct {
	opts    Options // with defaults
	store   store.Store
	staff   *staff.Staff
	guard   *guard.Guard
	ns      *socketio.Namespace // nil before Mount
	node    string              // of this process, other than any other's
	cluster bool                // there may be other nodes
	*web

	pollEvery time.Duration // tests change it before Mount

	ended   context.Context //nolint:containedctx // of what goes on by itself, until the namespace ends
	end     context.CancelFunc
	running sync.WaitGroup // what goes on by itself; nothing is added after the end

	mu     sync.Mutex
	sites  map[string]*site
	broken map[string]int64        // sites that could not be read, and the version that could not
	due    map[string]*nodeMessage // by site: what other nodes are to be told
	tell   chan struct{}           // holds one when due has something
}

// pollEvery is how often the store is asked how far the sites are, for what no other node has
// told; and recheckEvery after how many times moderators' sessions are looked at.
const (
	pollEvery    = 2 * time.Second
	recheckEvery = 5
)

// patience bounds how long the store may take for one thing.
const patience = 10 * time.Second

// New makes comments that are not mounted yet. It reads which sites there are.
func New(o Options) (*Comments, error) {
	if o.Store == nil {
		return nil, errors.New("comments: there is no store to keep them in")
	}
	if o.EnginePath == "" {
		o.EnginePath = "/socket.io/"
	}
	if o.Observer == nil {
		o.Observer = nobody{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Comments{
		opts: o, store: o.Store, staff: staff.New(o.Store), guard: guard.New(guard.Options{Store: o.Store, Shared: o.Shared, Logger: o.Logger}),
		node: randomText(9), pollEvery: pollEvery,
		sites: make(map[string]*site), broken: make(map[string]int64), due: make(map[string]*nodeMessage), tell: make(chan struct{}, 1),
		web: newWeb(&o),
	}
	c.ended, c.end = context.WithCancel(context.Background())
	ctx, cancel := context.WithTimeout(c.ended, patience)
	defer cancel()
	if o.Open {
		if err := c.makeDemo(ctx); err != nil {
			return nil, fmt.Errorf("comments: the site %q: %w", demoSite, err)
		}
	}
	if err := c.poll(ctx); err != nil {
		return nil, fmt.Errorf("comments: which sites there are: %w", err)
	}
	return c, nil
}

// Mount registers the namespace on srv, before srv serves. It ends with the namespace.
func (c *Comments) Mount(srv *socketio.Server) error {
	c.ns = srv.Of(Namespace)
	// A client that comes back says by its cursor what it knows, which holds for longer.
	if err := c.ns.EnableRecovery(socketio.Recovery{}); err != nil && !errors.Is(err, socketio.ErrNoRecovery) {
		return fmt.Errorf("comments: %s without recovery: %w", Namespace, err)
	}
	_, c.cluster = c.ns.Adapter().(socketio.ClusterAdapter)
	c.ns.Use(c.admit)
	c.ns.OnConnection(c.welcome)
	c.ns.OnDisconnect(c.farewell)
	c.ns.OnClose(c.close)
	c.listen()
	c.begin(c.follow)
	c.begin(func() { c.hooks.run(c.ended) })
	c.begin(func() { c.retain(c.ended) })
	if c.cluster {
		c.ns.OnServerSide(eventName, func(args socketio.Args, _ func(...any)) { c.hear(args) })
		c.begin(c.tellNodes)
	}
	return nil
}

// begin runs f until the end, if that has not come.
func (c *Comments) begin(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Err() == nil {
		c.running.Go(f)
	}
}

// close ends what goes on, and waits for it.
func (c *Comments) close() {
	c.mu.Lock()
	c.end()
	c.mu.Unlock()
	c.running.Wait()
}
