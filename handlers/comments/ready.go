package comments

import (
	"bytes"
	"compress/gzip"
	lru "container/list"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/public"
)

// Bounds of what is kept ready.
const (
	// readyAge is how far an answer may be behind. Whoever goes on from its cursor misses
	// nothing of that.
	readyAge = 250 * time.Millisecond
	// headAge is how old what is known of the heads of sites may be when an answer is looked
	// at. It is a part of readyAge, not added to it.
	headAge = 100 * time.Millisecond

	readyEntries = 4096
	readyBytes   = 64 << 20
	// readyExtra is what an entry takes beside its bytes.
	readyExtra = 1 << 10
	// gzipFrom is the size in bytes under which to compress saves no packet.
	gzipFrom = 1024
)

// ready is an answer as it is sent. It does not change.
type ready struct {
	kind          string // Content-Type
	body, gzipped []byte // gzipped is nil where it would not help
	tag           string // of the ETag of body, without quotes
	modified      time.Time
	until         time.Time // when it is no longer so by itself; zero is never
}

func newReady(kind string, body []byte) (*ready, error) {
	sum := sha256.Sum256(body)
	r := &ready{kind: kind, body: body, tag: base64.RawURLEncoding.EncodeToString(sum[:12])}
	if len(body) < gzipFrom {
		return r, nil
	}
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed) // a busy page is made anew four times a second
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	r.gzipped = buf.Bytes()
	return r, nil
}

// serve answers GET and HEAD. Each coding has a tag of its own, as strong ones must (RFC 9110,
// section 8.8.3).
func (rd *ready) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache") // kept, but asked about each time
	body, tag := rd.body, `"`+rd.tag+`"`
	zipped := rd.gzipped != nil && public.AcceptsGzip(r.Header.Get("Accept-Encoding"))
	if zipped {
		body, tag = rd.gzipped, `"`+rd.tag+`-gz"`
	}
	h.Set("ETag", tag)
	if !rd.modified.IsZero() {
		h.Set("Last-Modified", rd.modified.UTC().Format(http.TimeFormat))
	}
	if rd.unchanged(r, tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if zipped {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", rd.kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client may be gone
	}
}

// unchanged reports whether the client has it: by the tag, or where it knows none by the time
// (RFC 9110, section 13.2.2).
func (rd *ready) unchanged(r *http.Request, tag string) bool {
	if header := r.Header.Get("If-None-Match"); header != "" {
		return public.Matches(header, tag)
	}
	since, err := http.ParseTime(r.Header.Get("If-Modified-Since"))
	return err == nil && !rd.modified.IsZero() && !rd.modified.Truncate(time.Second).After(since)
}

// readyKey says what an answer is of.
type readyKey struct {
	kind, site, page string
	created          int64 // of the site: another one of its name is another one
	sort             store.Sort
	after, with      string
}

// text is for singleflight. Only the last part can hold a zero byte.
func (k *readyKey) text() string {
	return strings.Join([]string{k.kind, k.site, strconv.FormatInt(k.created, 36), string(k.sort), k.after, k.with, k.page}, "\x00")
}

// kept is an answer with what it is known to hold for.
type kept struct {
	key     readyKey
	answer  *ready
	head    store.Head // nothing that it shows has changed up to here
	version int64      // of the site's settings
	asOf    time.Time  // when that was so
}

// recipe says how an answer is made, and how it is found out that it is still good.
type recipe struct {
	key   readyKey
	tally bool // votes and reactions are in it
	// build makes the answer, of what the store says now; head was read before.
	build func(ctx context.Context, a *about, head store.Head) (*ready, error)
}

// shelf keeps answers ready, the least recently used one leaves. It may be used from any
// goroutine.
type shelf struct {
	flights singleflight.Group

	mu      sync.Mutex
	entries map[readyKey]*lru.Element // of *kept
	order   *lru.List                 // the last used one first
	bytes   int
	builds  int // for tests
}

func newShelf() *shelf {
	return &shelf{entries: make(map[readyKey]*lru.Element), order: lru.New()}
}

