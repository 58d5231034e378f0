package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/sockeye-io/sockeye/bench/load"
)

// greetings is how many messages tell what one message takes when nothing else happens.
const greetings = 5

// resolve looks the host up, and reports whether it is this machine.
func (b *bench) resolve(ctx context.Context) (local bool, err error) {
	host := b.base.Hostname()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return false, fmt.Errorf("no address for %s: %w: is the name right?", host, err)
	}
	for _, a := range addrs {
		if !a.Unmap().IsLoopback() {
			return false, nil
		}
	}
	return true, nil
}

// greet makes sure that what is to be measured is there, so that what is not is said in words:
// first Socket.IO itself, then one client that does a little of the work.
func (b *bench) greet(ctx context.Context) error {
	maxPayload, err := b.handshake(ctx)
	if err != nil {
		return err
	}
	if maxPayload > 0 && b.Payload+256 > maxPayload {
		return fmt.Errorf("--payload: the server takes no more than %d bytes at once, with what stands around them: take less, or raise its --max-payload", maxPayload)
	}
	return b.firstClient(ctx)
}

// handshake asks for a session by polling, and ends it. The answer says what is there better
// than one to a WebSocket. It returns the server's bound for a message, 0 if it said none.
func (b *bench) handshake(ctx context.Context) (int, error) {
	transport := &http.Transport{TLSClientConfig: b.tls()}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport: transport, Timeout: b.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	status, location, body, err := b.ask(ctx, client, http.MethodGet, "?EIO=4&transport=polling", nil)
	if err != nil {
		return 0, b.unreachable(err)
	}
	var open struct {
		SID        string `json:"sid"`
		MaxPayload int    `json:"maxPayload"`
	}
	if status == http.StatusOK && len(body) > 0 && body[0] == '0' && json.Unmarshal(body[1:], &open) == nil && open.SID != "" {
		_, _, _, err := b.ask(ctx, client, http.MethodPost, "?EIO=4&transport=polling&sid="+open.SID, []byte("1"))
		_ = err // behind a balancer another node may have got it, and the session ends by itself
		return open.MaxPayload, nil
	}
	var refused struct {
		Code    *int   `json:"code"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &refused) == nil && refused.Code != nil { // Engine.IO's error body
		if *refused.Code == 0 && b.Transport == string(load.WebSocket) {
			return 0, nil // no polling there, which nobody wants
		}
		return 0, fmt.Errorf("%s refused the handshake with status %d: %s%s", b.base, status, refused.Message, adviceForStatus(status))
	}
	return 0, b.foreign(status, location, body)
}

// ask does one request below the path of Socket.IO.
func (b *bench) ask(ctx context.Context, client *http.Client, method, query string, send []byte) (status int, location string, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, b.base.String()+query, bytes.NewReader(send))
	if err != nil {
		return 0, "", nil, err
	}
	for name, values := range b.header {
		req.Header[name] = values
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 1<<16))
	return res.StatusCode, res.Header.Get("Location"), body, err
}

// unreachable says why there was no answer at all.
func (b *bench) unreachable(err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var plain tls.RecordHeaderError
	var network net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s: is the server running, and is the port right?", b.base.Host)
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return fmt.Errorf("the certificate of %s is not to be trusted: %w: if you know better, add --insecure", b.base.Host, cause(err))
	case errors.As(err, &plain), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("%s speaks no TLS: write http:// in place of https://", b.base.Host)
	case errors.As(err, &network) && network.Timeout():
		return fmt.Errorf("%s did not answer within %v: is there a firewall in between?", b.base.Host, b.Timeout)
	}
	return fmt.Errorf("%s was not reached: %w", b.base.Host, cause(err))
}

// cause is an error of a request without method and address.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil || !strings.HasPrefix(err.Error(), "Get ") && !strings.HasPrefix(err.Error(), "Post ") {
			return err
		}
		err = inner
	}
}

// foreign says what an answer may mean that is not one of Engine.IO.
func (b *bench) foreign(status int, location string, body []byte) error {
	switch {
	case status == http.StatusBadRequest && bytes.Contains(body, []byte("HTTP request to an HTTPS server")):
		return fmt.Errorf("%s speaks TLS: write https:// in place of http://", b.base.Host)
	case status >= 300 && status < 400 && location != "":
		return fmt.Errorf("%s sends to %s: measure that address", b.base, location)
	case status == http.StatusNotFound:
		return fmt.Errorf("%s: 404, no Socket.IO there: is it below another --path?", b.base)
	case status == http.StatusOK:
		return fmt.Errorf("%s answers, but not as Socket.IO does: %s: is it below another --path?", b.base, excerpt(body))
	}
	return fmt.Errorf("%s answers %d %s: %s%s", b.base, status, http.StatusText(status), excerpt(body), adviceForStatus(status))
}

func adviceForStatus(status int) string {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return ": show who the clients are with --token, --auth or --header, or an origin that it admits with --header 'Origin: …'"
	case http.StatusTooManyRequests:
		return ": " + adviceHandshakes
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return ": the proxy is there, and the server behind it is not, or it is full"
	}
	return ""
}

// excerpt is the beginning of a body, on one line.
func excerpt(body []byte) string {
	text := strings.Join(strings.Fields(string(body)), " ")
	if len(text) > 80 {
		text = strings.ToValidUTF8(text[:80], "") + "…"
	}
	if text == "" {
		return "an empty answer"
	}
	return fmt.Sprintf("%q", text)
}

// firstClient has one client do a little of each of the works.
func (b *bench) firstClient(ctx context.Context) error {
	for _, kind := range b.works {
		w := b.work(kind)
		w.Clients, w.Baseline, w.Publishers, w.Rooms, w.Rate, w.Churn, w.Stalled = 1, 1, 1, 1, 0, 0, 0
		w.Messages, w.Settle, w.Hold = greetings, 10*time.Millisecond, 0
		asking, cancel := context.WithTimeout(ctx, b.Timeout)
		r, err := load.Run(asking, b.target, w)
		silent := asking.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case silent:
			return advised(kind, fmt.Sprintf("no answer within %v", b.Timeout), advice(kind, context.DeadlineExceeded.Error()))
		case err != nil:
			what, do := b.why(kind, err, advice)
			return advised(kind, what, do)
		case r.Failure() != "":
			return b.unfit(kind, r)
		case kind == load.Fanout, kind == load.Echo:
			b.roundTrip = r.P50
		}
	}
	return nil
}
