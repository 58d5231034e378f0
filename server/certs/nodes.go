package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Peer returns what is needed to connect to another node at a host. A node is usually
// reached at an address, which no certificate is for, and shows the same certificates as
// this one, or ones of the same kind. So it may prove to be the host itself, or to have
// one of the names of this node's certificates; by a chain to an authority that the
// system trusts, or to what this node itself shows: its own certificate, or what stands
// behind it in the file. What it showed before the last change counts, too, since not all
// nodes change at one moment.
func (s *Store) Peer(host string) *tls.Config {
	now := s.now.Load()
	names := append([]string{host}, now.names()...)
	sni := host
	if _, err := netip.ParseAddr(host); err == nil {
		sni = ""
		for _, name := range names[1:] {
			if _, err := netip.ParseAddr(name); err != nil {
				sni = name
				break
			}
		}
	}
	return &tls.Config{
		MinVersion: s.oldest,
		ServerName: sni,
		// VerifyConnection does it, since crypto/tls would by one name only.
		InsecureSkipVerify: true, //nolint:gosec // see above
		VerifyConnection:   func(c tls.ConnectionState) error { return now.verify(c.PeerCertificates, names) },
	}
}

// names are what the certificates in use are for, each once.
func (n *set) names() []string {
	var names []string
	seen := make(map[string]bool)
	for _, p := range n.pairs {
		for _, name := range p.names() {
			if rest, wild := strings.CutPrefix(name, "*."); wild {
				name = "node." + rest // any name that it matches
			}
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

// verify reports whether a chain is trusted and for one of some names.
func (n *set) verify(chain []*x509.Certificate, names []string) error {
	if len(chain) == 0 {
		return errors.New("the node shows no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{Roots: n.roots(), Intermediates: between}); err != nil {
		return fmt.Errorf("%w (nodes are expected to show the same certificate, or one of the same authority)", err)
	}
	for _, name := range names {
		if chain[0].VerifyHostname(name) == nil {
			return nil
		}
	}
	return fmt.Errorf("the certificate of the node is for none of %s", strings.Join(names, ", "))
}

// trusted are the authorities of the system, and all that this node shows or showed.
func (n *set) trusted() *x509.CertPool {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // of a system that has none
	}
	for _, pairs := range [][]*pair{n.pairs, n.former} {
		for _, p := range pairs {
			for _, der := range p.tls.Certificate {
				if c, err := x509.ParseCertificate(der); err == nil { // tls.X509KeyPair has parsed the first only
					roots.AddCert(c)
				}
			}
		}
	}
	return roots
}
