// Package sockettest holds what tests of Socket.IO servers share: a server on a
// free port and a client that speaks the protocol raw, so that a test sees every
// byte. It knows no more of the protocol than a test writes down.
package sockettest
