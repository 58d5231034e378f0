package session

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"

	"github.com/sockeye-io/sockeye/server/auth"
)

// Bounds of asking.
const (
	maxAtOnce   = 64
	maxOfOne    = maxAtOnce / 2 // of one address: others shall get through beside it
	maxAnswer   = 64 << 10
	maxMessage  = 200 // bytes of what a client is told
	maxCached   = 10000
	negativeFor = 2 * time.Second // the most that a refusal is remembered
	warnEvery   = 10 * time.Second
)

// Options of a Verifier.
type Options struct {
	// URL is what is asked, with GET.
	URL string
	// Timeout is how long an answer may take, with the time until it is asked.
	Timeout time.Duration
	// Cache is how long an answer is remembered; zero is not.
	Cache time.Duration
	// Now is the clock; nil is the system's.
	Now    func() time.Time
	Logger *slog.Logger
}

// Verifier asks the site.
type Verifier struct {
	opts   Options
	client *http.Client
	slots  chan struct{}
	shares shares
	flight singleflight.Group
	cache  cache
	warn   rate.Sometimes
}

var _ auth.Authenticator = (*Verifier)(nil)

// New returns a verifier.
func New(o Options) *Verifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Verifier{
		opts: o,
		client: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: maxAtOnce, MaxConnsPerHost: maxAtOnce,
				IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		slots: make(chan struct{}, maxAtOnce), shares: shares{of: make(map[string]*share)},
		cache: cache{now: o.Now, entries: make(map[question]answer)},
		warn:  rate.Sometimes{Interval: warnEvery},
	}
}

// Close gives up connections that wait to be used again.
func (v *Verifier) Close() { v.client.CloseIdleConnections() }

// shown is what the site is told.
type shown struct{ cookie, authorization, origin string }

// question stands for what is shown, so that it need not be kept.
type question [sha256.Size]byte

// question tells apart all that differs in a byte: what JSON or a separator makes one would
// be somebody else's answer.
func (s shown) question() question {
	var text []byte
	for _, part := range []string{s.cookie, s.authorization, s.origin} {
		text = append(binary.AppendUvarint(text, uint64(len(part))), part...)
	}
	return sha256.Sum256(text)
}

// answer is what the site said.
type answer struct {
	principal *auth.Principal
	refusal   *auth.Error
	until     time.Time // when it is forgotten
}

// Authenticate asks the site about Cookie, Authorization and Origin of the handshake;
// a token that the client shows otherwise is told as bearer of Authorization. Those who
// show the same wait for one answer.
func (v *Verifier) Authenticate(ctx context.Context, c *auth.Credentials) (*auth.Principal, error) {
	s := shown{strings.Join(c.Header.Values("Cookie"), "; "), c.Header.Get("Authorization"), c.Header.Get("Origin")}
	if c.Token != "" {
		if strings.ContainsFunc(c.Token, unicode.IsControl) { // no header can hold it
			return nil, &auth.Error{Code: auth.CodeInvalidToken, Message: "the token has a control character"}
		}
		s.authorization = "Bearer " + c.Token
	}
	q := s.question()
	a, ok := v.cache.get(q)
	if !ok {
		done := v.flight.DoChan(string(q[:]), func() (any, error) {
			// It belongs to all who wait for it, of whom the first may leave.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.opts.Timeout)
			defer cancel()
			a := v.ask(ctx, c.Address, s)
			v.cache.put(q, a)
			return a, nil
		})
		select {
		case r := <-done:
			a, _ = r.Val.(answer) // it is one
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if a.refusal != nil {
		return nil, a.refusal
	}
	return a.principal, nil
}

// errBusy says that it never was somebody's turn.
var errBusy = errors.New("too many wait for answers of the site")

// ask asks the site, when it is this one's turn.
func (v *Verifier) ask(ctx context.Context, address string, s shown) answer {
	release, ok := v.shares.take(ctx, address)
	if !ok {
		return v.unavailable(errBusy)
	}
	defer release()
	select {
	case v.slots <- struct{}{}:
	case <-ctx.Done():
		return v.unavailable(errBusy)
	}
	defer func() { <-v.slots }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.opts.URL, http.NoBody)
	if err != nil {
		return v.unavailable(err)
	}
	for name, value := range map[string]string{"Cookie": s.cookie, "Authorization": s.authorization, "Origin": s.origin, "Accept": "application/json"} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	res, err := v.client.Do(req)
	if err != nil {
		return v.unavailable(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return v.unavailable(err)
	}
	if len(body) > maxAnswer {
		return v.unavailable(fmt.Errorf("its answer has more than %d bytes", maxAnswer))
	}
	return v.read(res, body)
}

// read makes an answer of the site's.
func (v *Verifier) read(res *http.Response, body []byte) answer {
	now := v.opts.Now()
	switch res.StatusCode {
	case http.StatusOK:
		p, err := principalOf(body)
		if err != nil {
			return v.unavailable(fmt.Errorf("its answer does not say who the client is: %w", err))
		}
		until := now.Add(v.opts.Cache)
		if !p.Expires.IsZero() {
			if !now.Before(p.Expires) {
				return answer{refusal: &auth.Error{Code: auth.CodeTokenExpired, Message: "the session has expired"}}
			}
			if p.Expires.Before(until) {
				until = p.Expires
			}
		}
		return answer{principal: p, until: until}
	case http.StatusUnauthorized:
		return answer{refusal: &auth.Error{Code: auth.CodeUnauthorized, Message: message(res, body, "you are not logged in")}, until: now.Add(min(v.opts.Cache, negativeFor))}
	case http.StatusForbidden:
		return answer{refusal: &auth.Error{Code: auth.CodeForbidden, Message: message(res, body, "you may not connect")}, until: now.Add(min(v.opts.Cache, negativeFor))}
	}
	err := fmt.Errorf("its answer's status is %d, which is none of 200, 401 and 403", res.StatusCode)
	if res.StatusCode/100 == 3 {
		err = fmt.Errorf("%w: it must answer 401 rather than send clients elsewhere", err)
	}
	return v.unavailable(err)
}

// unavailable is the answer where there is none. It is not remembered.
func (v *Verifier) unavailable(err error) answer {
	v.warn.Do(func() { v.opts.Logger.Warn("the site cannot say who a client is", "url", v.opts.URL, "error", err) })
	return answer{refusal: &auth.Error{Code: auth.CodeUnavailable, Message: "who you are cannot be found out at the moment: try again", Err: err}}
}

// principalOf reads the site's answer. An error names a member, and no value.
func principalOf(body []byte) (*auth.Principal, error) {
	var c auth.Claims
	if err := json.Unmarshal(body, &c); err != nil {
		return nil, errors.New("it is no JSON object, or names something twice")
	}
	p, err := c.Principal(auth.ClaimID)
	if err != nil {
		return nil, err
	}
	p.Method = auth.MethodSession
	if p.Expires, err = c.Moment(auth.ClaimExpires); err != nil {
		return nil, err
	}
	return p, nil
}

// message is what the site tells a client that it refuses: the "message" of a JSON
// object, or plain text; own words instead of a page.
func message(res *http.Response, body []byte, otherwise string) string {
	var said struct {
		Message string `json:"message"`
	}
	text := string(body)
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")) // "" where it is none
	switch {
	case json.Unmarshal(body, &said) == nil:
		text = said.Message
	case kind != "text/plain":
		text = ""
	}
	text = strings.TrimSpace(strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text), ""))
	for len(text) > maxMessage {
		_, n := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-n]
	}
	if text == "" {
		return otherwise
	}
	return text
}
