package comments

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/signature"
)

const (
	hookCall        = "comment" // signature.Call of a request
	hookConcurrency = 8         // requests of this node that are under way
	hookTimeout     = 10 * time.Second
	// hookLease is for how long a node has a hook for itself: longer than a request and what
	// the store does take, so that no other node tells the same meanwhile.
	hookLease = time.Minute
	hookEvery = 2 * time.Second // between two looks at what came from other nodes, or is due again
	// hookGiveUp is how long an owner is tried to be told.
	hookGiveUp   = 24 * time.Hour
	hookMaxDelay = time.Hour
	hookAnswer   = 64 << 10 // bytes of an answer that are read, for the connection to be used again
	hookSettle   = 5 * time.Second
)

// hookRequest is what the owner of a site is sent for each comment that the public can see
// for the first time.
type hookRequest struct {
	Site    string `json:"site"`
	Page    string `json:"page"`
	URL     string `json:"url"` // of the page, "" where it is not known
	Title   string `json:"title"`
	Comment any    `json:"comment"`
	Text    string `json:"text"`
}

// hooks tells the owners of sites of new comments. What is to be told is in the store, so
// that nothing is forgotten when a node dies; an owner is told at least once, and is told
// twice only where its answer did not come.
type hooks struct {
	store  store.Store
	client *http.Client
	log    *slog.Logger
	every  time.Duration
	delay  func(tries int) time.Duration // before the next try

	slots chan struct{} // one for each request that is under way
	woken chan struct{} // holds one
	tasks sync.WaitGroup
	warn  rate.Sometimes

	mu   sync.Mutex
	down map[string]time.Time // sites whose receiver has failed, and until when it is left alone
}

