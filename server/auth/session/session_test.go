package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/server/auth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a backend whose answer can be changed.
type site struct {
	*httptest.Server

	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
}

func serve(t *testing.T) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) does(f http.HandlerFunc) { s.answer.Store(&f) }

func (s *site) says(status int, kind, text string) {
	s.does(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	})
}

const asJSON = "application/json"

// clock is a time that tests move.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time       { return time.Unix(1900000000, 0).Add(time.Duration(c.offset.Load())) }
func (c *clock) pass(d time.Duration) { c.offset.Add(int64(d)) }

func verifier(t *testing.T, url string, edit func(*Options)) (*Verifier, *clock) {
	t.Helper()
	c := &clock{}
	o := Options{URL: url, Timeout: 20 * time.Second, Cache: 10 * time.Second, Now: c.now, Logger: slog.New(slog.DiscardHandler)}
	if edit != nil {
		edit(&o)
	}
	v := New(o)
	t.Cleanup(v.Close)
	return v, c
}

func cookie(value string) *auth.Credentials {
	return &auth.Credentials{Header: http.Header{"Cookie": {"session=" + value}}}
}

func refusalOf(t *testing.T, err error) *auth.Error {
	t.Helper()
	var e *auth.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no refusal", err)
	}
	return e
}

func TestTheSiteIsToldWhatTheBrowserShowsAndNothingElse(t *testing.T) {
	t.Parallel()
	s := serve(t)
	got := make(chan *http.Request, 1)
	s.does(func(w http.ResponseWriter, r *http.Request) {
		got <- r
		_, _ = w.Write([]byte(`{"id":"alice","name":"Alice","roles":["mod"],"rooms":["a:*"],"data":{"x":1},"expires":"2040-01-02T03:04:05Z"}`))
	})
	v, _ := verifier(t, s.URL+"/me?x=1", nil)
	p, err := v.Authenticate(t.Context(), &auth.Credentials{Header: http.Header{
		"Cookie": {"a=1", "b=2"}, "Authorization": {"Basic eDp5"}, "Origin": {"https://app.example"},
		"Referer": {"https://app.example/secret"}, "X-Forwarded-For": {"10.0.0.1"}, "Host": {"evil.example"}, "X-Admin": {"1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := <-got
	if r.Method != http.MethodGet || r.RequestURI != "/me?x=1" || r.Header.Get("Cookie") != "a=1; b=2" ||
		r.Header.Get("Authorization") != "Basic eDp5" || r.Header.Get("Origin") != "https://app.example" {
		t.Errorf("%s %s %v", r.Method, r.RequestURI, r.Header)
	}
	for _, name := range []string{"Referer", "X-Forwarded-For", "X-Admin"} {
		if r.Header.Get(name) != "" {
			t.Errorf("%s was handed on", name)
		}
	}
	if p.ID != "alice" || p.Name != "Alice" || !p.HasRole("mod") || p.Join.Match("b") || string(p.Data) != `{"x":1}` ||
		p.Method != auth.MethodSession || !p.Expires.Equal(time.Date(2040, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("%+v", p)
	}
	if _, err := v.Authenticate(t.Context(), &auth.Credentials{Token: "opaque"}); err != nil {
		t.Fatal(err)
	}
	if r := <-got; r.Header.Get("Authorization") != "Bearer opaque" {
		t.Errorf("a token is told as %q", r.Header.Get("Authorization"))
	}
}

func TestHowAnswersAreRead(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", maxMessage)
	for what, c := range map[string]struct {
		status     int
		kind, text string
		code       auth.Code // "" is admitted
		message    string
	}{
		"a principal":        {200, asJSON, `{"id":"a"}`, "", ""},
		"seconds":            {200, asJSON, `{"id":"a","expires":1900000010}`, "", ""},
		"no expiry":          {200, asJSON, `{"id":"a","expires":null}`, "", ""},
		"over":               {200, asJSON, `{"id":"a","expires":1899999999}`, auth.CodeTokenExpired, "the session has expired"},
		"no time":            {200, asJSON, `{"id":"a","expires":"tomorrow"}`, auth.CodeUnavailable, ""},
		"no id":              {200, asJSON, `{"name":"a"}`, auth.CodeUnavailable, ""},
		"sub, as in tokens":  {200, asJSON, `{"sub":"a"}`, auth.CodeUnavailable, ""},
		"a number as id":     {200, asJSON, `{"id":1}`, auth.CodeUnavailable, ""},
		"an API key's id":    {200, asJSON, `{"id":"key:1"}`, auth.CodeUnavailable, ""},
		"id twice":           {200, asJSON, `{"id":"a","id":"b"}`, auth.CodeUnavailable, ""},
		"a page":             {200, "text/html", `<html>`, auth.CodeUnavailable, ""},
		"nothing":            {200, asJSON, ``, auth.CodeUnavailable, ""},
		"null":               {200, asJSON, `null`, auth.CodeUnavailable, ""},
		"huge":               {200, asJSON, `{"id":"a","data":"` + strings.Repeat("x", maxAnswer) + `"}`, auth.CodeUnavailable, ""},
		"not logged in":      {401, asJSON, `{"message":"log in first"}`, auth.CodeUnauthorized, "log in first"},
		"in plain text":      {403, "text/plain; charset=utf-8", "not you\r\n", auth.CodeForbidden, "not you"},
		"without a word":     {401, "", "", auth.CodeUnauthorized, "you are not logged in"},
		"a page of refusal":  {403, "text/html", "<html>no</html>", auth.CodeForbidden, "you may not connect"},
		"other JSON":         {403, asJSON, `{"error":"no"}`, auth.CodeForbidden, "you may not connect"},
		"JSON of wrong type": {403, asJSON, `{"message":{"a":1}}`, auth.CodeForbidden, "you may not connect"},
		"a long refusal":     {403, "text/plain", long, auth.CodeForbidden, long[:maxMessage]},
		"lines":              {403, asJSON, `{"message":"a\nb\u0000"}`, auth.CodeForbidden, "a b"},
		"a huge refusal":     {403, "text/plain", strings.Repeat("x", maxAnswer+1), auth.CodeUnavailable, ""},
		"an error":           {500, asJSON, `{"id":"a"}`, auth.CodeUnavailable, ""},
		"not found":          {404, asJSON, `{"id":"a"}`, auth.CodeUnavailable, ""},
		"created":            {201, asJSON, `{"id":"a"}`, auth.CodeUnavailable, ""},
	} {
		s := serve(t)
		s.says(c.status, c.kind, c.text)
		v, _ := verifier(t, s.URL, nil)
		p, err := v.Authenticate(t.Context(), cookie("x"))
		if c.code == "" {
			if err != nil || p.ID != "a" {
				t.Errorf("%s: %+v, %v", what, p, err)
			}
			continue
		}
		if e := refusalOf(t, err); e.Code != c.code || c.message != "" && e.Message != c.message {
			t.Errorf("%s: %s, %q", what, e.Code, e.Message)
		}
	}
}

func TestASiteThatCannotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s := serve(t)
	t.Cleanup(func() { close(hold) })
	for what, does := range map[string]http.HandlerFunc{
		"slow": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		},
		"half": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "50")
			_, _ = w.Write([]byte(`{"id":`))
		},
		"cut":          func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"a login page": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) },
	} {
		v, _ := verifier(t, s.URL, func(o *Options) {
			if what == "slow" {
				o.Timeout = 500 * time.Millisecond
			}
		})
		s.does(does)
		before := s.asked.Load()
		for range 2 { // it is not remembered
			_, err := v.Authenticate(t.Context(), cookie("x"))
			if e := refusalOf(t, err); e.Code != auth.CodeUnavailable || strings.Contains(e.Error(), "session=") {
				t.Errorf("%s: %v", what, e)
			}
		}
		if n := s.asked.Load() - before; n != 2 {
			t.Errorf("%s: asked %d times", what, n)
		}
	}
	away, _ := verifier(t, "http://127.0.0.1:1/", nil)
	_, err := away.Authenticate(t.Context(), cookie("x"))
	if e := refusalOf(t, err); e.Code != auth.CodeUnavailable {
		t.Errorf("nobody there: %v", e)
	}
}

