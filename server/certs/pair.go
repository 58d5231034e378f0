package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// Files name a certificate, with its chain, and its private key, in PEM.
type Files struct{ Cert, Key string }

// pair is what two files hold.
type pair struct {
	files     Files
	cert, key []byte
	tls       tls.Certificate
}

// read reads both files.
func (f Files) read() (cert, key []byte, err error) {
	if cert, err = os.ReadFile(f.Cert); err != nil {
		return nil, nil, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	if key, err = os.ReadFile(f.Key); err != nil {
		return nil, nil, fmt.Errorf("the key cannot be read: %w", err)
	}
	return cert, key, nil
}

// parse makes a pair of what the files hold, and says what is wrong with it.
func (f Files) parse(cert, key []byte) (*pair, error) {
	switch {
	case !bytes.Contains(cert, []byte("-----BEGIN CERTIFICATE")):
		return nil, fmt.Errorf("%s has no certificate in it: a PEM file is needed, with -----BEGIN CERTIFICATE-----", f.Cert)
	case encrypted(key):
		return nil, fmt.Errorf("%s is protected by a passphrase, which nobody could enter: write it without one, with openssl pkey", f.Key)
	case !bytes.Contains(key, []byte("PRIVATE KEY-----")):
		return nil, fmt.Errorf("%s has no private key in it: a PEM file is needed, with -----BEGIN PRIVATE KEY-----", f.Key)
	}
	c, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate %s and key %s do not go together: %w", f.Cert, f.Key, withoutPrefix(err))
	}
	if c.Leaf == nil {
		return nil, errors.New("the certificate was not parsed") // cannot be since Go 1.23
	}
	return &pair{files: f, cert: cert, key: key, tls: c}, nil
}

func encrypted(key []byte) bool {
	block, _ := pem.Decode(key)
	return block != nil && (strings.Contains(block.Type, "ENCRYPTED") || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"))
}

func withoutPrefix(err error) error {
	return errors.New(strings.TrimPrefix(err.Error(), "tls: "))
}

// names are those the certificate is for: DNS names, then addresses.
func (p *pair) names() []string {
	names := append([]string(nil), p.tls.Leaf.DNSNames...)
	for _, ip := range p.tls.Leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// soon is how long before its end a certificate is warned of.
const soon = 7 * 24 * time.Hour

// doubt is what is wrong with a certificate that can be shown all the same, or "".
func doubt(leaf *x509.Certificate, now time.Time) string {
	switch {
	case now.After(leaf.NotAfter):
		return "it has expired: clients refuse it"
	case now.Before(leaf.NotBefore):
		return "it is not valid yet: clients refuse it, unless it is this machine's clock that is wrong"
	case now.Add(soon).After(leaf.NotAfter):
		return "it expires soon"
	case len(leaf.DNSNames)+len(leaf.IPAddresses) == 0:
		return "it names no host: clients refuse it, as they do not look at its common name"
	}
	return ""
}
