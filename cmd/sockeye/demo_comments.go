package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/url"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gobwas/ws"

	"github.com/sockeye-io/sockeye/handlers/comments"
)

// maxDemoReaders is how many names there are.
var maxDemoReaders = len(readerNames)

// maxDemoKnown is how many of the last comments may be answered or voted on.
const maxDemoKnown = 40

// demoCommentsCommand knows nothing of the server's options: it is a client.
type demoCommentsCommand struct {
	URL      string        `default:"http://127.0.0.1:3000" env:"SOCKEYE_URL" placeholder:"URL" help:"Where the server is."`
	Site     string        `default:"demo" placeholder:"NAME" help:"The site; it has to let guests in."`
	Page     string        `default:"/demos/comments" placeholder:"KEY" help:"The page, as in data-page."`
	Readers  int           `default:"5" placeholder:"NUMBER" help:"How many readers: Ann, Ben, Cleo and so on."`
	Interval time.Duration `default:"4s" placeholder:"DURATION" help:"How often one of them does something, about."`
}

// Run lets readers write and vote until a signal comes.
func (c *demoCommentsCommand) Run(s streams) error {
	ctx, stop := signal.NotifyContext(s.ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	a, err := c.audience(s.err)
	if err != nil {
		return fmt.Errorf("demo comments: %w", err)
	}
	err = a.run(ctx)
	a.leave()
	if err != nil {
		return fmt.Errorf("demo comments: %w", err)
	}
	_, err = fmt.Fprintf(s.out, "%s, %d votes and reactions\n", count(a.posts), a.opinions)
	return err
}

func (c *demoCommentsCommand) audience(tell io.Writer) (*audience, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("--url: %q is no URL such as http://127.0.0.1:3000", c.URL)
	case c.Readers < 1 || c.Readers > maxDemoReaders:
		return nil, fmt.Errorf("--readers: %d is not between 1 and %d", c.Readers, maxDemoReaders)
	case c.Interval < 100*time.Millisecond:
		return nil, fmt.Errorf("--interval: %v is less than 100ms", c.Interval)
	}
	a := &audience{
		base: strings.TrimRight(c.URL, "/"), site: c.Site, page: c.Page, interval: c.Interval, tell: tell,
		talk: newTalk(), ids: make(map[string]bool),
	}
	for _, name := range readerNames[:c.Readers] {
		a.readers = append(a.readers, &demoReader{name: name, secret: rand.Text(), said: make(map[string]bool)})
	}
	return a, nil
}

// audience is readers that there are not. It is used by one goroutine, but for known.
type audience struct {
	base, site, page string
	interval         time.Duration
	tell             io.Writer
	readers          []*demoReader
	talk             *talk
	posts, opinions  int
	away             bool // the server was not reached the last time

	mu    sync.Mutex
	known []string // ids of comments of the page, the oldest first
	ids   map[string]bool
}

// demoReader is one of them.
type demoReader struct {
	name, secret string
	socket       *demoSocket
	said         map[string]bool
}

// run goes on until ctx ends. A server that is not there at first is an error; one that goes is waited for.
func (a *audience) run(ctx context.Context) error {
	for n := 0; ; n++ {
		err := a.act(ctx, a.readers[mathrand.IntN(len(a.readers))], n == 0) //nolint:gosec // it guards nothing
		var refused *namespaceRefused
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &refused) || err != nil && n == 0:
			return a.advice(err)
		case err != nil && !a.away:
			_, _ = fmt.Fprintf(a.tell, "%v; trying again\n", err)
		case err == nil && n == 0:
			_, _ = fmt.Fprintf(a.tell, "%d readers are on %s of the site %q: look at %s/demos/comments. Ctrl-C stops them.\n", len(a.readers), a.page, a.site, a.base)
		case err == nil && a.away:
			_, _ = fmt.Fprintln(a.tell, "the server is back")
		}
		a.away = err != nil
		if !pause(ctx, a.interval/2+mathrand.N(a.interval)) { //nolint:gosec // see above
			return nil
		}
	}
}

// leave ends the connections.
func (a *audience) leave() {
	for _, r := range a.readers {
		if r.socket != nil {
			r.socket.close()
		}
	}
}

// pause waits, and reports whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// advice says what can be done where the server does not let readers in.
func (a *audience) advice(err error) error {
	var refused *namespaceRefused
	var status ws.StatusError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("nothing listens at %s: start the server with sockeye serve, or say where it is with --url", a.base)
	case errors.As(err, &status):
		return fmt.Errorf("%s does not look like a Sockeye: it answers %d: see --url", a.base, int(status))
	case !errors.As(err, &refused):
		return err
	}
	switch refused.Data.Code {
	case "unknown_site":
		return fmt.Errorf("%w: make it with sockeye comments init --site %s --guests --origin …, or name another with --site", err, a.site)
	case "guests_refused":
		return fmt.Errorf("%w: let them in with sockeye comments site %s --set guests=on", err, a.site)
	case "":
		return fmt.Errorf("%w: comments are on where --comments-db is there, or with --comments", err)
	default:
		return err
	}
}

