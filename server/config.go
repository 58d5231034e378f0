package server

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/sockeye-io/sockeye/handlers/chat"
	"github.com/sockeye-io/sockeye/handlers/comments"
	"github.com/sockeye-io/sockeye/handlers/notifications"
	"github.com/sockeye-io/sockeye/handlers/relay"
	"github.com/sockeye-io/sockeye/handlers/telemetry"
	"github.com/sockeye-io/sockeye/handlers/webhook"
	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/history"
	"github.com/sockeye-io/sockeye/server/origin"
)

// EnvPrefix begins the name of every environment variable of the program:
// the flag --ping-interval is SOCKEYE_PING_INTERVAL.
const EnvPrefix = "SOCKEYE"

// Config is everything an operator may choose. The same field is a flag, an
// environment variable and a key of the YAML file; the tag `name` is the word
// in all three. Flags win over the environment, the environment over the file.
//
// The tag `unit` says how a value is written, `group` where --help shows it.
// Keys that are structures are in the file only: see structures.
type Config struct {
	Listen          string        `name:"listen" group:"listening" default:"127.0.0.1:3000" unit:"host:port" help:"Address to listen on. Port 0 lets the system choose one; the log line \"listening addr=...\" names it."`
	Path            string        `name:"path" group:"listening" default:"/socket.io/" unit:"URL path" help:"Where the Socket.IO endpoint and the browser client's files are, with or without the trailing slash."`
	MetricsListen   string        `name:"metrics-listen" group:"listening" unit:"host:port" help:"Serve /metrics, /healthz and /readyz on an address of their own. Empty: /metrics is on the main address, and only while that is a loopback address."`
	PProf           bool          `name:"pprof" group:"listening" default:"false" negatable:"" unit:"true or false" help:"Serve profiles of the program for go tool pprof under /debug/pprof/ on the address of --metrics-listen, which it needs."`
	Drain           time.Duration `name:"drain" group:"listening" default:"20s" unit:"duration" help:"Over how long a stop by SIGTERM sends the clients to other nodes, evenly, /readyz saying no from the beginning. It is over sooner when no client is left. 0: all at once, as with SIGINT (Ctrl-C)."`
	ShutdownTimeout time.Duration `name:"shutdown-timeout" group:"listening" default:"10s" unit:"duration" help:"How long a stop may take after --drain, before it cuts what is left. A second signal exits at once."`

	TLSCert        []string   `name:"tls-cert" group:"tls" unit:"comma-separated file names" help:"PEM files of certificates with their chains: the main address speaks HTTPS, with HTTP/2. Of several each client is shown the one for the name that it asks for, or else the first. The files are looked at every two seconds, and at SIGHUP: new ones are taken over without dropping a connection. Empty: plain HTTP."`
	TLSKey         []string   `name:"tls-key" group:"tls" unit:"comma-separated file names" help:"PEM files of the private keys, one for each of --tls-cert, in the same order."`
	TLSMin         string     `name:"tls-min" group:"tls" default:"1.2" enum:"1.2,1.3" unit:"1.2 or 1.3" help:"Oldest version of TLS that is spoken."`
	RedirectListen string     `name:"redirect-listen" group:"tls" unit:"host:port" help:"Send browsers that come by plain HTTP to this address, such as :80, to the same page by HTTPS; only for hosts that a certificate is for."`
	HSTS           OrDuration `name:"hsts" group:"tls" default:"off" word:"off" unit:"off or duration" help:"Tell browsers for how long they shall come by HTTPS only (Strict-Transport-Security), such as 8760h. They do not forget it."`

	Anonymous Switch   `name:"anonymous" group:"access" default:"auto" negatable:"" unit:"auto, on or off" help:"Admit clients that show nothing. auto: on while listening on a loopback address and no --auth option says how to know clients, off elsewhere."`
	Origins   []string `name:"origins" group:"access" unit:"comma-separated origins, or *" help:"Pages of which other origins may connect, such as https://app.example.com, for polling and WebSocket alike. Same origin and requests without an Origin header always pass. Empty: any loopback origin passes too while listening on a loopback address."`

	AuthSecret        string        `name:"auth-secret" group:"identity" unit:"text" help:"Secret of at least 32 bytes that JSON Web Tokens are signed with (HS256, HS384, HS512)."`
	AuthSecretFile    string        `name:"auth-secret-file" group:"identity" unit:"file name" help:"The same as the content of a file; white space around it does not count."`
	AuthKeys          []string      `name:"auth-keys" group:"identity" unit:"comma-separated file names" help:"Files of keys that tokens are signed with: JSON Web Key Sets, or PEM with public keys or certificates (RS256, ES256, EdDSA)."`
	AuthJWKSURL       string        `name:"auth-jwks-url" group:"identity" unit:"URL" help:"Where a login service publishes its keys as a JSON Web Key Set. While it is away the keys fetched before go on to count."`
	AuthIssuer        string        `name:"auth-issuer" group:"identity" unit:"text" help:"What iss of a token must be. Empty: anything."`
	AuthAudience      []string      `name:"auth-audience" group:"identity" unit:"comma-separated texts" help:"What aud of a token must be, or hold one of. Empty: anything."`
	AuthLeeway        time.Duration `name:"auth-leeway" group:"identity" default:"30s" unit:"duration" help:"How far the clocks of those who sign tokens may be off: exp and nbf are taken so much later and earlier."`
	AuthExpiring      time.Duration `name:"auth-expiring" group:"identity" default:"30s" unit:"duration" help:"How long before a token's end its client hears auth:expiring, so that it can send auth:refresh; in the middle of a token's life where that is shorter."`
	AuthCookie        string        `name:"auth-cookie" group:"identity" unit:"cookie name" help:"Cookie of the handshake that may hold a token. Empty: none."`
	AuthQuery         string        `name:"auth-query" group:"identity" unit:"parameter name" help:"Parameter of the handshake's query that may hold a token, for clients that can set nothing else: addresses end up in the logs of proxies. Empty: none."`
	AuthVerifyURL     string        `name:"auth-verify-url" group:"identity" unit:"URL" help:"Address of the site's backend that says who a visitor is: it is asked with Cookie, Authorization and Origin of the handshake."`
	AuthVerifyTimeout time.Duration `name:"auth-verify-timeout" group:"identity" default:"5s" unit:"duration" help:"How long the answer of --auth-verify-url may take."`
	AuthVerifyCache   OrDuration    `name:"auth-verify-cache" group:"identity" default:"10s" word:"off" unit:"off or duration" help:"How long an answer of --auth-verify-url counts for who shows the same again; a refusal for 2s at most."`
	AuthFile          string        `name:"auth-file" group:"identity" unit:"file name" help:"File that API keys and blocks are kept in, for a node alone: see sockeye key and sockeye block. With --redis-url they are in Redis."`

	TrustedProxies []string `name:"trusted-proxies" group:"proxies" unit:"comma-separated networks or addresses, loopback, private" help:"Proxies whose word counts about where a request comes from, such as 10.0.0.0/8. Empty: the peer of the connection is the client."`
	ProxyHeader    string   `name:"proxy-header" group:"proxies" default:"x-forwarded-for" enum:"x-forwarded-for,forwarded,off" unit:"x-forwarded-for, forwarded or off" help:"Which header of trusted proxies names the client. Only this one is read: a proxy that writes the one passes on what a client wrote into the other. With X-Forwarded-For, X-Forwarded-Proto tells whether the client came by TLS."`
	ProxyProtocol  string   `name:"proxy-protocol" group:"proxies" default:"off" enum:"off,required,optional" unit:"off, required or optional" help:"Whether connections of trusted proxies begin with a header of the PROXY protocol (version 1 or 2). optional: those without it are taken as they are, for health checks and for other nodes from the same addresses."`

	EventRate       Rate      `name:"event-rate" group:"limits" default:"200/s burst 2000" unit:"rate or off" help:"Events that a connection may send. Those above are answered with an error and not handled; who goes on for 10s, or has ten times as many and a burst refused in one second, is disconnected."`
	ByteRate        ByteRate  `name:"byte-rate" group:"limits" default:"1MiB/s burst 4MiB" unit:"rate of bytes or off" help:"Bytes that a connection may send, whatever they are. A faster one is read more slowly."`
	MaxEventName    Most      `name:"max-event-name" group:"limits" default:"256" unit:"bytes or off" help:"Longest name of an event."`
	MaxRooms        Most      `name:"max-rooms" group:"limits" default:"100" unit:"number or off" help:"Rooms that one connection may be in, by the relay. The file's relay.max-rooms wins."`
	MaxNamespaces   Most      `name:"max-namespaces" group:"limits" default:"100" unit:"number or off" help:"Namespaces that one connection may be in."`
	IPConnections   Most      `name:"ip-connections" group:"limits" default:"2000" unit:"number or off" help:"Connections that one address may have on this node (IPv6: one /64). It may have three times as many TCP connections."`
	IPHandshakes    Rate      `name:"ip-handshakes" group:"limits" default:"50/s burst 1000" unit:"rate or off" help:"How fast one address may open connections, on all nodes together with --redis-url."`
	UserConnections Most      `name:"user-connections" group:"limits" default:"1000" unit:"number or off" help:"Connections that one user, or one API key, may have on this node."`
	UserHandshakes  Rate      `name:"user-handshakes" group:"limits" default:"50/s burst 1000" unit:"rate or off" help:"How fast one user, or one API key, may open connections, on all nodes together with --redis-url."`
	MaxConnections  Most      `name:"max-connections" group:"limits" default:"100000" unit:"number or off" help:"Connections of this node. Who comes later is told to try again."`
	APIRate         Rate      `name:"api-rate" group:"limits" default:"500/s burst 5000" unit:"rate or off" help:"Requests to the HTTP API that one API key or user may make, of each node, and with readings of devices one address too. A batch is one."`
	APIBody         Size      `name:"api-body" group:"limits" default:"1MiB" unit:"size" help:"Largest body of a request to the HTTP API."`
	OutboxTotal     MostBytes `name:"outbox-total" group:"limits" default:"1GiB" unit:"size or off" help:"Most that may wait for all clients of this node together. When it is reached the slowest readers are disconnected, and new connections are refused."`
	LimitsExcept    []string  `name:"limits-except" group:"limits" default:"private" unit:"comma-separated networks or addresses, loopback, private" help:"Addresses whose connections and handshakes are not counted. private: those of local networks, behind which a proxy may be that nobody has named in --trusted-proxies."`

	Transports        []string      `name:"transports" group:"protocol" default:"polling,websocket" unit:"comma-separated: polling, websocket" help:"Transports that a client may use."`
	AllowUpgrades     Switch        `name:"allow-upgrades" group:"protocol" default:"auto" negatable:"" unit:"auto, on or off" help:"Let a client move from polling to WebSocket. auto: yes, but not for ten minutes to an address whose WebSockets are cut by a proxy soon after they began."`
	AllowEIO3         bool          `name:"allow-eio3" group:"protocol" default:"false" negatable:"" unit:"true or false" help:"Admit clients of protocol 3, such as socket.io-client 2.x."`
	Parser            string        `name:"parser" group:"protocol" default:"auto" enum:"auto,json,msgpack" unit:"auto, json or msgpack" help:"How Socket.IO packets are encoded. auto decides by the client's first packet."`
	PingInterval      time.Duration `name:"ping-interval" group:"protocol" default:"25s" unit:"duration" help:"Time between two pings to a client."`
	PingTimeout       time.Duration `name:"ping-timeout" group:"protocol" default:"20s" unit:"duration" help:"How long a client may take to answer a ping."`
	UpgradeTimeout    time.Duration `name:"upgrade-timeout" group:"protocol" default:"10s" unit:"duration" help:"How long an upgrade from polling to WebSocket may take."`
	ConnectTimeout    time.Duration `name:"connect-timeout" group:"protocol" default:"45s" unit:"duration" help:"How long a client may take to join its first namespace."`
	PollHold          OrDuration    `name:"poll-hold" group:"protocol" default:"auto" word:"auto" unit:"auto or duration" help:"How long a waiting poll is held before it is answered with a noop. auto: 20s, and less for an address whose polls are cut earlier by a proxy."`
	MaxPayload        Size          `name:"max-payload" group:"protocol" default:"1MB" unit:"size" help:"Largest message or polling body accepted."`
	HTTPCompression   bool          `name:"http-compression" group:"protocol" default:"true" negatable:"" unit:"true or false" help:"Compress answers of polling above 1 KiB when the client accepts it."`
	PerMessageDeflate bool          `name:"per-message-deflate" group:"protocol" default:"false" negatable:"" unit:"true or false" help:"Compress WebSocket messages above 1 KiB (permessage-deflate) when the client offers it."`
	IdleMode          bool          `name:"idle-mode" group:"protocol" default:"false" negatable:"" unit:"true or false" help:"WebSockets and event streams that say nothing hold neither a goroutine nor a buffer, which halves what an idle client costs; each time that one says something costs a system call more. Linux only, and not for connections with TLS or the PROXY protocol, which stay as they are."`
	Cookie            string        `name:"cookie" group:"protocol" unit:"cookie name" help:"Set the Engine.IO session id as a cookie of this name (HttpOnly, SameSite=Lax), for load balancers that stick by cookie. Empty: none."`

	OutboxLimit  Size          `name:"outbox-limit" group:"slow and broken clients" default:"1MiB" unit:"size" help:"A client with more than this waiting for it, which took no byte for 5s, is a slow reader."`
	OutboxMax    Size          `name:"outbox-max" group:"slow and broken clients" default:"16MiB" unit:"size" help:"A client with more than this waiting for it is a slow reader at once."`
	SlowReader   string        `name:"slow-reader" group:"slow and broken clients" default:"disconnect" enum:"disconnect,drop-oldest" unit:"disconnect or drop-oldest" help:"What happens to a slow reader. drop-oldest drops its queued volatile messages first, and disconnects when none is left."`
	HandlerStall time.Duration `name:"handler-stall" group:"slow and broken clients" default:"60s" unit:"duration" help:"How long a full inbox may pause the reading of a client before the client is disconnected."`

	Recovery       OrDuration `name:"recovery" group:"features" default:"off" word:"off" unit:"off or duration" help:"How long a client may be away and still get what it missed (connection state recovery). On, every event without an acknowledgement ends in one more argument, a string, which listeners see, as with Node."`
	RecoveryBytes  Size       `name:"recovery-bytes" group:"features" default:"64MiB" unit:"size" help:"Most memory that packets kept for recovery may take, in all namespaces together (or the chat's recovery-bytes, if that is more)."`
	API            bool       `name:"api" group:"features" default:"true" negatable:"" unit:"true or false" help:"Serve the HTTP API under /api/v1, which needs an API key or a token whatever --anonymous says (but for readings of devices), and its description at /api/."`
	Relay          string     `name:"relay" group:"features" default:"on" enum:"on,off" unit:"on or off" help:"Serve the relay contract (join, leave, say, typing, echo) and the relay rules of the file. In the file this key is on, off, or the rules."`
	Demos          Switch     `name:"demos" group:"features" default:"auto" negatable:"" unit:"auto, on or off" help:"Serve the demo pages /demos/canvas and /demos/game with the relay rules that they need, which let everybody who may connect draw and play. auto: on while listening on a loopback address, and with the relay on."`
	Comments       Switch     `name:"comments" group:"features" default:"auto" negatable:"" unit:"auto, on or off" help:"Serve comments for pages of sites: the widget /comments.js, the namespace /comments and the moderator page /comments/moderate. auto: on where --comments-db is there already, as sockeye comments init makes it; with the demo pages they are kept in memory."`
	CommentsDB     string     `name:"comments-db" group:"features" default:"sockeye-comments.db" unit:"file name or postgres URL" help:"Where comments are kept: a SQLite file, or a PostgreSQL database for several nodes (postgres://user:password@host/database)."`
	Events         bool       `name:"events" group:"features" default:"true" negatable:"" unit:"true or false" help:"Serve server-sent events at /events, for EventSource and others that only listen."`
	PlainWebSocket bool       `name:"plain-websocket" group:"features" default:"true" negatable:"" unit:"true or false" help:"Serve plain WebSockets of JSON messages at /ws, for devices and languages without a Socket.IO client."`

	RedisURL             string        `name:"redis-url" group:"cluster" unit:"URL" help:"Redis that joins several nodes: redis://[user:password@]host:port[/db], rediss:// for TLS; redis+cluster://host:port,host:port for a Redis Cluster, redis+sentinel://host:port,host:port/master[/db] for Sentinel (rediss+... for TLS). Empty: this node is alone."`
	Adapter              string        `name:"adapter" group:"cluster" default:"auto" enum:"auto,memory,redis,redis-streams" unit:"auto, memory, redis or redis-streams" help:"How packets reach other nodes. auto: redis-streams with --redis-url, memory without. redis is classic Pub/Sub, for joining a cluster of Node.js servers with @socket.io/redis-adapter; it has no recovery."`
	RedisPrefix          string        `name:"redis-prefix" group:"cluster" default:"socket.io" unit:"text" help:"Beginning of the names of channels, and name of the stream: what Node's adapters call key (redis) and streamName and channelPrefix (redis-streams). Clusters that share a Redis must differ in it."`
	RedisRequestsTimeout time.Duration `name:"redis-requests-timeout" group:"cluster" default:"5s" unit:"duration" help:"How long a question to the other nodes (fetchSockets, serverSideEmit with ack) waits for their answers."`
	NodeURL              string        `name:"node-url" group:"cluster" unit:"URL" help:"Where the other nodes reach this one, such as http://10.0.0.5:3000. Empty: found from POD_IP, from the listening address, from the way to Redis or from this machine's addresses."`
	ClusterSecret        string        `name:"cluster-secret" group:"cluster" unit:"text" help:"What the nodes of a cluster prove to each other that they belong together, at least 16 characters. Empty: one is made up once and kept in Redis."`
	ReadyNeedsRedis      bool          `name:"ready-needs-redis" group:"cluster" default:"false" negatable:"" unit:"true or false" help:"Answer 503 on /readyz while Redis is away. By default the node stays ready: it goes on serving its own clients."`

	LogLevel       string `name:"log-level" group:"logging" default:"info" enum:"debug,info,warn,error" unit:"debug, info, warn or error" help:"Least severity that is logged."`
	LogFormat      string `name:"log-format" group:"logging" default:"text" enum:"text,json" unit:"text or json" help:"How log lines are written to standard error."`
	LogConnections bool   `name:"log-connections" group:"logging" default:"true" negatable:"" unit:"true or false" help:"Log a line, at level info, when a connection ends: why, after how long, and what it carried. Those that end because a client was too slow are logged in any case."`

	// RelayConfig is the file's relay: key, if that is not just on or off.
	RelayConfig relay.Config `kong:"-" yaml:"relay"`
	// Auth is the file's auth: key.
	Auth auth.Config `kong:"-" yaml:"auth"`
	// History is the file's history: key.
	History history.Config `kong:"-" yaml:"history"`
	// Chat is the file's chat: key.
	Chat chat.Options `kong:"-" yaml:"chat"`
	// Telemetry is the file's telemetry: key.
	Telemetry telemetry.Options `kong:"-" yaml:"telemetry"`
	// Notifications is the file's notifications: key.
	Notifications notifications.Options `kong:"-" yaml:"notifications"`
	// Webhooks is the file's webhooks: key.
	Webhooks webhook.Config `kong:"-" yaml:"webhooks"`
}

