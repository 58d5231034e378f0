package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often the files are looked at.
const lookEvery = 2 * time.Second

// Store holds pairs of certificate and key. Open makes one; Watch has it follow its
// files.
type Store struct {
	oldest uint16
	log    *slog.Logger
	now    atomic.Pointer[set]

	mu     sync.Mutex     // of what follows, and of changing now
	broken map[Files]seen // what was found wrong last
}

// set is the pairs in use, in the order of the options, and what they were before.
type set struct {
	pairs  []*pair
	former []*pair // for other nodes, which may not have the new ones yet
	roots  func() *x509.CertPool
}

func newSet(pairs, former []*pair) *set {
	n := &set{pairs: pairs, former: former}
	n.roots = sync.OnceValue(n.trusted) // most servers have no other nodes
	return n
}

// seen is a state of two files that cannot be used.
type seen struct {
	cert, key []byte
	said      bool
	text      string
}

// Open reads the pairs, of which there must be one. oldest is the version of TLS that
// must be spoken at least, such as tls.VersionTLS12.
func Open(files []Files, oldest uint16, log *slog.Logger) (*Store, error) {
	if len(files) == 0 {
		return nil, errors.New("no certificate is given")
	}
	s := &Store{oldest: oldest, log: log, broken: make(map[Files]seen)}
	var errs []error
	var pairs []*pair
	for _, f := range files {
		cert, key, err := f.read()
		if err == nil {
			var p *pair
			if p, err = f.parse(cert, key); err == nil {
				pairs = append(pairs, p)
				continue
			}
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.now.Store(newSet(pairs, nil))
	for _, p := range pairs {
		s.announce(p, false)
	}
	return s, nil
}

// announce logs a pair that is used from now on.
func (s *Store) announce(p *pair, renewed bool) {
	leaf := p.tls.Leaf
	log := s.log.With("file", p.files.Cert, "names", strings.Join(p.names(), ","), "expires", leaf.NotAfter.Format(time.RFC3339))
	if renewed {
		log.Info("new certificate")
	} else {
		log.Info("certificate")
	}
	if why := doubt(leaf, time.Now()); why != "" {
		log.Warn("something is wrong with the certificate", "why", why)
	}
}

// Config returns what a server needs. HTTP/2 is offered.
func (s *Store) Config() *tls.Config {
	return &tls.Config{
		MinVersion: s.oldest, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return s.choose(hello), nil },
	}
}

// choose returns the first certificate that suits a client, or else the first of all.
func (s *Store) choose(hello *tls.ClientHelloInfo) *tls.Certificate {
	pairs := s.now.Load().pairs
	if len(pairs) > 1 {
		for _, p := range pairs {
			if hello.SupportsCertificate(&p.tls) == nil {
				return &p.tls
			}
		}
	}
	return &pairs[0].tls
}

// Covers reports whether a certificate is for a host: a name or an address.
func (s *Store) Covers(host string) bool {
	return slices.ContainsFunc(s.now.Load().pairs, func(p *pair) bool { return p.tls.Leaf.VerifyHostname(host) == nil })
}

// Watch looks at the files every two seconds until ctx ends: at what is in them, so that
// files that are replaced, links that are turned and files that are written over are all
// the same.
func (s *Store) Watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.look(false)
		case <-ctx.Done():
			return
		}
	}
}

// Reload looks at the files now, and says at once what is wrong with them.
func (s *Store) Reload() { s.look(true) }

// look takes over what has changed and can be used. Of what cannot a line is logged when
// it is seen the second time: a certificate and its key are not written at one moment.
func (s *Store) look(insist bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.now.Load()
	pairs := slices.Clone(old.pairs)
	var changed []*pair
	for i, p := range old.pairs {
		fresh, err := s.renewed(p)
		switch {
		case err != nil:
			s.complain(p.files, err, insist)
		case fresh != nil:
			pairs[i], changed = fresh, append(changed, fresh)
		}
	}
	if len(changed) > 0 {
		s.now.Store(newSet(pairs, old.pairs))
	}
	for _, p := range changed { // once they are shown: scripts wait for the line
		s.announce(p, true)
	}
}

// renewed returns what two files hold now, or nil if that is what is in use.
func (s *Store) renewed(p *pair) (*pair, error) {
	cert, key, err := p.files.read()
	if err != nil {
		return nil, err
	}
	if bytes.Equal(cert, p.cert) && bytes.Equal(key, p.key) {
		delete(s.broken, p.files)
		return nil, nil //nolint:nilnil // nothing is new
	}
	fresh, err := p.files.parse(cert, key)
	if err != nil {
		return nil, &unusable{cert, key, err}
	}
	delete(s.broken, p.files)
	return fresh, nil
}

// unusable is a state of two files that cannot be used.
type unusable struct {
	cert, key []byte
	err       error
}

func (u *unusable) Error() string { return u.err.Error() }

// complain logs once what is wrong with two files.
func (s *Store) complain(f Files, err error, insist bool) {
	now := seen{text: err.Error()}
	var u *unusable
	if errors.As(err, &u) {
		now.cert, now.key = u.cert, u.key
	}
	before, again := s.broken[f]
	again = again && before.text == now.text && bytes.Equal(before.cert, now.cert) && bytes.Equal(before.key, now.key)
	now.said = again && before.said
	if (again || insist) && !now.said {
		now.said = true
		s.log.Error("the new certificate is not used, the one before it stays", "file", f.Cert, "error", err)
	}
	s.broken[f] = now
}

// ParseVersion reads a version of TLS: 1.2 or 1.3.
func ParseVersion(text string) (uint16, error) {
	switch text {
	case "1.2":
		return tls.VersionTLS12, nil
	case "1.3":
		return tls.VersionTLS13, nil
	}
	return 0, fmt.Errorf("%q is no version of TLS that is spoken: write 1.2 or 1.3", text)
}