// readied returns an answer that is at most readyAge behind. However many ask for the same
// at once, it is looked for once.
func (c *Comments) readied(ctx context.Context, s *site, q *recipe) (*ready, error) {
	if e := c.shelf.look(&q.key); e != nil && e.fresh(time.Now()) {
		return e.answer, nil
	}
	flight := c.shelf.flights.DoChan(q.key.text(), func() (any, error) {
		// Whoever came first may go: the others still wait.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		return c.refresh(ctx, s, q)
	})
	select {
	case came := <-flight:
		if came.Err != nil {
			return nil, came.Err
		}
		answer, _ := came.Val.(*ready) // it is one
		return answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refresh finds out whether what there is still holds, and makes it anew otherwise.
func (c *Comments) refresh(ctx context.Context, s *site, q *recipe) (*ready, error) {
	e := c.shelf.look(&q.key)
	if e != nil && e.fresh(time.Now()) { // the flight before was of the same
		return e.answer, nil
	}
	asOf, err := c.heads.now(ctx, c.poll)
	if err != nil {
		return nil, err
	}
	head, a := headOf(s), s.about.Load()
	if e != nil {
		same, err := c.holds(ctx, e, q, a, head)
		if err != nil {
			return nil, err
		}
		if same {
			c.shelf.put(&kept{q.key, e.answer, head, a.Version, asOf}, false)
			return e.answer, nil
		}
	}
	answer, err := q.build(ctx, a, head)
	if err != nil {
		return nil, err
	}
	c.shelf.put(&kept{q.key, answer, head, a.Version, asOf}, true)
	return answer, nil
}

// holds reports whether an answer is as it would be made now. A busy site does not make the
// answers of its quiet pages anew.
func (c *Comments) holds(ctx context.Context, e *kept, q *recipe, a *about, head store.Head) (bool, error) {
	if e.version != a.Version || head.Floor > e.head.Floor || head.Seq < e.head.Seq || e.over(time.Now()) {
		return false, nil
	}
	if head.Seq > e.head.Seq {
		comments, pages, _, err := c.store.Changes(ctx, a.Name, q.key.page, e.head.Seq, 1)
		if err != nil || len(comments)+len(pages) > 0 {
			return false, err
		}
	}
	if q.tally && head.Tally > e.head.Tally {
		comments, _, err := c.store.Tallies(ctx, a.Name, q.key.page, e.head.Tally, 1)
		if err != nil || len(comments) > 0 {
			return false, err
		}
	}
	return true, nil
}

func (e *kept) over(now time.Time) bool {
	return !e.answer.until.IsZero() && !now.Before(e.answer.until)
}

// fresh reports whether it may be sent as it is.
func (e *kept) fresh(now time.Time) bool { return now.Sub(e.asOf) < readyAge && !e.over(now) }

func (e *kept) size() int {
	return len(e.answer.body) + len(e.answer.gzipped) + len(e.key.page) + len(e.key.with) + readyExtra
}

// look returns what there is, or nil.
func (l *shelf) look(key *readyKey) *kept {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.entries[*key]
	if at == nil {
		return nil
	}
	l.order.MoveToFront(at)
	e, _ := at.Value.(*kept) // it is one
	return e
}

// put keeps an answer in the place of the one before.
func (l *shelf) put(e *kept, built bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if built {
		l.builds++
	}
	if at := l.entries[e.key]; at != nil {
		l.removeLocked(at)
	}
	l.entries[e.key] = l.order.PushFront(e)
	l.bytes += e.size()
	for len(l.entries) > readyEntries || l.bytes > readyBytes {
		l.removeLocked(l.order.Back())
	}
}

func (l *shelf) removeLocked(at *lru.Element) {
	e, _ := l.order.Remove(at).(*kept) // it is one
	delete(l.entries, e.key)
	l.bytes -= e.size()
}

// headClock says when the heads of all sites were asked for last. It may be used from any
// goroutine.
type headClock struct {
	flights singleflight.Group

	mu   sync.Mutex
	asOf time.Time
}

// now returns a time, at most headAge ago, from when on the heads are known.
func (h *headClock) now(ctx context.Context, poll func(context.Context) error) (time.Time, error) {
	h.mu.Lock()
	asOf := h.asOf
	h.mu.Unlock()
	if time.Since(asOf) < headAge {
		return asOf, nil
	}
	flight := h.flights.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		began := time.Now()
		if err := poll(ctx); err != nil {
			return nil, err
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asOf = began
		return began, nil
	})
	select {
	case came := <-flight:
		began, _ := came.Val.(time.Time) // it is one, or there is an error
		return began, came.Err
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}
