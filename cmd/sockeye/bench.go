package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

// benchCommand knows nothing of the server's options: it is clients.
type benchCommand struct {
	URL string `arg:"" help:"Where the server is, such as https://chat.example.com."`

	Work      []string      `default:"idle,connect,fanout,echo" placeholder:"WORD" help:"What to do, in this order: idle, connect, fanout or echo; several with commas, or repeated."`
	Clients   int           `default:"100" placeholder:"NUMBER" help:"How many clients; in a fan-out they share --rooms rooms."`
	Duration  time.Duration `default:"5s" placeholder:"DURATION" help:"How long each work but connect is measured."`
	Warmup    time.Duration `default:"1s" placeholder:"DURATION" help:"Traffic before that, which counts for losses only."`
	Rate      float64       `default:"0" placeholder:"NUMBER" help:"Messages per second, by the clock: in all of a fan-out, and of each client in an echo. Default: 20, without --window."`
	Window    int           `default:"0" placeholder:"NUMBER" help:"Messages in flight, in place of a clock: in all of a fan-out, and of each client in an echo."`
	Payload   int           `default:"64" placeholder:"BYTES" help:"Length of what a message carries, in bytes, at least 24."`
	Rooms     int           `default:"1" placeholder:"NUMBER" help:"Rooms of a fan-out, with equally many clients in each."`
	Room      string        `placeholder:"NAME" help:"Name of the room, or what the names of several begin with. Default: one that nobody else has."`
	Transport string        `default:"websocket" enum:"websocket,polling,upgrade" placeholder:"WORD" help:"websocket, polling, or upgrade: polling first, as browsers do."`
	Parser    string        `default:"json" enum:"json,msgpack" placeholder:"WORD" help:"How packets are encoded: json, or msgpack as by socket.io-msgpack-parser."`
	Binary    bool          `help:"Messages are binary attachments and no text."`
	Deflate   bool          `help:"Offer permessage-deflate, and send what can be compressed."`
	Churn     float64       `default:"0" placeholder:"NUMBER" help:"Clients per second that connect and leave beside a fan-out or an echo."`
	Stalled   float64       `default:"0" placeholder:"SHARE" help:"Share of a fan-out's clients that stop reading, up to 0.5."`

	Path      string   `default:"/socket.io/" placeholder:"PATH" help:"Where Socket.IO is on the server."`
	Namespace string   `default:"/" placeholder:"NAME" help:"Namespace with the relay's contract: join, say, echo."`
	Token     string   `placeholder:"TOKEN" help:"Token or API key, shown as auth.token."`
	TokenFile string   `type:"path" placeholder:"FILE" help:"The same as the content of a file."`
	Auth      string   `placeholder:"JSON" help:"What clients show on connecting, as an object, where it is not only a token."`
	Header    []string `sep:"none" placeholder:"NAME:VALUE" help:"Header of each request, such as 'Cookie: id=1'; can be repeated."`
	Insecure  bool     `help:"Believe any certificate of the server."`

	Timeout time.Duration `default:"5s" placeholder:"DURATION" help:"How long a client may take to connect, and nothing may arrive until what is under way counts as lost."`

	PID  int  `name:"pid" default:"0" placeholder:"NUMBER" help:"Process of the server, if it runs on this machine: its CPU time and memory are measured too. Linux only."`
	JSON bool `name:"json" help:"Print one JSON document in place of the table."`
	Yes  bool `help:"The server is yours, and may be loaded: no bounds for addresses of other machines."`
}

// Bounds for servers on other machines, unless --yes: what one person may do to somebody's
// production without a second thought.
const (
	politeClients  = 200
	politeWindow   = 8
	politeRate     = 100 // messages per second
	politeChurn    = 20  // connections per second
	politeDuration = time.Minute
)

// usualRate is --rate where neither it nor --window is given, in messages per second: what apps
// do, and a tenth of what a server of default limits takes from one client, however few they are.
const usualRate = 20

// What ends the program: see docs/measuring.md.
const (
	benchUnclean     = exitStatus(2)
	benchInterrupted = exitStatus(130) // as a shell says of Ctrl-C
)