func TestAnswersAreRememberedForAShortTime(t *testing.T) {
	t.Parallel()
	s := serve(t)
	v, clock := verifier(t, s.URL, nil)
	ask := func(who string, times int64) {
		t.Helper()
		before := s.asked.Load()
		_, _ = v.Authenticate(t.Context(), cookie(who))
		_, _ = v.Authenticate(t.Context(), cookie(who))
		if n := s.asked.Load() - before; n != times {
			t.Errorf("%s: asked %d times, want %d", who, n, times)
		}
	}
	s.says(200, asJSON, `{"id":"a"}`)
	ask("a", 1)
	ask("a", 0)
	ask("b", 1) // somebody else
	clock.pass(9 * time.Second)
	ask("a", 0)
	clock.pass(2 * time.Second)
	ask("a", 1)
	s.says(200, asJSON, fmt.Sprintf(`{"id":"a","expires":%d}`, clock.now().Unix()+3))
	ask("c", 1)
	clock.pass(4 * time.Second)
	ask("c", 2) // over for the site: each time anew
	s.says(401, asJSON, `{}`)
	ask("d", 1)
	clock.pass(negativeFor)
	ask("d", 1)
	off, _ := verifier(t, s.URL, func(o *Options) { o.Cache = 0 })
	v = off
	s.says(200, asJSON, `{"id":"a"}`)
	ask("e", 2)
}

