package comments

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/signature"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// owner receives what the owner of the blog is told.
type owner struct {
	t   *testing.T
	url string

	mu     sync.Mutex
	answer func(try int) int // the status of each try
	tries  int
	took   map[string]int // ids of comments, by how often they were taken
	bodies []object
}

func ownerOf(t *testing.T, s store.Store, answer func(try int) int) *owner {
	t.Helper()
	o := &owner{t: t, answer: answer, took: make(map[string]int)}
	web := httptest.NewServer(o)
	t.Cleanup(web.Close)
	o.url = web.URL
	site, err := s.Site(t.Context(), "blog")
	if err != nil {
		t.Fatal(err)
	}
	site.Settings.HookURL = web.URL + "/hook?key=1"
	if err := s.UpdateSite(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *owner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the sender is gone
	}
	if !signed(r.Header.Get(signature.Header), blogSecret, body) || r.Header.Get(signature.Call) != "comment" || r.Header.Get(signature.Delivery) == "" ||
		r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.URL.String() != "/hook?key=1" {
		o.t.Errorf("%s %s: %v", r.Method, r.URL, r.Header)
	}
	var told object
	if err := json.Unmarshal(body, &told); err != nil {
		o.t.Errorf("%s: %v", body, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tries++
	status := o.answer(o.tries)
	if status < 300 {
		o.took[told["comment"].(object)["id"].(string)]++
		o.bodies = append(o.bodies, told)
	}
	if status == http.StatusFound {
		w.Header().Set("Location", o.url+"/elsewhere")
	}
	w.WriteHeader(status)
}

// signed is how a receiver checks a signature, as docs/webhooks.md says.
func signed(header, secret string, body []byte) bool {
	at, sum, _ := strings.Cut(strings.TrimPrefix(header, "t="), ",v1=")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return hmac.Equal([]byte(sum), []byte(hex.EncodeToString(mac.Sum(nil))))
}

func (o *owner) counts() (tries, taken int, once bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	once = true
	for _, n := range o.took {
		taken++
		once = once && n == 1
	}
	return o.tries, taken, once
}

// soon has hooks tried again at once.
func soon(c *Comments) {
	c.hooks.every = 20 * time.Millisecond
	c.hooks.delay = func(int) time.Duration { return 5 * time.Millisecond }
}

func TestTheOwnerIsToldOfANewComment(t *testing.T) {
	t.Parallel()
	s := opened(t)
	o := ownerOf(t, s, func(try int) int { return []int{500, 302, 200}[min(try, 3)-1] })
	serveWeb(t, Options{Store: s}, soon)
	c := add(t, s, store.Comment{Text: "*new*", HTML: "<p><em>new</em></p>\n", Title: "Post", URL: blogOrigin + "/a"})
	waits := add(t, s, store.Comment{Text: "waits", State: store.Pending})
	eventually(t, "the owner has it", func() bool { _, taken, _ := o.counts(); return taken == 1 })
	if tries, _, _ := o.counts(); tries != 3 {
		t.Errorf("tried %d times", tries)
	}
	o.mu.Lock()
	told := o.bodies[0]
	o.mu.Unlock()
	if told["site"] != "blog" || told["page"] != "/a" || told["url"] != blogOrigin+"/a" || told["title"] != "Post" || told["text"] != "*new*" {
		t.Errorf("%v", told)
	}
	if one := told["comment"].(object); one["id"] != c.ID || one["html"] != c.HTML || one["text"] != nil || one["author"].(object)["name"] != "Ann" {
		t.Errorf("%v", one)
	}
	// One that waits for a moderator is told when the public sees it.
	if _, err := s.Moderate(t.Context(), "blog", []string{waits.ID}, store.Approve, store.Decision{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the owner has the other one too", func() bool { _, taken, _ := o.counts(); return taken == 2 })
}

// TestTwoNodesTellTheOwnerOnce: whichever of them is first.
func TestTwoNodesTellTheOwnerOnce(t *testing.T) {
	t.Parallel()
	s := opened(t)
	o := ownerOf(t, s, func(int) int { return http.StatusNoContent })
	for range 2 {
		serveWeb(t, Options{Store: s}, soon)
	}
	const comments = 30
	for range comments {
		add(t, s, store.Comment{Text: "x"})
	}
	eventually(t, "the owner has all", func() bool { _, taken, _ := o.counts(); return taken == comments })
	eventually(t, "nothing is left to tell", func() bool {
		left, err := s.Hooks(t.Context(), time.Now().Add(24*time.Hour), time.Millisecond, 100)
		return err == nil && len(left) == 0
	})
	if tries, taken, once := o.counts(); tries != comments || taken != comments || !once {
		t.Errorf("told %d times of %d", tries, taken)
	}
}

// TestWhatAnOwnerIsNotTold: who wants nothing is told nothing, and who does not answer for a
// day is told no more.
func TestWhatAnOwnerIsNotTold(t *testing.T) {
	t.Parallel()
	s := opened(t)
	o := ownerOf(t, s, func(int) int { return http.StatusGone })
	h := newHooks(s, discarded)
	now := time.Now()
	tell := func(c store.Comment) {
		h.tell(t.Context(), &store.Hook{ID: 1, Comment: c}, now)
	}
	c := store.Comment{ID: "0", Site: "blog", Page: "/a", State: store.Published, Published: now}
	for name, change := range map[string]func(c store.Comment) store.Comment{
		"another site": func(c store.Comment) store.Comment { c.Site = "shop"; return c },
		"no site":      func(c store.Comment) store.Comment { c.Site = "none"; return c },
		"rejected":     func(c store.Comment) store.Comment { c.State = store.Rejected; return c },
	} {
		tell(change(c))
		if tries, _, _ := o.counts(); tries != 0 {
			t.Errorf("%s: told", name)
		}
	}
	tell(c)
	tell(c) // the receiver has just failed
	if tries, _, _ := o.counts(); tries != 1 {
		t.Errorf("tried %d times", tries)
	}
	h.down = map[string]time.Time{}
	logged := &sockettest.Log{}
	h.log = loggerTo(logged)
	c.Published = now.Add(-25 * time.Hour)
	tell(c)
	if !strings.Contains(logged.String(), "not told of a comment any more") || strings.Contains(logged.String(), "key=1") {
		t.Errorf("logged: %s", logged)
	}
	h.client.CloseIdleConnections()
}

func TestHooksAreTriedWithGrowingPauses(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for tries := range 40 {
		d := hookDelay(tries)
		if least := min(10*time.Second<<min(tries, 10), time.Hour); d < least || d > least*6/5 {
			t.Errorf("after %d tries %v", tries, d)
		}
		last = d
	}
	if last < time.Hour || last > 72*time.Minute {
		t.Errorf("in the end %v", last)
	}
}
