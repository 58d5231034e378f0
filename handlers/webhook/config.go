package webhook

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sockeye-io/sockeye/server/auth"
	"github.com/sockeye-io/sockeye/server/rooms"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
	"github.com/sockeye-io/sockeye/server/spaces"
)

// Defaults and bounds of a Hook.
const (
	DefaultTimeout     = 5 * time.Second
	DefaultConcurrency = 64
	MinSecret          = 32 // bytes, as of HS256
	maxSecrets         = 2  // the one in use, and one that comes or goes
)

// Call is what a backend is asked about.
type Call string

// The calls.
const (
	Connect    Call = "connect"    // a client wants into the namespace
	Event      Call = "event"      // it has sent an event
	Disconnect Call = "disconnect" // it has gone
)

// Calls lists all calls.
func Calls() []Call { return []Call{Connect, Event, Disconnect} }

// WhenDown is what happens to a client that connects while the backend does not answer.
type WhenDown string

// The ways. A client that only uses this namespace and is let go comes back by itself,
// later each time.
const (
	Retry  WhenDown = "retry"  // its connection is closed
	Refuse WhenDown = "refuse" // it gets CONNECT_ERROR
)

// Config maps a namespace, or a pattern of namespaces as of package spaces, to its
// backend. A namespace that several keys fit has one backend.
//
//	webhooks:
//	  /:
//	    url: http://127.0.0.1:8000/sockeye
//	    secret-file: /etc/sockeye/webhook.secret
type Config map[string]Hook

// Hook is a backend, and what it is asked.
type Hook struct {
	// URL is where it is asked, with POST.
	URL string `yaml:"url"`
	// Secret signs requests, at least 32 bytes; two while it is being replaced.
	Secret Secrets `yaml:"secret,omitempty"`
	// SecretFile names files with the secrets instead.
	SecretFile List `yaml:"secret-file,omitempty"`
	// Calls are what it is asked about; nil is everything.
	Calls []Call `yaml:"calls,omitempty"`
	// Events are the names of the events that it gets, with "*" for any characters; nil
	// is all that nothing else takes.
	Events auth.Patterns `yaml:"events,omitempty"`
	// Headers are those of the handshake that it is told of, beside Origin and User-Agent.
	Headers []string `yaml:"headers,omitempty"`
	// Timeout is how long an answer may take, with the time until it is asked; 0 is 5 s.
	Timeout time.Duration `yaml:"timeout,omitempty"`
	// Concurrency is how many requests of this node may be under way; 0 is 64.
	Concurrency int `yaml:"concurrency,omitempty"`
	// WhenDown is what a client gets that connects meanwhile; "" is Retry.
	WhenDown WhenDown `yaml:"when-down,omitempty"`
}

// List is a list of texts, or one.
type List []string

// UnmarshalYAML reads either.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = List{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// Secrets are a List that is never written.
type Secrets List

// UnmarshalYAML reads a list, or one secret.
func (s *Secrets) UnmarshalYAML(n *yaml.Node) error { return (*List)(s).UnmarshalYAML(n) }

// IsZero makes omitempty leave them out in any case: a printed configuration has no secret.
func (s Secrets) IsZero() bool { return true }

// asks reports whether the backend is asked about something.
func (h Hook) asks(c Call) bool { return h.Calls == nil || slices.Contains(h.Calls, c) }

// takes reports whether the backend gets an event that nothing else takes. What the
// server and its clients tell one another is not for it.
func (h Hook) takes(event string) bool {
	return h.asks(Event) && !rooms.OwnEvent(event) && (h.Events == nil || h.Events.Match(event))
}

// Names lists the events that are written out: they are taken before the relay's contract.
func (h Hook) Names() []string {
	var names []string
	for _, p := range h.Events {
		if h.asks(Event) && !strings.Contains(p, "*") {
			names = append(names, p)
		}
	}
	return names
}

// KnowsClients reports whether a backend may say who clients are.
func (c Config) KnowsClients() bool {
	for _, h := range c {
		if h.asks(Connect) {
			return true
		}
	}
	return false
}

// Dynamic reports whether a key stands for more than one namespace, so that clients can
// create namespaces.
func (c Config) Dynamic() bool {
	for key := range c {
		if !spaces.Exact(key) {
			return true
		}
	}
	return false
}

// Others are the handlers that a Config has to get along with.
type Others struct {
	// Reserved are namespaces whose events a handler of their own takes.
	Reserved []string
	// Takes reports whether something else takes an event by its name; key is one of Config.
	Takes func(key, event string) bool
}

