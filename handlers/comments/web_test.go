package comments

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/handlers/comments/store"
	"github.com/sockeye-io/sockeye/server/engineio"
	"github.com/sockeye-io/sockeye/server/socketio"
)

// sitesOnly lets pages of sites connect, as the server does.
type sitesOnly struct{ c *Comments }

func (o *sitesOnly) CheckOrigin(r *http.Request) error {
	if !sameOrigin.Allow(r) && !o.c.AllowsOrigin(r.Header.Get("Origin")) {
		return errors.New("no page of a site")
	}
	return nil
}

// serveWeb is a node with its HTTP side.
func serveWeb(t *testing.T, o Options, change ...func(*Comments)) *node {
	t.Helper()
	return serveAt(t, memory.New(), o, change...)
}

func serveAt(t *testing.T, adapter socketio.AdapterFactory, o Options, change ...func(*Comments)) *node {
	t.Helper()
	origins := &sitesOnly{}
	know := func(c *Comments) { origins.c = c }
	return serveOn(t, &socketio.Options{Adapter: adapter, Engine: engineio.Options{Origins: origins}}, o, append(change, know)...)
}

// webAlone is one with a store of its own.
func webAlone(t *testing.T) *node {
	t.Helper()
	return serveWeb(t, Options{Store: opened(t)})
}

// answer is what came back.
type answer struct {
	*http.Response
	text []byte
}

// do sends a request. Nothing is decompressed, and no redirect followed.
func (n *node) do(t testing.TB, method, path, body string, header ...string) *answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, n.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	web := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	res, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &answer{res, text}
}

func (n *node) get(t testing.TB, path string, header ...string) *answer {
	t.Helper()
	return n.do(t, http.MethodGet, path, "", header...)
}

// json decodes what came back with a status.
func (a *answer) json(t testing.TB, status int) object {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s: %s", a.Status, a.text)
	}
	var o object
	if err := json.Unmarshal(a.text, &o); err != nil {
		t.Fatalf("%s: %v", a.text, err)
	}
	return o
}

// wants checks that a problem came back.
func (a *answer) wants(t testing.TB, status int, code string) {
	t.Helper()
	got := codeOf(a.json(t, status))
	if got != code || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("code %q, want %q; %s", got, code, a.Header.Get("Content-Type"))
	}
}

func unzipped(t testing.TB, text []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// add stores a comment, as another process would.
func add(t testing.TB, s store.Store, c store.Comment) store.Comment {
	t.Helper()
	if c.Site == "" {
		c.Site = "blog"
	}
	if c.Page == "" {
		c.Page = "/a"
	}
	if c.State == "" {
		c.State = store.Published
	}
	if c.Author.ID == "" {
		c.Author = store.Author{ID: "u_0123456789abcdef", Name: "Ann"}
	}
	if c.HTML == "" {
		c.HTML = "<p>" + c.Text + "</p>\n"
	}
	added, _, err := s.Add(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

// texts are the HTML of comments, in order.
func texts(list []object) (all []string) {
	for _, one := range list {
		html, _ := one["html"].(string)
		all = append(all, strings.TrimSpace(html))
	}
	return all
}

// eventually waits until something holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain until %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

var discarded = slog.New(slog.DiscardHandler)

func loggerTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