// Run measures one work after the other. Ctrl-C ends it early.
func (c *benchCommand) Run(s streams) error {
	ctx, stop := signal.NotifyContext(s.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	b, err := c.open(ctx)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	b.progress = newBenchProgress(s.err)
	if err := b.greet(ctx); err != nil {
		if ctx.Err() != nil {
			return benchInterrupted
		}
		return fmt.Errorf("bench: %s", printable(err.Error()))
	}
	rep, err := b.run(ctx)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if c.JSON {
		err = rep.writeJSON(s.out)
	} else {
		err = rep.write(s.out)
	}
	switch {
	case err != nil:
		return err
	case rep.Interrupted:
		return benchInterrupted
	case !rep.Clean:
		return benchUnclean
	}
	return nil
}

// bench is a checked benchCommand.
type bench struct {
	*benchCommand
	base     *url.URL // with the path of Socket.IO
	target   load.Target
	works    []load.Kind
	header   http.Header
	auth     json.RawMessage // nil: none
	progress *benchProgress

	roundTrip time.Duration // of one message, when nothing else happens
}

// open checks the flags.
func (c *benchCommand) open(ctx context.Context) (*bench, error) {
	b := &bench{benchCommand: c, header: make(http.Header)}
	for _, check := range []func() error{b.readURL, b.readWorks, b.readHeaders, b.readAuth, b.checkNumbers, b.checkRate} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	local, err := b.resolve(ctx)
	if err != nil {
		return nil, err
	}
	if !local && !c.Yes {
		if err := c.polite(b.base.Hostname()); err != nil {
			return nil, err
		}
	}
	b.aim(local)
	return b, nil
}

func (b *bench) readURL() error {
	u, err := url.Parse(b.URL)
	if err == nil && (u.Scheme == "ws" || u.Scheme == "wss") {
		u.Scheme = "http" + strings.TrimPrefix(u.Scheme, "ws")
	}
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return fmt.Errorf("%q is no URL such as https://chat.example.com", b.URL)
	case u.User != nil:
		return errors.New("the URL has a password: show it with --header 'Authorization: …'")
	case u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%q has more than an address: leave out what stands after it", b.URL)
	case strings.Trim(u.Path, "/") != "":
		return fmt.Errorf("%q has a path: write --path %s if that is where Socket.IO is, or --namespace %s", b.URL, u.Path, u.Path)
	case !strings.HasPrefix(b.Path, "/"):
		return fmt.Errorf("--path: %q does not begin with /", b.Path)
	case !strings.HasPrefix(b.Namespace, "/"):
		return fmt.Errorf("--namespace: %q does not begin with /", b.Namespace)
	}
	u.Path = path.Clean(b.Path)
	if u.Path != "/" {
		u.Path += "/"
	}
	b.base = u
	return nil
}

func (b *bench) readWorks() error {
	for _, word := range b.Work {
		kind := load.Kind(strings.ReplaceAll(strings.TrimSpace(word), "-", ""))
		switch kind {
		case load.Idle, load.Connect, load.Fanout, load.Echo:
			b.works = append(b.works, kind)
		default:
			return fmt.Errorf("--work: %q is none of idle, connect, fanout and echo", word)
		}
	}
	return nil
}

func (b *bench) readHeaders() error {
	for _, line := range b.Header {
		name, value, found := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !found || name == "" || strings.ContainsAny(line, "\r\n") {
			return fmt.Errorf("--header: %q is no header such as 'Cookie: id=1'", line)
		}
		b.header.Add(name, strings.TrimSpace(value))
	}
	return nil
}

func (b *bench) readAuth() error {
	if b.TokenFile != "" {
		text, err := os.ReadFile(b.TokenFile)
		if err != nil {
			return fmt.Errorf("--token-file: %w", err)
		}
		b.Token = strings.TrimSpace(string(text))
	}
	switch {
	case b.Token != "" && b.Auth != "":
		return errors.New("--token and --auth say both what is shown: write the token into --auth")
	case b.Token != "":
		var err error
		b.auth, err = json.Marshal(map[string]string{"token": b.Token})
		return err
	case b.Auth != "":
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(b.Auth), &object) != nil || object == nil {
			return errors.New(`--auth is no JSON object such as '{"token":"…"}'`)
		}
		b.auth = json.RawMessage(b.Auth)
	}
	return nil
}