// Validate reports everything that is wrong, each error naming its key as
// webhooks["/x"].field. Files are read at the start.
func (c Config) Validate(o Others) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(c)) {
		at := fmt.Sprintf("webhooks[%q]", key)
		fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(at+format, args...)) }
		if _, err := spaces.Compile(key); err != nil {
			fail(": %w", err)
		}
		h := c[key]
		h.validateRequest(fail)
		h.validateCalls(fail)
		if slices.Contains(o.Reserved, key) && h.asks(Event) {
			fail(".calls: this namespace has a handler of its own, which takes its events; write [connect, disconnect], or one of them")
		}
		for _, name := range h.Names() {
			if o.Takes != nil && o.Takes(key, name) {
				fail(".events: relay.namespaces[%q] has a rule for %q; take it out of one of them", key, name)
			}
		}
	}
	return errors.Join(errs...)
}

func (h Hook) validateRequest(fail func(format string, args ...any)) {
	u, err := url.Parse(h.URL)
	switch {
	case h.URL == "":
		fail(": has no url; write that of your backend, such as http://127.0.0.1:8000/sockeye")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		fail(".url: it is no address: write scheme, host and path, such as http://127.0.0.1:8000/sockeye")
	case u.User != nil:
		fail(".url: it has a user or password, which would be in logs: the signature says who asks")
	}
	switch {
	case len(h.Secret)+len(h.SecretFile) == 0:
		fail(": has no secret to sign requests with; name a file with secret-file, made with: openssl rand -base64 48")
	case len(h.Secret)+len(h.SecretFile) > maxSecrets:
		fail(": has more than %d secrets: the one in use, and one that replaces it", maxSecrets)
	}
	for _, s := range h.Secret {
		if len(s) < MinSecret {
			fail(".secret: it has %d bytes: take at least %d random ones, such as of: openssl rand -base64 48", len(s), MinSecret)
		}
	}
	if h.Timeout < 0 {
		fail(".timeout: %v is below zero", h.Timeout)
	}
	if h.Concurrency < 0 {
		fail(".concurrency: %d is below zero", h.Concurrency)
	}
	for _, name := range h.Headers {
		if name == "" || strings.ContainsAny(name, " \t:,") {
			fail(".headers: %q is no name of a header", name)
		}
	}
}

func (h Hook) validateCalls(fail func(format string, args ...any)) {
	if h.Calls != nil && len(h.Calls) == 0 {
		fail(".calls: names nothing; leave it out to ask about everything, or take out the webhook")
	}
	for _, c := range h.Calls {
		if !slices.Contains(Calls(), c) {
			fail(".calls: %q is none of connect, event, disconnect; names of events belong to events", c)
		}
	}
	if h.Events != nil && !h.asks(Event) {
		fail(".events: calls does not name event; leave one of them out")
	}
	if h.Events != nil && len(h.Events) == 0 {
		fail(".events: names no event; leave it out to get all, or write calls: [connect, disconnect]")
	}
	for _, e := range h.Events {
		switch {
		case e == "":
			fail(".events: a name is empty")
		case wire.Reserved(e):
			fail(".events: Socket.IO keeps the name %q for itself; no client can send it", e)
		case rooms.OwnEvent(e):
			fail(".events: %q begins with %q or %q: that is between the server and its clients", e, rooms.EventPrefix, auth.EventPrefix)
		}
	}
	if !slices.Contains([]WhenDown{"", Retry, Refuse}, h.WhenDown) {
		fail(".when-down: %q is neither retry nor refuse", h.WhenDown)
	}
}

// withDefaults fills what is left out.
func (h Hook) withDefaults() Hook {
	h.Timeout = cmp.Or(h.Timeout, DefaultTimeout)
	h.Concurrency = cmp.Or(h.Concurrency, DefaultConcurrency)
	h.WhenDown = cmp.Or(h.WhenDown, Retry)
	all := append([]string{"Origin", "User-Agent"}, h.Headers...)
	for i := range all {
		all[i] = http.CanonicalHeaderKey(all[i])
	}
	slices.Sort(all)
	h.Headers = slices.Compact(all)
	return h
}

// secrets are the keys of the signatures, those of files after the others. White space
// around what a file holds does not count.
func (h Hook) secrets() ([][]byte, error) {
	var keys [][]byte
	for _, s := range h.Secret {
		keys = append(keys, []byte(s))
	}
	for _, name := range h.SecretFile {
		text, err := os.ReadFile(name) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("secret-file: %w", err)
		}
		key := []byte(strings.TrimSpace(string(text)))
		if len(key) < MinSecret {
			return nil, fmt.Errorf("secret-file %s: it holds %d bytes: take at least %d random ones, such as of: openssl rand -base64 48", name, len(key), MinSecret)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
