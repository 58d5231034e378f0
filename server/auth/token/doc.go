// Package token verifies JSON Web Tokens (RFC 7519), finds the keys for it, and mints
// tokens for development.
//
// It stands beside the road: a Verifier is one way of an auth.Chain. What a token says
// about how it is signed is compared with what its key can do, and never decides (RFC
// 8725, section 3.1). Everything may be used from any goroutine.
//
// It refuses tokens that are encrypted or not signed, and keys that others can guess.
package token