// Groups are the headings of --help and of config print, in order.
var Groups = []struct{ Key, Title string }{
	{"listening", "Listening"},
	{"tls", "TLS"},
	{"access", "Who may connect"},
	{"identity", "Who clients are"},
	{"proxies", "Behind proxies"},
	{"limits", "Limits"},
	{"protocol", "Protocol"},
	{"slow and broken clients", "Slow and broken clients"},
	{"features", "Features"},
	{"cluster", "Several nodes"},
	{"logging", "Logging"},
}

// Validate checks what a single value cannot tell. Each error names the flag
// and what to do; several are joined.
func (c *Config) Validate() error {
	var errs []error
	fail := func(option, format string, args ...any) {
		errs = append(errs, &OptionError{Option: option, Err: fmt.Errorf(format, args...)})
	}
	for _, addr := range []struct{ name, value string }{{"listen", c.Listen}, {"metrics-listen", c.MetricsListen}} {
		if addr.value == "" && addr.name == "metrics-listen" {
			continue
		}
		if _, _, err := net.SplitHostPort(addr.value); err != nil {
			fail(addr.name, "%q is no address: write host:port, such as 127.0.0.1:3000 or :3000", addr.value)
		}
	}
	if strings.ContainsAny(c.Path, "?#*: ") || strings.Contains(c.Path, "//") || strings.Trim(c.Path, "/") == "" {
		fail("path", "%q is no usable path: write a path with at least one name, such as /socket.io/", c.Path)
	}
	for _, t := range c.Transports {
		if t != "polling" && t != "websocket" {
			fail("transports", "unknown transport %q: use polling, websocket or both", t)
		}
	}
	if len(c.Transports) == 0 {
		fail("transports", "none given: use polling, websocket or both")
	}
	if _, err := origin.Parse(c.Origins); err != nil {
		fail("origins", "%w", err)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"ping-interval", c.PingInterval},
		{"ping-timeout", c.PingTimeout},
		{"upgrade-timeout", c.UpgradeTimeout},
		{"connect-timeout", c.ConnectTimeout},
		{"handler-stall", c.HandlerStall},
		{"shutdown-timeout", c.ShutdownTimeout},
		{"redis-requests-timeout", c.RedisRequestsTimeout},
	} {
		if d.value <= 0 {
			fail(d.name, "%v is not above zero", d.value)
		}
	}
	if c.Drain < 0 {
		fail("drain", "%v is below zero: write 0 to send all clients away at once", c.Drain)
	}
	for _, s := range []struct {
		name  string
		value Size
	}{{"max-payload", c.MaxPayload}, {"api-body", c.APIBody}, {"outbox-limit", c.OutboxLimit}, {"recovery-bytes", c.RecoveryBytes}} {
		if s.value <= 0 {
			fail(s.name, "%v is not above zero", s.value)
		}
	}
	if c.PollHold.Word == "off" {
		fail("poll-hold", "off is not possible: write auto or a duration such as 20s")
	}
	if c.Recovery.Word == "auto" {
		fail("recovery", "auto is not possible: write off or a duration such as 2m")
	}
	if first, _, _ := strings.Cut(strings.Trim(c.Path, "/"), "/"); slices.Contains(takenPaths, first) {
		fail("path", "%q begins with a path of Sockeye's own: choose another first name than %s", c.Path, first)
	}
	if c.OutboxMax < c.OutboxLimit {
		fail("outbox-max", "%v is below --outbox-limit, %v: raise the one or lower the other", c.OutboxMax, c.OutboxLimit)
	}
	if c.PProf && c.MetricsListen == "" {
		fail("pprof", "it needs --metrics-listen: profiles show too much for an address that clients reach; set --metrics-listen to one that only operators reach, such as 127.0.0.1:9090")
	}
	c.validateTLS(fail)
	c.validateCluster(fail)
	c.validateAuth(fail)
	c.validateLimits(fail)
	errs = append(errs, c.validateHistory()...)
	rules := c.RelayConfig
	rules.Reserved = reservedNamespaces
	return errors.Join(append(errs, rules.Validate(), c.Auth.Validate(), c.Chat.Validate(), c.Telemetry.Validate(), c.Notifications.Validate(),
		c.Webhooks.Validate(webhook.Others{Reserved: reservedNamespaces, Takes: c.relays}))...)
}

// relays reports whether a key of the relay has a rule for an event by its name.
func (c *Config) relays(key, event string) bool {
	_, ruled := c.RelayConfig.Namespaces[key][event]
	return ruled && c.Relay == "on"
}

// takenPaths are the first names of the paths of routes and pages.
var takenPaths = []string{"api", "chat", "dashboard", "playground", "notifications", "comments", "comments.js", "demos", "ws", "events", "assets", "favicon.svg", "favicon.ico", "healthz", "readyz", "metrics"}

// reservedNamespaces have a handler of their own.
var reservedNamespaces = []string{chat.Namespace, telemetry.Namespace, notifications.Namespace, comments.Namespace}

// OptionError is a value that is wrong on its own or beside another.
type OptionError struct {
	Option string
	Err    error
}

// Error names the flag.
func (e *OptionError) Error() string { return "--" + e.Option + ": " + e.Err.Error() }

// Unwrap returns the problem without the flag.
func (e *OptionError) Unwrap() error { return e.Err }

// BasePath returns Path with a slash at both ends.
func (c *Config) BasePath() string { return "/" + strings.Trim(c.Path, "/") + "/" }

// EnvName returns the environment variable of an option.
func EnvName(option string) string {
	return EnvPrefix + "_" + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}