func newHooks(s store.Store, log *slog.Logger) *hooks {
	return &hooks{
		store: s, log: log, every: hookEvery, delay: hookDelay,
		client: &http.Client{
			// No proxy, whatever the environment says, and no redirects: it goes to where the
			// owner of the site says, and nowhere else.
			Transport: &http.Transport{
				MaxIdleConnsPerHost: 1, MaxConnsPerHost: hookConcurrency,
				IdleConnTimeout: 4 * time.Second, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Timeout:       hookTimeout,
		},
		slots: make(chan struct{}, hookConcurrency),
		woken: make(chan struct{}, 1),
		warn:  rate.Sometimes{Interval: 10 * time.Second},
		down:  make(map[string]time.Time),
	}
}

// hookDelay doubles from ten seconds to an hour; several nodes do not come at once.
func hookDelay(tries int) time.Duration {
	d := min(10*time.Second<<min(tries, 10), hookMaxDelay)
	return d + mathrand.N(d/5) //nolint:gosec // no secret
}

// wake says that there is something to tell.
func (h *hooks) wake() {
	select {
	case h.woken <- struct{}{}:
	default:
	}
}

// run tells what there is to tell until ctx ends, and waits for what is under way.
func (h *hooks) run(ctx context.Context) {
	defer h.client.CloseIdleConnections()
	defer h.tasks.Wait()
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	for {
		for h.round(ctx) {
		}
		select {
		case <-ctx.Done():
			return
		case <-h.woken:
		case <-tick.C:
		}
	}
}

// round takes as much as can be sent at once, and reports whether there may be more.
func (h *hooks) round(ctx context.Context) (more bool) {
	free := h.reserve(ctx)
	if free == 0 {
		return false
	}
	now := time.Now()
	due, err := h.store.Hooks(ctx, now, hookLease, free)
	if err != nil {
		if ctx.Err() == nil {
			h.warn.Do(func() {
				h.log.WarnContext(ctx, "what the owners of sites are to be told could not be read", slog.Any("error", err))
			})
		}
		due = nil
	}
	for i := range due {
		h.tasks.Go(func() {
			defer func() { <-h.slots }()
			h.tell(ctx, &due[i], now)
		})
	}
	for range free - len(due) {
		<-h.slots
	}
	return len(due) == free && ctx.Err() == nil
}

// reserve waits until a request may be sent, and returns how many may. It returns 0 when ctx
// ends.
func (h *hooks) reserve(ctx context.Context) (free int) {
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for free = 1; ; free++ {
		select {
		case h.slots <- struct{}{}:
		default:
			return free
		}
	}
}

// tell sends one request and notes what came of it.
func (h *hooks) tell(ctx context.Context, one *store.Hook, now time.Time) {
	c := &one.Comment
	problem := h.send(ctx, one, now)
	// What came of it is noted also when the server stops meanwhile.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), hookSettle)
	defer cancel()
	var err error
	switch since := c.Published; {
	case problem == nil:
		err = h.store.HookDone(keep, one.ID)
	case ctx.Err() != nil: // by the next start, or another node
		err = h.store.HookFailed(keep, one.ID, now, "the server stopped")
	case !since.IsZero() && now.Sub(since) > hookGiveUp:
		h.log.WarnContext(ctx, "the owner of a site is not told of a comment any more: its hook has failed for a day",
			slog.String("site", c.Site), slog.String("comment", c.ID), slog.Int("tries", one.Tries+1), slog.Any("error", problem))
		err = h.store.HookDone(keep, one.ID)
	default:
		err = h.store.HookFailed(keep, one.ID, h.putOff(c.Site, one.Tries, now, problem), problem.Error())
		h.warn.Do(func() {
			h.log.WarnContext(ctx, "a hook failed; it is tried again", slog.String("site", c.Site), slog.Any("error", problem))
		})
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		h.log.WarnContext(ctx, "what came of a hook could not be noted: the owner may be told twice", slog.String("site", c.Site), slog.Any("error", err))
	}
}

// errPutOff is why a hook was not tried.
var errPutOff = errors.New("its receiver has just failed")

// putOff is when a hook is tried again. Until then nothing else is sent to the same receiver,
// so that one that does not answer takes no turns of others.
func (h *hooks) putOff(site string, tries int, now time.Time, problem error) time.Time {
	again := now.Add(h.delay(tries))
	h.mu.Lock()
	defer h.mu.Unlock()
	if errors.Is(problem, errPutOff) {
		return h.down[site].Add(again.Sub(now) / 10)
	}
	if until := h.down[site]; until.Before(now) || again.Before(until) {
		h.down[site] = again
	}
	return again
}

// resting reports whether a receiver is left alone.
func (h *hooks) resting(site string, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	until, failed := h.down[site]
	if failed && !now.Before(until) {
		delete(h.down, site)
		return false
	}
	return failed
}

// send returns nil when the owner was told, or need not be.
func (h *hooks) send(ctx context.Context, one *store.Hook, now time.Time) error {
	c := &one.Comment
	site, err := h.store.Site(ctx, c.Site)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("the site could not be read: %w", err)
	case site.Settings.HookURL == "" || c.State != store.Published:
		return nil
	case h.resting(c.Site, now):
		return errPutOff
	}
	page, err := h.store.Page(ctx, c.Site, c.Page)
	if err != nil {
		return fmt.Errorf("the page could not be read: %w", err)
	}
	body, err := json.Marshal(hookRequest{
		Site: c.Site, Page: c.Page, URL: addressOf(&site, &page), Title: page.Title, Comment: publicForm(c), Text: c.Text,
	})
	if err != nil {
		return fmt.Errorf("the request cannot be written: %w", err)
	}
	return h.post(ctx, &site, body)
}

// post sends a body to the receiver of a site. The error does not have the URL in it, which
// may hold a secret.
func (h *hooks) post(ctx context.Context, site *store.Site, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, site.Settings.HookURL, bytes.NewReader(body))
	if err != nil {
		return errors.New("hookURL is no URL that a request can be sent to")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sockeye")
	req.Header.Set(signature.Header, signature.Of([][]byte{[]byte(site.Secret)}, time.Now().Unix(), body))
	req.Header.Set(signature.Call, hookCall)
	req.Header.Set(signature.Delivery, rand.Text())
	res, err := h.client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, hookAnswer) // nobody needs it
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return fmt.Errorf("it answered with status %d: 2xx says that it has the comment", res.StatusCode)
	}
	return nil
}
