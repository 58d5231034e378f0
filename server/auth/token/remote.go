package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of fetching keys.
const (
	fetchTimeout = 5 * time.Second
	fetchEvery   = 5 * time.Minute // while all is well
	fetchAgain   = 5 * time.Second // after a failure, and at the earliest for a kid that is unknown
	maxRedirects = 3
)

// Remote is the keys of a JWKS URL, such as a login service has. They are fetched in
// the background, and when a token names a kid that is not among them; what was
// fetched counts until other keys come, however long the URL is away.
type Remote struct {
	url    string
	client *http.Client
	log    *slog.Logger
	now    func() time.Time

	keys atomic.Pointer[Keys]

	mu      sync.Mutex
	flight  chan struct{} // closed when the fetch that runs has ended; nil while none runs
	last    time.Time     // end of the last fetch
	failing bool          // it failed
	closed  bool

	ctx   context.Context //nolint:containedctx // the life of the Remote: what many wait for belongs to none of them
	stop  context.CancelFunc
	tasks sync.WaitGroup
}

// NewRemote begins to fetch the keys of a URL, until Close. It does not wait for them.
func NewRemote(url string, log *slog.Logger) *Remote {
	r := newRemote(url, log)
	r.tasks.Go(r.refresh)
	return r
}

func newRemote(url string, log *slog.Logger) *Remote {
	client := &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		Timeout:   fetchTimeout,
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			switch {
			case len(via) > maxRedirects:
				return errors.New("too many redirects")
			case via[0].URL.Scheme == "https" && to.URL.Scheme != "https": // whoever is on the way could send keys of his own
				return errors.New("it leads from https to another scheme")
			}
			return nil
		},
	}
	r := &Remote{url: url, client: client, log: log, now: time.Now}
	r.ctx, r.stop = context.WithCancel(context.Background())
	r.keys.Store(&Keys{})
	return r
}

// Close ends what is being fetched and waits for it.
func (r *Remote) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.tasks.Wait()
}

// refresh fetches the keys again and again.
func (r *Remote) refresh() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-timer.C:
		}
		if flight := r.begin(0); flight != nil {
			<-flight
		}
		if r.away() {
			timer.Reset(fetchAgain)
		} else {
			timer.Reset(fetchEvery)
		}
	}
}

func (r *Remote) away() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failing
}

// begin joins the fetch that runs, or begins one, unless the last ended less than
// pause ago: then it returns nil.
func (r *Remote) begin(pause time.Duration) (ended <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.flight != nil:
		return r.flight
	case r.closed, pause > 0 && !r.last.IsZero() && r.now().Sub(r.last) < pause:
		return nil
	}
	flight := make(chan struct{})
	r.flight = flight
	r.tasks.Go(func() {
		err := r.fetch()
		r.settle(err)
		close(flight)
	})
	return flight
}

// settle notes how a fetch ended, and logs it if the one before ended otherwise.
func (r *Remote) settle(err error) {
	r.mu.Lock()
	was := r.failing
	r.flight, r.last, r.failing = nil, r.now(), err != nil
	r.mu.Unlock()
	switch {
	case r.ctx.Err() != nil:
	case err != nil && !was:
		meanwhile, keys := "those that were fetched before go on to count", len(*r.keys.Load())
		if keys == 0 {
			meanwhile = "tokens cannot be verified"
		}
		r.log.Warn("keys of tokens cannot be fetched", "meanwhile", meanwhile, "url", r.url, "keys", keys, "error", err)
	case err == nil && was:
		r.log.Info("keys of tokens can be fetched again", "url", r.url, "keys", len(*r.keys.Load()))
	}
}

// find returns the keys that a token may be signed by. The error says that there may be
// some that could not be fetched.
func (r *Remote) find(ctx context.Context, kid, alg string) ([]any, error) {
	fit, named := r.keys.Load().find(kid, alg)
	if named || kid == "" && len(fit) > 0 {
		return fit, nil
	}
	if ended := r.begin(fetchAgain); ended != nil {
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, errKeysAway
		}
	}
	fit, _ = r.keys.Load().find(kid, alg)
	if len(fit) == 0 && r.away() {
		return nil, errKeysAway
	}
	return fit, nil
}

// fetch fetches the keys once. What comes counts if a key of it can be used: an empty
// set is more likely a mistake than meant.
func (r *Remote) fetch() error {
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, r.url, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer's status is %d", res.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxFile+1))
	if err != nil {
		return err
	}
	if len(text) > maxFile {
		return fmt.Errorf("the answer has more than %d bytes", maxFile)
	}
	ks, err := r.read(text)
	if err != nil {
		return err
	}
	r.keys.Store(&ks)
	return nil
}

// read takes what can be used of a set of keys that others wrote.
func (r *Remote) read(text []byte) (Keys, error) {
	jwks, err := splitJWKS(text)
	if err != nil {
		return nil, err
	}
	var ks Keys
	for _, raw := range jwks {
		k, err := readJWK(raw)
		if _, secret := k.public.([]byte); secret {
			err = errors.New("it is a secret, which everybody could read there")
		}
		if err != nil {
			r.log.Debug("a key of tokens cannot be used", "url", r.url, "kid", k.id, "error", err)
			continue
		}
		k.private = nil
		ks = append(ks, k)
	}
	if len(ks) == 0 {
		return nil, fmt.Errorf("none of its %d keys can be used: RSA, P-256 and Ed25519 can", len(jwks))
	}
	return ks, nil
}