// checkNumbers says no in the words of the flags; the generator's own bounds are wider.
func (b *bench) checkNumbers() error {
	for _, n := range []struct {
		flag          string
		value, lo, hi float64
	}{
		{"--clients", float64(b.Clients), 1, 100_000},
		{"--window", float64(b.Window), 0, 65_536},
		{"--rate", b.Rate, 0, 1e6},
		{"--payload", float64(b.Payload), 24, 1 << 20},
		{"--rooms", float64(b.Rooms), 1, 100_000},
		{"--churn", b.Churn, 0, 10_000},
		{"--stalled", b.Stalled, 0, 0.5},
		{"--pid", float64(b.PID), 0, 1 << 31},
	} {
		if n.value < n.lo || n.value > n.hi {
			return fmt.Errorf("%s: %s is not between %s and %s", n.flag, decimal(n.value), decimal(n.lo), decimal(n.hi))
		}
	}
	if b.Rooms > b.Clients {
		return fmt.Errorf("--rooms: %d is more than --clients, %d", b.Rooms, b.Clients)
	}
	if b.Room == "" {
		b.Room = "bench-" + strings.ToLower(rand.Text()[:10])
	}
	if b.Duration < 100*time.Millisecond || b.Duration > 30*time.Minute {
		return fmt.Errorf("--duration: %v is not between 100ms and 30m", b.Duration)
	}
	if b.Timeout < 10*time.Millisecond || b.Timeout > time.Minute {
		return fmt.Errorf("--timeout: %v is not between 10ms and 1m", b.Timeout)
	}
	if b.Warmup < 0 || b.Warmup > 30*time.Minute {
		return fmt.Errorf("--warmup: %v is not between 0s and 30m", b.Warmup)
	}
	return b.checkWorks()
}

// decimal is a number as people write it into a flag.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// checkWorks refuses flags that none of the works has a use for.
func (b *bench) checkWorks() error {
	fanout := slices.Contains(b.works, load.Fanout)
	traffic := fanout || slices.Contains(b.works, load.Echo)
	for _, f := range []struct {
		flag      string
		given, ok bool
		of        string
	}{
		{"--rooms", b.Rooms > 1, fanout, "a fan-out"},
		{"--stalled", b.Stalled > 0, fanout, "a fan-out"},
		{"--rate", b.Rate > 0, traffic, "a fan-out or an echo"},
		{"--window", b.Window > 0, traffic, "a fan-out or an echo"},
		{"--churn", b.Churn > 0, traffic, "a fan-out or an echo"},
		{"--binary", b.Binary, traffic, "a fan-out or an echo"},
	} {
		if f.given && !f.ok {
			return fmt.Errorf("%s is about %s, and --work has none", f.flag, f.of)
		}
	}
	if b.Deflate && b.Transport == string(load.Polling) {
		return errors.New("--deflate is about WebSocket, and --transport is polling")
	}
	return nil
}

// checkRate settles how much is said: by a clock unless --window says otherwise.
func (b *bench) checkRate() error {
	if b.Rate == 0 && b.Window == 0 {
		b.Rate = usualRate
	}
	switch all := b.Rate * float64(b.Clients); {
	case b.Rate > 0 && b.Window > 0:
		return errors.New("--rate and --window both say how much is said: take one of them")
	case b.Rate > 0 && b.Rate < 0.01:
		return fmt.Errorf("--rate: %g is less than 0.01", b.Rate)
	case slices.Contains(b.works, load.Echo) && all > 1e6:
		return fmt.Errorf("--rate: %g of each of %d clients makes %.0f messages per second, more than 1000000: take less", b.Rate, b.Clients, all)
	}
	return nil
}

// polite refuses what would be a load for a server of somebody else.
func (c *benchCommand) polite(host string) error {
	for _, n := range []struct {
		flag         string
		value, bound any
		above        bool
	}{
		{"--clients", c.Clients, politeClients, c.Clients > politeClients},
		{"--window", c.Window, politeWindow, c.Window > politeWindow},
		{"--rate", c.Rate, politeRate, c.Rate > politeRate},
		{"--churn", c.Churn, politeChurn, c.Churn > politeChurn},
		{"--duration", c.Duration, politeDuration, c.Duration > politeDuration},
	} {
		if n.above {
			return fmt.Errorf("%s is not this machine, and %s %v is more than %v, which might disturb its users: "+
				"take less, or add --yes if the server is yours to load", host, n.flag, n.value, n.bound)
		}
	}
	return nil
}
