package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sockeye-io/sockeye/server/certs"
	"github.com/sockeye-io/sockeye/server/certs/certstest"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const within = 20 * time.Second

func open(t *testing.T, files ...certs.Files) (*certs.Store, *sockettest.Log) {
	t.Helper()
	log := &sockettest.Log{}
	s, err := certs.Open(files, tls.VersionTLS12, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

// shown returns what a server with this configuration shows to a client.
func shown(server, client *tls.Config) (*x509.Certificate, *tls.ConnectionState, error) {
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = conn.(*tls.Conn).Handshake()
	}()
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	state := c.ConnectionState()
	return state.PeerCertificates[0], &state, nil
}

func mustShow(t *testing.T, s *certs.Store, name string, want *certstest.Pair) {
	t.Helper()
	got, _, err := shown(s.Config(), &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Equal(want.Leaf) {
		t.Errorf("%q is shown %v, want %v", name, got.DNSNames, want.Leaf.DNSNames)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestTheCertificateIsChosenByName(t *testing.T) {
	t.Parallel()
	a, b := certstest.SelfSigned(t, "a.example.com", "192.0.2.7"), certstest.SelfSigned(t, "*.b.example.com")
	s, log := open(t, a.Write(t, t.TempDir()), b.Write(t, t.TempDir()))
	mustShow(t, s, "a.example.com", a)
	mustShow(t, s, "x.b.example.com", b)
	mustShow(t, s, "other.example.com", a)
	mustShow(t, s, "", a)
	for host, want := range map[string]bool{
		"a.example.com": true, "x.b.example.com": true, "192.0.2.7": true, "b.example.com": false, "example.com": false, "192.0.2.8": false, "": false,
	} {
		if s.Covers(host) != want {
			t.Errorf("Covers(%q) is not %v", host, want)
		}
	}
	if !strings.Contains(log.String(), "names=a.example.com,192.0.2.7") {
		t.Errorf("the log: %s", log)
	}
}

func TestModernVersionsAndSuitesOnly(t *testing.T) {
	t.Parallel()
	p := certstest.SelfSigned(t, "a.example.com")
	s, _ := open(t, p.Write(t, t.TempDir()))
	client := func(change func(*tls.Config)) *tls.Config {
		c := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}
		change(c)
		return c
	}
	for name, c := range map[string]*tls.Config{
		"TLS 1.0": client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS10 }),
		"TLS 1.1": client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 }),
		"weak suites": client(func(c *tls.Config) {
			c.MaxVersion = tls.VersionTLS12
			for _, suite := range tls.InsecureCipherSuites() {
				c.CipherSuites = append(c.CipherSuites, suite.ID)
			}
		}),
	} {
		if _, state, err := shown(s.Config(), c); err == nil {
			t.Errorf("%s is spoken: %x %x", name, state.Version, state.CipherSuite)
		}
	}
	for version := uint16(tls.VersionTLS12); version <= tls.VersionTLS13; version++ {
		_, state, err := shown(s.Config(), client(func(c *tls.Config) { c.MaxVersion, c.NextProtos = version, []string{"h2", "http/1.1"} }))
		if err != nil || state.Version != version || state.NegotiatedProtocol != "h2" {
			t.Errorf("%x: %v %v", version, state, err)
		}
	}
	s, err := certs.Open([]certs.Files{p.Write(t, t.TempDir())}, tls.VersionTLS13, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := shown(s.Config(), client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })); err == nil {
		t.Error("TLS 1.2 is spoken although 1.3 is the least")
	}
}

func TestNewFilesAreTakenOver(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	old, fresh := certstest.SelfSigned(t, "a.example.com"), certstest.SelfSigned(t, "a.example.com")
	s, log := open(t, old.Write(t, folder))
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { s.Watch(ctx) })
	defer watching.Wait()
	defer cancel()
	fresh.Write(t, folder)
	eventually(t, "the new one is shown", func() bool { return strings.Contains(log.String(), `msg="new certificate"`) })
	mustShow(t, s, "a.example.com", fresh)
}