// act lets a reader do something; writes: a comment, and nothing else.
func (a *audience) act(ctx context.Context, r *demoReader, writes bool) error {
	if err := a.enter(ctx, r); err != nil {
		return err
	}
	id := a.some()
	what := mathrand.IntN(10) //nolint:gosec // it guards nothing
	switch {
	case writes || id == "" || what < 2:
		return a.write(ctx, r, "")
	case what < 4:
		return a.write(ctx, r, id)
	case what < 8:
		value := 1
		if mathrand.IntN(8) == 0 { //nolint:gosec // see above
			value = -1
		}
		return a.opine(ctx, r, "vote", map[string]any{"id": id, "value": value})
	default:
		return a.opine(ctx, r, "react", map[string]any{"id": id, "reaction": a.talk.reaction(), "on": true})
	}
}

// enter connects a reader who is not there, and opens the page.
func (a *audience) enter(ctx context.Context, r *demoReader) error {
	if r.socket != nil && !r.socket.ended() {
		return nil
	}
	if r.socket != nil {
		r.socket.close()
		r.socket = nil
	}
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	who := map[string]any{"site": a.site, "guest": map[string]string{"secret": r.secret, "name": r.name}}
	s, err := dialSocket(ctx, a.base, comments.Namespace, who, a.heard)
	if err != nil {
		return err
	}
	r.socket = s
	return a.call(ctx, r, "join", map[string]any{"page": a.page}, nil)
}

// heard notes comments that may be answered, whoever wrote them.
func (a *audience) heard(event string, arg json.RawMessage) {
	var told struct {
		Comments []struct {
			ID    string
			State string
			Depth int
		}
	}
	if event != "comments" || json.Unmarshal(arg, &told) != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range told.Comments {
		switch {
		case c.State == "published" && c.Depth < 2 && !a.ids[c.ID]:
			a.known, a.ids[c.ID] = append(a.known, c.ID), true
		case c.State != "published" && a.ids[c.ID]:
			delete(a.ids, c.ID)
		}
	}
	for len(a.known) > maxDemoKnown {
		delete(a.ids, a.known[0])
		a.known = a.known[1:]
	}
}

// some is one of the comments that are known, or "".
func (a *audience) some() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for range 10 {
		if len(a.known) == 0 {
			break
		}
		if id := a.known[mathrand.IntN(len(a.known))]; a.ids[id] { //nolint:gosec // it guards nothing
			return id
		}
	}
	return ""
}

// write lets a reader type for a while and post, as an answer to a parent where there is one.
func (a *audience) write(ctx context.Context, r *demoReader, parent string) error {
	text := a.talk.next(parent != "", r.said)
	if text == "" {
		return nil // this one has said it all
	}
	if err := r.socket.emit("typing", map[string]any{"page": a.page}); err != nil {
		return err
	}
	if !pause(ctx, a.interval/2) {
		return nil
	}
	post := map[string]any{"page": a.page, "text": text, "key": rand.Text()}
	if parent != "" {
		post["parent"] = parent
	}
	var answer struct{ Comment struct{ ID string } }
	if err := a.call(ctx, r, "post", post, &answer); err != nil {
		return err
	}
	if answer.Comment.ID != "" {
		r.said[text] = true
		a.posts++
	}
	return nil
}

// opine votes or reacts.
func (a *audience) opine(ctx context.Context, r *demoReader, event string, arg map[string]any) error {
	var answer struct{ ID string }
	err := a.call(ctx, r, event, arg, &answer)
	if answer.ID != "" {
		a.opinions++
	}
	return err
}

// quiet are refusals that are part of the play: too many at once, a comment that is gone, a site without votes.
var quiet = map[string]bool{"rate_limited": true, "too_fast": true, "duplicate": true, "not_found": true, "bad_request": true, "forbidden": true}

// call waits for an ack. That the server says no is told, and is no error, but where a page cannot be joined.
func (a *audience) call(ctx context.Context, r *demoReader, event string, arg, into any) error {
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	text, err := r.socket.call(ctx, event, arg)
	if err != nil {
		return err
	}
	var answer struct {
		Error *struct{ Code, Message string }
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%s: the answer is no object: %w", event, err)
	}
	if no := answer.Error; no != nil {
		if event == "join" {
			return &namespaceRefused{Message: no.Message, Data: struct{ Code string }{no.Code}}
		}
		if !quiet[no.Code] {
			_, _ = fmt.Fprintf(a.tell, "%s may not %s: %s\n", r.name, event, no.Message)
		}
		return nil
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}
