// Package rawclient is a Socket.IO client for the tests of handlers: one namespace over
// one WebSocket, JSON without attachments, and nothing that hides what the server sent.
//
// A Client may be used by one test goroutine; reading happens on its own. It refuses to
// reconnect: a test that wants that dials again.
package rawclient