// Kubernetes turns a link that all files are reached by.
func TestALinkThatIsTurnedIsNoticed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	old, fresh := certstest.SelfSigned(t, "a.example.com"), certstest.SelfSigned(t, "a.example.com")
	for name, p := range map[string]*certstest.Pair{"1": old, "2": fresh} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
		p.Write(t, filepath.Join(folder, name))
	}
	link := filepath.Join(folder, "data")
	if err := os.Symlink("1", link); err != nil {
		t.Fatal(err)
	}
	s, _ := open(t, certs.Files{Cert: filepath.Join(link, "cert.pem"), Key: filepath.Join(link, "key.pem")})
	if err := errors.Join(os.Symlink("2", link+".new"), os.Rename(link+".new", link)); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	mustShow(t, s, "a.example.com", fresh)
}

func TestABrokenPairIsRefusedAndTheOldOneStays(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	old, fresh := certstest.SelfSigned(t, "a.example.com"), certstest.SelfSigned(t, "a.example.com")
	files := old.Write(t, folder)
	s, log := open(t, files)
	if err := os.WriteFile(files.Cert, fresh.Cert, 0o600); err != nil { // and not the key
		t.Fatal(err)
	}
	for range 3 {
		s.Reload()
	}
	mustShow(t, s, "a.example.com", old)
	const line = `msg="the new certificate is not used, the one before it stays"`
	if n := strings.Count(log.String(), line); n != 1 || !strings.Contains(log.String(), "do not go together") {
		t.Errorf("it is told %d times: %s", n, log)
	}
	if err := os.Remove(files.Key); err != nil {
		t.Fatal(err)
	}
	s.Reload()
	if n := strings.Count(log.String(), line); n != 2 || !strings.Contains(log.String(), "the key cannot be read") {
		t.Errorf("it is told %d times: %s", n, log)
	}
	fresh.Write(t, folder)
	s.Reload()
	mustShow(t, s, "a.example.com", fresh)
}

// A certificate and its key are written one after the other: that is nothing to tell.
func TestFilesThatAreBeingWrittenAreNothingToTell(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	files := certstest.SelfSigned(t, "a.example.com").Write(t, folder)
	fresh := certstest.SelfSigned(t, "a.example.com")
	s, log := open(t, files)
	if err := os.WriteFile(files.Cert, fresh.Cert, 0o600); err != nil {
		t.Fatal(err)
	}
	certs.Look(s)
	fresh.Write(t, folder)
	certs.Look(s)
	mustShow(t, s, "a.example.com", fresh)
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("the log: %s", log)
	}
	if err := os.WriteFile(files.Cert, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	certs.Look(s)
	certs.Look(s)
	certs.Look(s)
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
		t.Errorf("what stays broken is told %d times: %s", n, log)
	}
}

func TestWhatCannotBeUsedIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	good := certstest.SelfSigned(t, "a.example.com")
	locked := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")})
	for want, p := range map[string]*certstest.Pair{
		"has no certificate in it":     {Cert: []byte("x"), Key: good.Key},
		"has no private key in it":     {Cert: good.Cert, Key: good.Cert},
		"do not go together":           {Cert: good.Cert, Key: certstest.SelfSigned(t, "b").Key},
		"is protected by a passphrase": {Cert: good.Cert, Key: locked},
		"do not go together: ":         {Cert: []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), Key: good.Key},
	} {
		_, err := certs.Open([]certs.Files{p.Write(t, t.TempDir())}, tls.VersionTLS12, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	_, err := certs.Open([]certs.Files{{Cert: "/nowhere/cert.pem", Key: "/nowhere/key.pem"}}, tls.VersionTLS12, slog.New(slog.DiscardHandler))
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/nowhere/cert.pem") {
		t.Error(err)
	}
	if _, err := certs.Open(nil, tls.VersionTLS12, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no certificate is one")
	}
}

func TestDoubtfulCertificatesAreWarnedOf(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]*certstest.Pair{
		"has expired":   certstest.Until(t, time.Now().Add(-time.Hour), "a"),
		"expires soon":  certstest.Until(t, time.Now().Add(time.Hour), "a"),
		"names no host": certstest.SelfSigned(t),
	} {
		_, log := open(t, p.Write(t, t.TempDir()))
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), want) {
			t.Errorf("no %q in %s", want, log)
		}
	}
}

