package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/handlers/api"
	"github.com/sockeye-io/sockeye/handlers/notifications"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/handlers/telemetry"
	"github.com/sockeye-io/sockeye/handlers/webhook"
	"github.com/sockeye-io/sockeye/public"
	"github.com/sockeye-io/sockeye/server/certs"
	"github.com/sockeye-io/sockeye/server/metrics"
	"github.com/sockeye-io/sockeye/server/origin"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// Bounds of the HTTP server, before any handler has a say.
const (
	headerTimeout  = 10 * time.Second // from the connection to the end of the request's header
	idleTimeout    = 2 * time.Minute  // a kept-alive connection without a request
	maxHeaderBytes = 16 << 10         // as in Node
	silentConn     = 30 * time.Second // a connection of HTTP/2 that says nothing is asked; one that takes nothing ends
)

// App is the whole program behind the command line. New binds its addresses,
// Run serves until its context ends and then stops everything in order.
type App struct {
	cfg       Config
	log       *slog.Logger
	release   string
	relay     *relay.Config // what is mounted; nil without --relay
	io        *socketio.Server
	metrics   *metrics.Metrics
	origins   *origin.Policy
	site      *public.Site
	client    *public.ClientFiles
	widget    *public.Widget
	cluster   clusterParts
	nodes     nodeParts
	identity  identityParts
	limits    limitParts
	hooks     *webhook.Hooks
	loopback  bool // the main address is one
	anonymous bool

	api           *api.API // nil without --api
	telemetry     *telemetry.Telemetry
	notifications *notifications.Notifications
	comments      commentParts

	certs            *certs.Store // nil without --tls-cert
	listener         net.Listener
	metricsListener  net.Listener // nil without --metrics-listen
	redirectListener net.Listener // nil without --redirect-listen

	draining      atomic.Bool
	closing       atomic.Bool // the sockets end
	refusalLogged atomic.Bool // the first refused anonymous handshake was logged
}

// New binds the addresses of a valid configuration and builds what will serve
// them. release is shown on the page and in the metrics. Nothing is accepted
// before Run; an App that is never run must be closed.
func New(cfg *Config, log *slog.Logger, release string) (*App, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	a := &App{cfg: *cfg, log: log, release: release, metrics: metrics.New(release)}
	if err := a.openCertificates(); err != nil {
		return nil, err
	}
	if err := a.listen(); err != nil {
		return nil, err
	}
	if err := a.build(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) listen() (err error) {
	var lc net.ListenConfig
	ctx := context.Background() // binding does not block
	if a.listener, err = lc.Listen(ctx, "tcp", a.cfg.Listen); err != nil {
		return bindError("listen", a.cfg.Listen, err)
	}
	if tcp, ok := a.listener.Addr().(*net.TCPAddr); ok {
		a.loopback = tcp.IP.IsLoopback()
	}
	for _, side := range []struct {
		option, addr string
		listener     *net.Listener
	}{
		{"metrics-listen", a.cfg.MetricsListen, &a.metricsListener},
		{"redirect-listen", a.cfg.RedirectListen, &a.redirectListener},
	} {
		if side.addr == "" {
			continue
		}
		if *side.listener, err = lc.Listen(ctx, "tcp", side.addr); err != nil {
			return errors.Join(bindError(side.option, side.addr, err), a.closeListeners())
		}
	}
	return nil
}

// closeListeners closes the addresses that were bound.
func (a *App) closeListeners() error {
	var errs []error
	for _, l := range []net.Listener{a.listener, a.metricsListener, a.redirectListener} {
		if l != nil {
			errs = append(errs, ignoreClosed(l.Close()))
		}
	}
	return errors.Join(errs...)
}

// bindError says of an address that could not be bound what can be done.
func bindError(option, addr string, err error) error {
	advice := "choose an address of this machine and a port from 0 to 65535"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		advice = "stop what listens there, or choose another port (0 lets the system choose)"
	case errors.Is(err, syscall.EACCES):
		advice = "this user may not bind it: choose a port above 1023"
	}
	return fmt.Errorf("--%s %s: %w: %s", option, addr, err, advice)
}

// Addr is the address that was bound, with the port that the system chose.
func (a *App) Addr() net.Addr { return a.listener.Addr() }

// MetricsAddr is the address of --metrics-listen, or nil.
func (a *App) MetricsAddr() net.Addr {
	if a.metricsListener == nil {
		return nil
	}
	return a.metricsListener.Addr()
}

// IO is the Socket.IO server, for programs that add events of their own.
func (a *App) IO() *socketio.Server { return a.io }

// Notifications notifies users, for programs that have something to tell them.
func (a *App) Notifications() *notifications.Notifications { return a.notifications }

// Close gives the addresses of an App back that is not run.
func (a *App) Close() error {
	var io error
	if a.io != nil { // what stands on it may have begun to work
		ctx, cancel := context.WithTimeout(context.Background(), a.cfg.ShutdownTimeout)
		defer cancel()
		io = a.io.Close(ctx)
	}
	a.closeIdentity()
	return errors.Join(io, a.closeListeners(), a.closeCluster(), a.closeNodes(), a.closeComments())
}

// ErrAtOnce as the cause of the end of Run's context leaves Config.Drain out.
var ErrAtOnce = errors.New("stop without sending clients away evenly")

