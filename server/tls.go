package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/sockeye-io/sockeye/server/certs"
)

// openCertificates reads what --tls-cert and --tls-key name.
func (a *App) openCertificates() error {
	if len(a.cfg.TLSCert) == 0 {
		return nil
	}
	oldest, err := certs.ParseVersion(a.cfg.TLSMin)
	if err != nil {
		return fmt.Errorf("--tls-min: %w", err)
	}
	if a.certs, err = certs.Open(a.cfg.tlsFiles(), oldest, a.log); err != nil {
		return fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return nil
}

// ReloadCertificates looks at the files of the certificates now and takes over what is
// new, which otherwise happens within two seconds. Without certificates it does nothing.
func (a *App) ReloadCertificates() {
	if a.certs != nil {
		a.certs.Reload()
	}
}

// scheme is that of the main address.
func (a *App) scheme() string {
	if a.certs != nil {
		return "https"
	}
	return "http"
}

// serveMain serves the main address, with TLS if there are certificates.
func (a *App) serveMain(s *http.Server) error {
	if a.certs == nil {
		return s.Serve(a.guard(a.listener))
	}
	s.TLSConfig = a.certs.Config()
	return s.ServeTLS(a.guard(a.listener), "", "") // the certificates are those of TLSConfig
}

// strictTransport tells browsers to come by HTTPS only (RFC 6797).
func strictTransport(seconds int64) gin.HandlerFunc {
	value := "max-age=" + strconv.FormatInt(seconds, 10)
	return func(c *gin.Context) { c.Header("Strict-Transport-Security", value) }
}

// redirectRoutes is every path of the address of --redirect-listen. An authority that
// asks for a proof by HTTP (ACME, RFC 8555 section 8.3) would be answered here.
func (a *App) redirectRoutes() http.Handler {
	r := a.router()
	r.Use(bounded(bodyTimeout, answerTimeout))
	r.Match(readOnly, "/healthz", a.healthz) // of whoever looks whether this address is there
	r.NoRoute(a.redirect)
	return r
}

// redirect sends a browser to the same page by HTTPS. It is sent to hosts only that a
// certificate is for: whatever else a Host header says is no page of ours.
func (a *App) redirect(c *gin.Context) {
	if c.Request.Method != http.MethodGet && c.Request.Method != http.MethodHead {
		c.Header("Allow", "GET, HEAD")
		c.String(http.StatusMethodNotAllowed, "this address only sends browsers to HTTPS\n")
		return
	}
	target, err := a.secured(c.Request)
	if err != nil {
		status := http.StatusMisdirectedRequest
		if errors.Is(err, errNoPath) {
			status = http.StatusBadRequest
		}
		c.String(status, "%s\n", err)
		return
	}
	c.Header("Location", target)
	c.Status(http.StatusPermanentRedirect)
}

// errNotOurs is a request for a host that no certificate is for.
var errNotOurs = errors.New("no certificate here is for this host")

// errNoPath is a request whose target would go on with the host's name (RFC 9112, section
// 3.2, has no such form): http:.example.net/ of example.com.
var errNoPath = errors.New("a path begins with /")

// secured is where the page of a request is by HTTPS.
func (a *App) secured(r *http.Request) (string, error) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = strings.Trim(r.Host, "[]"), ""
	}
	if !a.certs.Covers(host) {
		return "", errNotOurs
	}
	page := r.URL.RequestURI()
	if !strings.HasPrefix(page, "/") {
		return "", errNoPath
	}
	authority := net.JoinHostPort(host, a.securePort(port))
	return "https://" + strings.TrimSuffix(authority, ":443") + page, nil
}

// securePort is the port of HTTPS as the browser sees it, which came by another. Without
// a port in its address it came by port 80. If that is not the port that was bound,
// something in between maps ports, and 443 will be mapped as well.
func (a *App) securePort(came string) string {
	if _, bound, _ := net.SplitHostPort(a.redirectListener.Addr().String()); came == "" && bound != "80" {
		return "443"
	}
	_, main, _ := net.SplitHostPort(a.Addr().String())
	return main
}

// watchCertificates follows the files until the returned function is called, which waits.
func (a *App) watchCertificates(ctx context.Context) (stop func()) {
	if a.certs == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		a.certs.Watch(ctx)
		close(done)
	}()
	return func() {
		cancel()
		<-done
	}
}