func TestVersionsOfTLS(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13, "1.1": 0, "": 0} {
		if got, err := certs.ParseVersion(text); got != want || (err != nil) != (want == 0) {
			t.Errorf("%q: %x %v", text, got, err)
		}
	}
}

// Nodes prove to each other that they are of one house, although they are reached at
// addresses that no certificate is for.
func TestNodesTrustEachOther(t *testing.T) {
	t.Parallel()
	ca, stranger := certstest.NewCA(t), certstest.NewCA(t)
	self := certstest.SelfSigned(t, "app.example.com")
	for name, c := range map[string]struct {
		ours, its *certstest.Pair
		host      string
		refused   bool
	}{
		"the same certificate":                {self, self, "10.0.0.5", false},
		"another of the same authority":       {ca.Issue(t, "app.example.com"), ca.Issue(t, "app.example.com"), "10.0.0.5", false},
		"a wildcard":                          {ca.Issue(t, "*.example.com"), ca.Issue(t, "*.example.com"), "10.0.0.5", false},
		"one of its own, at its name":         {ca.Issue(t, "node1.internal"), ca.Issue(t, "node2.internal"), "node2.internal", false},
		"one for its address":                 {ca.Issue(t, "10.0.0.4"), ca.Issue(t, "10.0.0.5"), "10.0.0.5", false},
		"another self-signed one":             {self, certstest.SelfSigned(t, "app.example.com"), "10.0.0.5", true},
		"one of another authority":            {ca.Issue(t, "app.example.com"), stranger.Issue(t, "app.example.com"), "10.0.0.5", true},
		"one for another name":                {ca.Issue(t, "app.example.com"), ca.Issue(t, "other.example.com"), "10.0.0.5", true},
		"one that has expired":                {self, certstest.Until(t, time.Now().Add(-time.Minute), "app.example.com"), "10.0.0.5", true},
		"one that ours, no authority, signed": {self, certstest.SignedBy(t, self, "app.example.com"), "10.0.0.5", true},
	} {
		ours, _ := open(t, c.ours.Write(t, t.TempDir()))
		its, _ := open(t, c.its.Write(t, t.TempDir()))
		if _, _, err := shown(its.Config(), ours.Peer(c.host)); (err != nil) != c.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Not all nodes change at one moment.
func TestNodesTrustWhatTheyShowedBefore(t *testing.T) {
	t.Parallel()
	old, fresh := certstest.SelfSigned(t, "app.example.com"), certstest.SelfSigned(t, "app.example.com")
	folder := t.TempDir()
	ours, _ := open(t, old.Write(t, folder))
	its, _ := open(t, old.Write(t, t.TempDir()))
	fresh.Write(t, folder)
	ours.Reload()
	if _, _, err := shown(its.Config(), ours.Peer("10.0.0.5")); err != nil {
		t.Error(err)
	}
	if _, _, err := shown(ours.Config(), ours.Peer("10.0.0.5")); err != nil {
		t.Error(err)
	}
}

// onLine is a log that calls a function with each line.
type onLine func(line string)

func (f onLine) Write(p []byte) (int, error) {
	f(string(p))
	return len(p), nil
}

// The log said that a certificate is new before it was shown, so that a script that waited
// for the line found the old one.
func TestANewCertificateIsToldOfWhenItIsShown(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	files := certstest.SelfSigned(t, "old.example.com").Write(t, folder)
	var s *certs.Store
	told, shown := false, false
	log := onLine(func(line string) {
		if strings.Contains(line, `"new certificate"`) {
			told, shown = true, s.Covers("new.example.com")
		}
	})
	s, err := certs.Open([]certs.Files{files}, tls.VersionTLS12, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	certstest.SelfSigned(t, "new.example.com").Write(t, folder)
	s.Reload()
	if !told || !shown {
		t.Errorf("told %v, shown %v", told, shown)
	}
}