// Run serves until ctx ends or an address fails, sends the clients to other nodes if
// ctx ended, stops everything in order and returns nil, or what failed. It is called
// once.
func (a *App) Run(ctx context.Context) error {
	a.joinNodes(ctx)
	defer a.watchCertificates(ctx)()
	defer a.trimMemory(ctx)()
	main := a.httpServer(a.behindProxies(a.routes())) //nolint:contextcheck // requests have contexts of their own
	main.ConnContext = withConn
	failed := make(chan error, 3)
	go func() { failed <- a.serveMain(main) }()
	var redirect, side *http.Server
	if a.redirectListener != nil {
		redirect = a.httpServer(heard(a.redirectRoutes()))
		redirect.ConnContext = withConn
		go func() { failed <- redirect.Serve(a.guard(a.redirectListener)) }()
	}
	if a.metricsListener != nil {
		side = a.httpServer(a.metricsRoutes())
		go func() { failed <- side.Serve(a.metricsListener) }()
	}
	a.announce()

	var err error
	select {
	case <-ctx.Done():
		a.drain(context.WithoutCancel(ctx), context.Cause(ctx))
	case err = <-failed:
	}
	a.shutdown(context.WithoutCancel(ctx), main, redirect, side)
	if err != nil {
		return fmt.Errorf("serving: %w", err)
	}
	return nil
}

func (a *App) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{SendPingTimeout: silentConn, WriteByteTimeout: silentConn},
		// What net/http has to say is about single bad connections.
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

// announce logs what a person or a script looks for after the start. Scripts
// read the line "listening addr=...".
func (a *App) announce() {
	a.log.Info("listening", "addr", a.Addr().String())
	a.log.Info("the page is at", "url", pageURL(a.scheme(), a.Addr()))
	if a.redirectListener != nil {
		a.log.Info("browsers are sent to HTTPS from", "addr", a.redirectListener.Addr().String())
	}
	if a.metricsListener != nil {
		a.log.Info("metrics are at", "url", "http://"+a.metricsListener.Addr().String()+"/metrics")
	}
	a.checkOpenFiles(openFileLimit())
	if !a.anonymous && !a.canKnow() {
		a.log.Warn(anonymousRefused)
	} else if a.cfg.knowsClients() {
		a.log.Info("clients are known", "by", a.knownBy())
	}
	if !a.client.Complete() {
		a.log.Warn("this binary was built without npm and has no browser client: the pages will not connect", "remedy", "install Node.js and npm, then make build")
	}
}

// pageURL is an address that a browser on this machine can open.
func pageURL(scheme string, addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return scheme + "://" + addr.String() + "/"
	}
	if tcp.IP.IsUnspecified() {
		return fmt.Sprintf("%s://localhost:%d/", scheme, tcp.Port)
	}
	return scheme + "://" + tcp.String() + "/"
}

// shutdown ends an App. Everything stops in this order, the first two steps, which are
// drain's, within Drain and the others, which are here, within ShutdownTimeout:
//
//  1. /readyz answers 503, so that balancers take this node out; for an eighth of the
//     drain everything else goes on, new clients included. /healthz and /metrics answer
//     to the end.
//  2. Handshakes are refused, with 503. In the rest of the drain the sessions end one
//     after the other, evenly: waiting polls are answered, WebSockets closed, without a
//     DISCONNECT packet, so that clients reconnect by themselves; and so do, at their
//     owners, the sessions of other nodes whose WebSockets come through this one. It is
//     over as soon as none is left, and left out where Drain is 0 or the cause ErrAtOnce.
//  3. What sessions are left end together, in the same way; handlers that run are waited
//     for, and so are the calls of webhooks that tell of these ends; then what knew the clients ends, the adapters close after the last socket, and
//     then the connections to Redis.
//  4. The other nodes are told that this one is gone.
//  5. The main address is closed and requests in flight are waited for. Of those
//     that are carried to other nodes, waiting polls are let go by their owners and
//     WebSockets are closed; the sessions of the first go on, by way of another node.
//  6. The database of the comments is closed.
//  7. The address of --redirect-listen closes, and the metrics address last, so that the
//     end can be watched.
//
// What does not end in time is cut.
func (a *App) shutdown(ctx context.Context, main, redirect, side *http.Server) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, a.cfg.ShutdownTimeout)
	defer cancel()
	a.draining.Store(true)
	a.closing.Store(true)
	clean := a.stopped("sessions", a.io.Close(ctx))
	clean = a.stopped("identity", a.stopIdentity(ctx)) && clean
	clean = a.stopped("redis", a.stopCluster(ctx)) && clean
	clean = a.stopped("nodes", a.leaveNodes(ctx)) && clean
	clean = a.stopped("requests", a.stopRequests(ctx, main)) && clean
	_ = main.Close() // what is left after the time is up; nothing otherwise
	clean = a.stopped("comments", a.closeComments()) && clean
	for _, last := range []struct {
		part   string
		server *http.Server
	}{{"redirect", redirect}, {"metrics", side}} {
		if last.server != nil {
			clean = a.stopped(last.part, last.server.Shutdown(ctx)) && clean
			_ = last.server.Close() // see above
		}
	}
	a.log.Info("stopped", "clean", clean, "took", time.Since(start).Round(time.Millisecond).String())
}

// stopped logs a part that did not end in time.
func (a *App) stopped(part string, err error) bool {
	if err != nil {
		a.log.Warn("did not stop in time and was cut", "part", part, "error", err)
	}
	return err == nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
