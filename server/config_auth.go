package server

import (
	"net/url"
	"strings"

	"github.com/sockeye-io/sockeye/server/auth/token"
)

// knowsClients reports whether an option says how to know clients. API keys in Redis
// are no option of their own.
func (c *Config) knowsClients() bool {
	return c.verifiesTokens() || c.AuthVerifyURL != "" || c.AuthFile != ""
}

// verifiesTokens reports whether JSON Web Tokens can be verified.
func (c *Config) verifiesTokens() bool {
	return c.AuthSecret != "" || c.AuthSecretFile != "" || len(c.AuthKeys) > 0 || c.AuthJWKSURL != ""
}

// validateAuth checks the options that say who clients are. Files are read at the start.
func (c *Config) validateAuth(fail func(option, format string, args ...any)) {
	if n := len(c.AuthSecret); n > 0 && n < token.MinSecret {
		fail("auth-secret", "it has %d bytes: take at least %d random ones, such as of: openssl rand -base64 48", n, token.MinSecret)
	}
	if c.AuthSecret != "" && c.AuthSecretFile != "" {
		fail("auth-secret-file", "--auth-secret is given too: take one of them, or several keys in a JSON Web Key Set with --auth-keys")
	}
	for _, u := range []struct{ name, value string }{{"auth-jwks-url", c.AuthJWKSURL}, {"auth-verify-url", c.AuthVerifyURL}} {
		if u.value == "" {
			continue
		}
		parsed, err := url.Parse(u.value)
		switch {
		case err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "":
			fail(u.name, "it is no address: write scheme, host and path, such as https://app.example.com/path")
		case parsed.User != nil:
			fail(u.name, "it has a user or password, which would be in logs: leave them out")
		}
	}
	for _, n := range []struct{ name, value string }{{"auth-cookie", c.AuthCookie}, {"auth-query", c.AuthQuery}} {
		if strings.ContainsAny(n.value, " \t=;,&\"") {
			fail(n.name, "%q is no name: leave out spaces and = ; , & \"", n.value)
		}
	}
	if c.AuthExpiring < 0 {
		fail("auth-expiring", "%v is below zero", c.AuthExpiring)
	}
	if c.AuthLeeway < 0 {
		fail("auth-leeway", "%v is below zero", c.AuthLeeway)
	}
	if c.AuthVerifyURL != "" && c.AuthVerifyTimeout <= 0 {
		fail("auth-verify-timeout", "%v is not above zero", c.AuthVerifyTimeout)
	}
	if c.AuthVerifyCache.Word == "auto" {
		fail("auth-verify-cache", "auto is not possible: write off or a duration such as 10s")
	}
	if c.AuthFile != "" && c.RedisURL != "" {
		fail("auth-file", "with --redis-url API keys and blocks are kept in Redis, for all nodes: leave it out")
	}
	if !c.verifiesTokens() {
		for option, set := range map[string]bool{
			"auth-issuer": c.AuthIssuer != "", "auth-audience": len(c.AuthAudience) > 0,
		} {
			if set {
				fail(option, "there is no key to verify tokens with: set --auth-secret, --auth-keys or --auth-jwks-url")
			}
		}
	}
}
