package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sockeye-io/sockeye/server"
)

// healthTimeout bounds the whole question: a server that takes longer is not well.
const healthTimeout = 4 * time.Second

// healthPath is asked for where nothing else is named: it says that the process
// lives, also while it stops or while Redis is away.
const healthPath = "/healthz"

// healthCommand is for containers, which have no shell and no curl. It has the
// options of serve, so that in the same environment it finds the server by itself.
type healthCommand struct {
	URL     string `arg:"" optional:"" help:"What to ask: a URL, or a path such as /readyz of the server that the options describe (default: /healthz, on --metrics-listen if that is set, otherwise on --listen)."`
	options `embed:""`
}

// Run asks once.
func (c *healthCommand) Run(s streams, kctx *kong.Context, file *fileResolver) error {
	if err := c.complete(kctx, file); err != nil {
		return err
	}
	target, err := healthURL(c.URL, &c.Config)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	ctx, cancel := context.WithTimeout(s.ctx, healthTimeout)
	defer cancel()
	err = askHealth(ctx, target)
	if errors.Is(err, errSpeaksTLS) && !strings.Contains(c.URL, "://") {
		target.Scheme = "https"
		err = askHealth(ctx, target)
	}
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%s: ok\n", target)
	return err
}

// healthURL is what the argument names. What it leaves out is that of the server
// with this configuration, seen from its own machine.
func healthURL(arg string, c *server.Config) (*url.URL, error) {
	if arg != "" && !strings.HasPrefix(arg, "/") {
		u, err := url.Parse(arg)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("%q is neither a URL such as http://127.0.0.1:3000/readyz nor a path such as /readyz", arg)
		}
		if u.Path == "" {
			u.Path = healthPath
		}
		return u, nil
	}
	option, addr := "metrics-listen", c.MetricsListen
	if addr == "" {
		option, addr = "listen", c.Listen
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "0" {
		return nil, fmt.Errorf("--%s is %s, and the system chose the port: name the URL that the server's log says", option, addr)
	}
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if ip.Is6() {
			host = "::1"
		}
	}
	if arg == "" {
		arg = healthPath
	}
	return url.Parse("http://" + net.JoinHostPort(host, port) + arg)
}

// errSpeaksTLS is what the server says to plain HTTP where it has a certificate. To take
// its word works too where that was named on its command line, which is not seen here.
var errSpeaksTLS = errors.New("the server speaks HTTPS there")

// askHealth returns nil if the answer is 200.
func askHealth(ctx context.Context, target *url.URL) error {
	ip, err := netip.ParseAddr(target.Hostname())
	loopback := err == nil && ip.IsLoopback()
	transport := &http.Transport{ // no proxy: the server is asked itself
		DisableKeepAlives: true,
		// A certificate is for the name that clients use, not for a loopback address,
		// and nobody is between a machine and itself.
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: loopback}, //nolint:gosec // see above
	}
	defer transport.CloseIdleConnections()
	client := http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w: nothing listens there: is the server running, and do its --listen and --metrics-listen stand here too?", err)
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 200))
	if err != nil {
		return fmt.Errorf("%s: reading the answer: %w", target, err)
	}
	if res.StatusCode == http.StatusBadRequest && strings.Contains(string(body), "HTTP request to an HTTPS server") {
		return fmt.Errorf("%s: %w", target, errSpeaksTLS)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", target, res.Status, strings.TrimSpace(string(body)))
	}
	return nil
}
