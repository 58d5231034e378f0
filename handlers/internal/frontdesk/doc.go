// Package frontdesk knows some tokens, for the tests of handlers that let clients in: an
// auth.Authenticator, and the auth.Blocks of one node on which a test calls Hear. It keeps
// nothing beyond the test.
package frontdesk
