package token

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
)

// keyServer is a JWKS URL whose answer can be changed.
type keyServer struct {
	*httptest.Server

	answer atomic.Pointer[http.HandlerFunc]
	asked  atomic.Int64
}

func serveKeys(t *testing.T) *keyServer {
	t.Helper()
	s := &keyServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	s.status(http.StatusServiceUnavailable)
	return s
}

func (s *keyServer) does(f http.HandlerFunc) { s.answer.Store(&f) }
func (s *keyServer) says(text string) {
	s.does(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
}

func (s *keyServer) status(code int) {
	s.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

// clock is a time that tests move.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time       { return now.Add(time.Duration(c.offset.Load())) }
func (c *clock) pass(d time.Duration) { c.offset.Add(int64(d)) }

// remote is a Remote that fetches only when a test or a token wants it.
func remote(t *testing.T, url string) (*Remote, *clock) {
	t.Helper()
	c := &clock{}
	r := newRemote(url, slog.New(slog.DiscardHandler))
	r.now = c.now
	t.Cleanup(r.Close)
	return r, c
}

func (r *Remote) fetchNow(t *testing.T) {
	t.Helper()
	ended := r.begin(0)
	if ended == nil {
		t.Fatal("nothing is fetched")
	}
	<-ended
}

// ask verifies a token signed by a key of a kid, and returns "ok" or the code.
func ask(t *testing.T, r *Remote, kid string, material any) string {
	t.Helper()
	alg := map[bool]string{true: RS256, false: ES256}[material == any(rsaKey()) || material == any(otherKey())]
	_, err := verifier(nil, func(o *Options) { o.Remote = r }).Verify(t.Context(), sign(t, alg, material, map[string]any{"kid": kid}, alice))
	if err != nil {
		return string(codeOf(err))
	}
	return "ok"
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	s := serveKeys(t)
	r, clock := remote(t, s.URL)
	s.says(jwks(jwk("a", &rsaKey().PublicKey, nil)))
	expect(t, "the first token has the keys fetched", ask(t, r, "a", rsaKey()), "ok")
	s.says(jwks(jwk("a", &rsaKey().PublicKey, nil), jwk("b", &otherKey().PublicKey, nil)))
	expect(t, "a new kid, too early", ask(t, r, "b", otherKey()), "invalid_token")
	expect(t, "an old one meanwhile", ask(t, r, "a", rsaKey()), "ok")
	if n := s.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	clock.pass(fetchAgain)
	expect(t, "a new kid", ask(t, r, "b", otherKey()), "ok")
	expect(t, "another's kid", ask(t, r, "a", otherKey()), "invalid_token")
	s.says(jwks(jwk("b", &otherKey().PublicKey, nil)))
	r.fetchNow(t)
	expect(t, "a kid that was taken away", ask(t, r, "a", rsaKey()), "invalid_token")
	clock.pass(fetchAgain)
	expect(t, "a kid that nobody has", ask(t, r, "z", rsaKey()), "invalid_token")
	n := s.asked.Load()
	for range 50 {
		expect(t, "the same again", ask(t, r, "z", rsaKey()), "invalid_token")
	}
	if more := s.asked.Load() - n; more != 0 {
		t.Errorf("unknown kids asked %d times more", more)
	}
}

// A redirect from https to http let whoever is on the way say whose tokens hold.
func TestKeysThatComeByHTTPSComeByNothingElse(t *testing.T) {
	t.Parallel()
	plain := serveKeys(t)
	plain.says("{}")
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	r, _ := remote(t, secure.URL)
	r.client.Transport = secure.Client().Transport
	if err := r.fetch(); err == nil || !strings.Contains(err.Error(), "another scheme") {
		t.Errorf("got %v", err)
	}
	if n := plain.asked.Load(); n != 0 {
		t.Errorf("it was asked %d times without TLS", n)
	}
}

func TestKeysOutliveTheirURL(t *testing.T) {
	t.Parallel()
	s := serveKeys(t)
	r, clock := remote(t, s.URL)
	expect(t, "before the first answer", ask(t, r, "a", rsaKey()), "auth_unavailable")
	s.says(jwks(jwk("a", &rsaKey().PublicKey, nil)))
	clock.pass(fetchAgain)
	expect(t, "after it", ask(t, r, "a", rsaKey()), "ok")
	r.client.Timeout = 50 * time.Millisecond
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	for what, does := range map[string]http.HandlerFunc{
		"an error":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"nothing of it": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		"a page":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"an empty set":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			_, _ = w.Write([]byte(`{"keys":[`))
		},
		"too much": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte(" "), maxFile+1)) },
		"keys of no use": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[{"kty":"EC","crv":"P-521"}]}`))
		},
		"secrets":          func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(jwks(jwk("s", secret, nil)))) },
		"its own redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) },
		"silence": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		},
	} {
		s.does(does)
		r.fetchNow(t)
		if !r.away() {
			t.Errorf("%s counts as an answer", what)
		}
		expect(t, what+": a key that was known", ask(t, r, "a", rsaKey()), "ok")
		clock.pass(fetchAgain)
		expect(t, what+": one that was not", ask(t, r, "b", otherKey()), "auth_unavailable")
	}
	s.says(jwks(jwk("s", secret, nil), jwk("big", &rsaKey().PublicKey, map[string]any{"use": "enc"}), jwk("b", &otherKey().PublicKey, nil)))
	r.fetchNow(t)
	expect(t, "back, with a usable key among others", ask(t, r, "b", otherKey()), "ok")
	_, err := verifier(nil, func(o *Options) { o.Remote = r }).Verify(t.Context(), sign(t, HS256, secret, map[string]any{"kid": "s"}, alice))
	expect(t, "a secret that everybody can read", string(codeOf(err)), "invalid_token")
}

func TestManyTokensOfANewKidFetchOnce(t *testing.T) {
	t.Parallel()
	s := serveKeys(t)
	r, _ := remote(t, s.URL)
	go_ := make(chan struct{})
	s.does(func(w http.ResponseWriter, _ *http.Request) {
		<-go_
		_, _ = w.Write([]byte(jwks(jwk("a", &rsaKey().PublicKey, nil))))
	})
	text := sign(t, RS256, rsaKey(), map[string]any{"kid": "a"}, alice)
	v := verifier(nil, func(o *Options) { o.Remote = r })
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := v.Verify(t.Context(), text); err != nil {
				t.Error(err)
			}
		})
	}
	// One that cannot wait is told so, and does not end what the others wait for.
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(impatient, text); codeOf(err) != auth.CodeUnavailable {
		t.Errorf("who does not wait is told %v", err)
	}
	close(go_)
	wg.Wait()
	if n := s.asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

func TestAServerStartsWhileTheURLIsAway(t *testing.T) {
	t.Parallel()
	s := serveKeys(t)
	asked := make(chan struct{}, 10)
	s.does(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		asked <- struct{}{}
	})
	log := &lines{}
	r := NewRemote(s.URL, slog.New(slog.NewTextHandler(log, nil)))
	<-asked
	r.Close()
	r.Close() // again does no harm
	if got := log.count("keys of tokens cannot be fetched"); got > 1 {
		t.Errorf("logged %d times", got)
	}
	if r.begin(0) != nil {
		t.Error("something is fetched after Close")
	}
}
