package certstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/certs"
)

// Pair is a certificate with its chain, and its key, in PEM.
type Pair struct {
	Cert, Key []byte
	Leaf      *x509.Certificate
}

// CA issues certificates.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA returns a new authority.
func NewCA(t testing.TB) *CA {
	t.Helper()
	template := newTemplate(t, time.Now().Add(time.Hour))
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	key := newKey(t)
	return &CA{cert: sign(t, template, template, key, key), key: key}
}

// Pool trusts the authority.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// Issue returns a certificate for names, which may be addresses. The authority stands
// behind it in the chain.
func (ca *CA) Issue(t testing.TB, names ...string) *Pair {
	t.Helper()
	p := issue(t, time.Now().Add(24*time.Hour*30), ca.cert, ca.key, names)
	p.Cert = append(p.Cert, encode("CERTIFICATE", ca.cert.Raw)...)
	return p
}

// SelfSigned returns a certificate that only itself vouches for.
func SelfSigned(t testing.TB, names ...string) *Pair {
	t.Helper()
	return Until(t, time.Now().Add(24*time.Hour*30), names...)
}

// Until is SelfSigned with an end.
func Until(t testing.TB, end time.Time, names ...string) *Pair {
	t.Helper()
	return issue(t, end, nil, nil, names)
}

// SignedBy returns a certificate signed with the key of another, which is no authority.
func SignedBy(t testing.TB, parent *Pair, names ...string) *Pair {
	t.Helper()
	block, _ := pem.Decode(parent.Key)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	p := issue(t, time.Now().Add(time.Hour), parent.Leaf, key.(*ecdsa.PrivateKey), names) //nolint:errcheck // newKey makes no others
	p.Cert = append(p.Cert, parent.Cert...)
	return p
}

func issue(t testing.TB, end time.Time, parent *x509.Certificate, parentKey *ecdsa.PrivateKey, names []string) *Pair {
	t.Helper()
	template := newTemplate(t, end)
	template.ExtKeyUsage, template.KeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, x509.KeyUsageDigitalSignature
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key := newKey(t)
	if parent == nil {
		parent, parentKey = template, key
	}
	leaf := sign(t, template, parent, key, parentKey)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return &Pair{Cert: encode("CERTIFICATE", leaf.Raw), Key: encode("PRIVATE KEY", der), Leaf: leaf}
}

func newTemplate(t testing.TB, end time.Time) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	if err != nil {
		t.Fatal(err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "test " + serial.Text(36)},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: end,
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t testing.TB, template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// Pool trusts the certificate itself.
func (p *Pair) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(p.Leaf)
	return pool
}

// Write writes cert.pem and key.pem into a folder, over what is there.
func (p *Pair) Write(t testing.TB, folder string) certs.Files {
	t.Helper()
	f := certs.Files{Cert: filepath.Join(folder, "cert.pem"), Key: filepath.Join(folder, "key.pem")}
	for name, text := range map[string][]byte{f.Cert: p.Cert, f.Key: p.Key} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}
