package redis

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// DefaultPrefix is the default of Options.Prefix, as in Node.
const DefaultPrefix = "socket.io"

// minNodeID is the least length of Options.NodeID: Node's are 6 characters long and
// made up, so a name must be long enough to be nobody else's.
const minNodeID = 8

// Options configure a Hub. The zero value of each field but NodeID means its default.
type Options struct {
	// NodeID is this process's name among the nodes: at least 8 characters, of which
	// none means something to Redis, and another one after each start.
	NodeID string
	// Prefix begins the names of all channels: what Node's adapter calls key
	// ("socket.io").
	Prefix string
	// RequestsTimeout bounds how long other nodes may take to answer (5 s).
	RequestsTimeout time.Duration
	// SpecificResponses answers each node on a channel of its own, which costs the
	// others less: what Node's adapter calls publishOnSpecificResponseChannel. Every
	// node of the cluster must hear there: @socket.io/redis-adapter from 7.1 on does.
	// Sockeye's questions are always answered there.
	SpecificResponses bool
	// Logger gets the state of the connection; nil logs nothing.
	Logger *slog.Logger
	// Observer hears of the messages; nil is nobody.
	Observer cluster.Observer
}

// Hub joins all namespaces of a server to those of the other nodes. Close it after the
// server.
type Hub struct {
	o       Options
	log     *slog.Logger
	publish *redisclient.Publisher
	hear    *redisclient.Subscription
	count   *redisclient.Counter

	failing atomic.Bool // the last message was not published

	mu      sync.Mutex
	drivers map[string]*driver // by namespace
	up      bool               // messages of others are heard
	known   bool               // up was found out
	away    error              // why nothing can be published
}

// New returns a Hub, without waiting for Redis. The client must not send a command
// again that may have arrived; redisclient.Open makes such clients. It must not be
// closed before the Hub is.
func New(client goredis.UniversalClient, o Options) (*Hub, error) {
	o.Prefix = cmp.Or(o.Prefix, DefaultPrefix)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Observer == nil {
		o.Observer = cluster.NopObserver{}
	}
	if len(o.NodeID) < minNodeID || strings.ContainsAny(o.NodeID, "#*?[]\\") {
		return nil, fmt.Errorf("redis: the node id %q is too short or has one of #*?[]\\: take %d characters or more", o.NodeID, minNodeID)
	}
	if err := redisclient.CheckClient(client); err != nil {
		return nil, err
	}
	h := &Hub{o: o, log: o.Logger, drivers: make(map[string]*driver)}
	h.publish = redisclient.NewPublisher(client, redisclient.PublisherOptions{
		OnState: h.published,
		OnSent: func(sent, failed int, took time.Duration) {
			cluster.Sent(o.Observer, cluster.PubSub, sent, failed, took)
		},
	})
	h.hear = redisclient.Subscribe(client)
	h.count = redisclient.NewCounter(client)
	return h, nil
}

// Factory returns the factory for socketio.Options.Adapter.
func (h *Hub) Factory() socketio.AdapterFactory {
	return func(l *socketio.Local) (socketio.Adapter, error) {
		return cluster.New(l, h.open, cluster.Options{
			NodeID: h.o.NodeID, RequestsTimeout: h.o.RequestsTimeout, Logger: h.log,
		})
	}
}

// open opens the driver of a namespace. One that was there before is empty, or would
// not be opened again: it is about to be closed.
func (h *Hub) open(a *cluster.Adapter) (cluster.Driver, error) {
	d := newDriver(h, a)
	name := a.Namespace().Name()
	h.mu.Lock()
	h.drivers[name] = d
	h.mu.Unlock()
	if err := h.hear.Take(d.topic); err != nil {
		h.remove(d)
		return nil, err
	}
	return d, nil
}

// remove forgets a driver.
func (h *Hub) remove(d *driver) {
	h.mu.Lock()
	if name := d.a.Namespace().Name(); h.drivers[name] == d {
		delete(h.drivers, name)
	}
	h.mu.Unlock()
	h.hear.Remove(d.topic)
}

// Up reports whether the other nodes can be reached.
func (h *Hub) Up() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.up && h.away == nil
}

// Close ends the connections. It waits for what is being sent, as long as the client's
// time-outs allow.
func (h *Hub) Close() error {
	h.hear.Close()
	h.publish.Close()
	return nil
}

// send publishes a message.
func (h *Hub) send(channel string, payload []byte) error {
	err := h.publish.Publish(channel, payload)
	h.sent(err)
	return err
}

// post publishes a message without waiting for Redis to have it.
func (h *Hub) post(channel string, payload []byte) error {
	err := h.publish.Post(channel, payload, h.sent)
	if err != nil {
		h.sent(err)
	}
	return err
}

// sent notes what became of a message.
func (h *Hub) sent(err error) {
	if err == nil {
		if h.failing.Load() {
			h.failing.Store(false)
		}
		return
	}
	if !errors.Is(err, redisclient.ErrClosed) && !h.failing.Swap(true) {
		h.log.Warn("a message for other nodes was not published (logged once until one is)", slog.Any("error", err))
	}
}

// heard notes that the connection on which everything is heard is there, or why not,
// and logs it once for all namespaces.
func (h *Hub) heard(err error, again bool) {
	h.mu.Lock()
	was, known := h.up, h.known
	h.up, h.known = err == nil, true
	h.mu.Unlock()
	switch {
	case known && was == (err == nil):
	case err != nil:
		redisclient.Advised(h.log, err).Error("Redis is away: packets reach the clients of this node only", slog.Any("error", err))
	case again:
		h.log.Error("Redis is back: what other nodes published meanwhile was missed")
	default:
		h.log.Info("Redis is there: other nodes can be reached")
	}
}

// published notes why nothing can be published, or that it can again.
func (h *Hub) published(err error) {
	h.mu.Lock()
	h.away = err
	drivers := make([]*driver, 0, len(h.drivers))
	for _, d := range h.drivers {
		drivers = append(drivers, d)
	}
	h.mu.Unlock()
	if err != nil {
		redisclient.Advised(h.log, err).Error("Redis is away: nothing can be published", slog.Any("error", err))
	} else {
		h.log.Info("Redis is back: messages are published again")
	}
	for _, d := range drivers {
		d.settle()
	}
}

// cannotPublish returns why nothing can be published, or nil.
func (h *Hub) cannotPublish() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.away
}
