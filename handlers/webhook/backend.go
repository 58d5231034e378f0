package webhook

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/sockeye-io/sockeye/server/signature"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// The headers of a request.
const (
	SignatureHeader = signature.Header   // t=SECONDS,v1=HEX, with a v1 for each secret
	CallHeader      = signature.Call     // connect, event or disconnect
	DeliveryHeader  = signature.Delivery // an id of this request
)

const (
	maxAnswer = 1 << 20 // bytes
	warnEvery = 10 * time.Second
	// idleFor is how long a connection waits to be used again: less than Node's 5 s, after
	// which a backend closes it just when it may be needed.
	idleFor = 4 * time.Second
)

// Outcome is how a request to a backend came out.
type Outcome string

// The outcomes. All but the first two are failures of the backend, or of the way there.
const (
	OK          Outcome = "ok"
	Refused     Outcome = "refused"     // it said no, with a message
	Timeout     Outcome = "timeout"     // no answer in time
	Unavailable Outcome = "unavailable" // no connection, or a status of 500 and above
	BadAnswer   Outcome = "bad_answer"  // what it said is not understood
	Gone        Outcome = "gone"        // the client left before the answer
)

// Outcomes lists all outcomes.
func Outcomes() []Outcome { return []Outcome{OK, Refused, Timeout, Unavailable, BadAnswer, Gone} }

// Observer is told what a metric may count. It is called by many goroutines at once and
// must not block.
type Observer interface {
	// WebhookAsked counts a request that is under way. key is one of Config.
	WebhookAsked(key string)
	// WebhookAnswered counts its end. call and outcome are of Calls and Outcomes.
	WebhookAnswered(key, call, outcome string, took time.Duration)
}

// backend is where one Hook leads. It may be used from any goroutine.
type backend struct {
	key     string // of Config
	hook    Hook   // with defaults
	secrets [][]byte
	client  *http.Client
	slots   chan struct{} // one for each request that is under way
	obs     Observer
	log     *slog.Logger
	shown   string // the URL without its query, for the log
	warn    rate.Sometimes
}

func newBackend(key string, h Hook, o Options) (*backend, error) {
	h = h.withDefaults()
	secrets, err := h.secrets()
	if err != nil {
		return nil, err
	}
	shown, _, _ := strings.Cut(h.URL, "?")
	return &backend{
		key: key, hook: h, secrets: secrets, shown: shown, obs: o.Observer, log: o.Logger,
		client: &http.Client{
			// No proxy, whatever the environment says: a backend is near, and what is
			// sent there is not for others.
			Transport: &http.Transport{
				MaxIdleConns: h.Concurrency, MaxIdleConnsPerHost: h.Concurrency, MaxConnsPerHost: h.Concurrency,
				IdleConnTimeout: idleFor, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		slots: make(chan struct{}, h.Concurrency),
		warn:  rate.Sometimes{Interval: warnEvery},
	}, nil
}

// failure is why there is no answer.
type failure struct {
	outcome Outcome
	err     error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// refusal is what the backend tells a client to which it says no.
type refusal struct {
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Data    socketio.Raw `json:"data"`
}

func (r *refusal) Error() string { return r.Message }

// defaultRefusal is the code of a refusal that has none.
const defaultRefusal = "refused"

// ask sends a request, when it is this one's turn, and has the answer of status 200 read;
// 204 is an empty one. The error is a *refusal or a *failure; the latter is counted and
// logged.
func (b *backend) ask(ctx context.Context, c Call, request any, read func(body []byte) error) error {
	started := time.Now()
	if b.obs != nil {
		b.obs.WebhookAsked(b.key)
	}
	ctx, cancel := context.WithTimeout(ctx, b.hook.Timeout)
	defer cancel()
	err := b.exchange(ctx, c, request, read)
	outcome := OK
	var no *refusal
	var f *failure
	switch {
	case errors.As(err, &no):
		outcome = Refused
	case errors.As(err, &f):
		outcome = f.outcome
		b.report(ctx, c, f)
	}
	if b.obs != nil {
		b.obs.WebhookAnswered(b.key, string(c), string(outcome), time.Since(started))
	}
	return err
}

// report logs a failure, not too often and without anything that is not for a log.
func (b *backend) report(ctx context.Context, c Call, f *failure) {
	if f.outcome == Gone {
		return
	}
	b.warn.Do(func() {
		b.log.WarnContext(ctx, "a webhook failed", slog.String("webhook", b.key), slog.String("url", b.shown),
			slog.String("call", string(c)), slog.String("outcome", string(f.outcome)), slog.Any("error", f.err))
	})
}

func (b *backend) exchange(ctx context.Context, c Call, request any, read func(body []byte) error) error {
	body, err := json.Marshal(request)
	if err != nil {
		return &failure{BadAnswer, fmt.Errorf("the request cannot be written: %w", err)}
	}
	select {
	case b.slots <- struct{}{}:
		defer func() { <-b.slots }()
	case <-ctx.Done():
		return b.failed(ctx, errors.New("too many requests wait for its answers"))
	}
	status, kind, answer, err := b.post(ctx, c, body)
	if err != nil {
		return err
	}
	switch {
	case status == http.StatusNoContent:
		return nil
	case status == http.StatusOK:
		if err := read(answer); err != nil {
			return &failure{BadAnswer, err}
		}
		return nil
	case status >= 500:
		return &failure{Unavailable, fmt.Errorf("it answered with status %d", status)}
	case status >= 400:
		if no := refusalOf(answer); no != nil {
			return no
		}
	}
	return &failure{BadAnswer, fmt.Errorf("it answered with status %d and %q: 200 with JSON, 204, or 4xx with a JSON message is understood", status, kind)}
}

// refusalOf reads the body of a 4xx: nil if it is not meant for the client. Frameworks
// put in more than this; it does not matter.
func refusalOf(body []byte) *refusal {
	no := &refusal{}
	if json.Unmarshal(body, no) != nil || no.Message == "" || len(no.Message)+len(no.Code) > maxMessage {
		return nil
	}
	return no
}

// post sends a body and returns what came back. The error is a *failure.
func (b *backend) post(ctx context.Context, c Call, body []byte) (status int, kind string, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.hook.URL, bytes.NewReader(body))
	if err != nil {
		return 0, "", nil, &failure{Unavailable, err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "sockeye")
	req.Header.Set(SignatureHeader, signature.Of(b.secrets, time.Now().Unix(), body))
	req.Header.Set(CallHeader, string(c))
	req.Header.Set(DeliveryHeader, rand.Text())
	res, err := b.client.Do(req)
	if err != nil {
		return 0, "", nil, b.failed(ctx, err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, "", nil, b.failed(ctx, err)
	case len(answer) > maxAnswer:
		return 0, "", nil, &failure{BadAnswer, fmt.Errorf("its answer has more than %d bytes", maxAnswer)}
	}
	return res.StatusCode, res.Header.Get("Content-Type"), answer, nil
}

// failed says why nothing came back. An error of package net/http has the whole URL in
// it; what is behind is enough.
func (b *backend) failed(ctx context.Context, err error) *failure {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &failure{Timeout, fmt.Errorf("no answer within %v: %w", b.hook.Timeout, err)}
	case ctx.Err() != nil:
		return &failure{Gone, err}
	}
	return &failure{Unavailable, err}
}