func TestWhoShowsTheSameWaitsForOneAnswer(t *testing.T) {
	t.Parallel()
	s := serve(t)
	ask := make(chan struct{})
	s.does(func(w http.ResponseWriter, _ *http.Request) {
		<-ask
		_, _ = w.Write([]byte(`{"id":"a"}`))
	})
	v, _ := verifier(t, s.URL, nil)
	// The first one leaves before the answer comes: the others get it all the same.
	leaving, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := v.Authenticate(leaving, cookie("x"))
		left <- err
	}()
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			if p, err := v.Authenticate(t.Context(), cookie("x")); err != nil || p.ID != "a" {
				t.Errorf("%+v, %v", p, err)
			}
		})
	}
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left is told %v", err)
	}
	close(ask)
	wg.Wait()
	if n := s.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestNotTooManyAreAskedAboutAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var now, most atomic.Int64
	full := make(chan struct{})
	s.does(func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m; m = most.Load() {
			most.CompareAndSwap(m, n)
		}
		if n == maxAtOnce {
			close(full)
		}
		<-full
		now.Add(-1)
		_, _ = w.Write([]byte(`{"id":"a"}`))
	})
	v, _ := verifier(t, s.URL, nil)
	var wg sync.WaitGroup
	for i := range 2 * maxAtOnce {
		wg.Go(func() {
			if _, err := v.Authenticate(t.Context(), cookie(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := most.Load(); n > maxAtOnce {
		t.Errorf("%d at once", n)
	}
}

// One client that connects again and again with something else to show had all the slots,
// and who came after it was told that nobody could be asked.
func TestOneAddressDoesNotKeepTheSiteFromOthers(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s := serve(t)
	s.does(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "session=good" {
			<-hold
		}
		_, _ = w.Write([]byte(`{"id":"alice"}`))
	})
	v, _ := verifier(t, s.URL, nil)
	var wg sync.WaitGroup
	for i := range 2 * maxAtOnce {
		c := cookie(fmt.Sprint(i))
		c.Address = "192.0.2.1"
		wg.Go(func() { _, _ = v.Authenticate(t.Context(), c) })
	}
	for s.asked.Load() < maxOfOne {
		runtime.Gosched()
	}
	good := cookie("good")
	good.Address = "192.0.2.2"
	if _, err := v.Authenticate(t.Context(), good); err != nil {
		t.Error(err)
	}
	if n := s.asked.Load(); n != maxOfOne+1 {
		t.Errorf("asked %d times", n)
	}
	close(hold)
	wg.Wait()
	v.shares.mu.Lock()
	defer v.shares.mu.Unlock()
	if n := len(v.shares.of); n != 0 {
		t.Errorf("%d addresses are kept", n)
	}
}

func TestTheCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := clock{}
	k := cache{now: c.now, entries: make(map[question]answer)}
	for i := range maxCached + 100 {
		k.put(shown{cookie: fmt.Sprint(i)}.question(), answer{until: c.now().Add(time.Second)})
	}
	if n := len(k.entries); n > maxCached {
		t.Errorf("%d entries", n)
	}
	c.pass(time.Minute)
	k.mu.Lock()
	k.makeRoomLocked(c.now())
	k.mu.Unlock()
	if n := len(k.entries); n != 0 {
		t.Errorf("%d entries are over and still there", n)
	}
}

func TestTwoQuestionsAreNeverOne(t *testing.T) {
	t.Parallel()
	if (shown{cookie: "a", authorization: "b"}).question() == (shown{cookie: "ab"}).question() ||
		(shown{cookie: `a","b`}).question() == (shown{cookie: "a", authorization: "b"}).question() ||
		(shown{authorization: "a"}).question() == (shown{origin: "a"}).question() ||
		(shown{cookie: "\xe8"}).question() == (shown{cookie: "\xe9"}).question() { // were both the replacement character
		t.Error("what is shown in one place counts as shown in another")
	}
}

// A token that no header can hold was told as the site's failure, and logged as one.
func TestATokenThatCannotBeToldDoesNotHold(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.says(200, asJSON, `{"id":"alice"}`)
	v, _ := verifier(t, s.URL, nil)
	for _, token := range []string{"a\r\nCookie: session=root", "a\x00", "\x7f"} {
		_, err := v.Authenticate(t.Context(), &auth.Credentials{Token: token})
		if e := refusalOf(t, err); e.Code != auth.CodeInvalidToken {
			t.Errorf("%q: %v", token, e)
		}
	}
	if n := s.asked.Load(); n != 0 {
		t.Errorf("the site was asked %d times", n)
	}
}

// FuzzAnswer reads what a site may say.
func FuzzAnswer(f *testing.F) {
	f.Add(200, asJSON, `{"id":"a","expires":1}`)
	f.Add(200, asJSON, `{"id":"a","expires":"2030-01-01T00:00:00Z","rooms":["x"]}`)
	f.Add(403, "text/plain", "no")
	f.Add(401, asJSON, `{"message":"\ud800\n"}`)
	v := New(Options{Logger: slog.New(slog.DiscardHandler), Cache: time.Second})
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		a := v.read(&http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}}, []byte(body))
		switch {
		case (a.principal == nil) == (a.refusal == nil):
			t.Errorf("%d %q: %+v", status, body, a)
		case a.principal != nil && (status != 200 || a.principal.ID == ""):
			t.Errorf("%d %q: %+v", status, body, a.principal)
		case a.refusal != nil && (a.refusal.Message == "" || len(a.refusal.Message) > maxMessage):
			t.Errorf("%d %q: %q", status, body, a.refusal.Message)
		}
	})
}
