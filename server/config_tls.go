package server

import (
	"net"
	"slices"

	"github.com/sockeye-io/sockeye/server/certs"
)

// validateTLS checks the options of TLS.
func (c *Config) validateTLS(fail func(option, format string, args ...any)) {
	on := len(c.TLSCert) > 0
	switch {
	case len(c.TLSKey) != len(c.TLSCert):
		fail("tls-key", "there are %d keys for %d certificates: give one for each, in the same order", len(c.TLSKey), len(c.TLSCert))
	case slices.Contains(c.TLSCert, "") || slices.Contains(c.TLSKey, ""):
		fail("tls-cert", "the name of a file is empty")
	}
	if c.HSTS.Word == "auto" {
		fail("hsts", "auto is not possible: write off or a duration such as 8760h")
	}
	if c.HSTS.Duration > 0 && !on {
		fail("hsts", "it needs --tls-cert and --tls-key: browsers do not heed it in plain HTTP")
	}
	if c.RedirectListen == "" {
		return
	}
	if !on {
		fail("redirect-listen", "it needs --tls-cert and --tls-key: without them nothing here speaks HTTPS")
	}
	if _, _, err := net.SplitHostPort(c.RedirectListen); err != nil {
		fail("redirect-listen", "%q is no address: write host:port, such as :80", c.RedirectListen)
	}
}

// tlsFiles are the pairs of certificate and key.
func (c *Config) tlsFiles() []certs.Files {
	var files []certs.Files
	for i, cert := range c.TLSCert {
		files = append(files, certs.Files{Cert: cert, Key: c.TLSKey[i]})
	}
	return files
}
