// The command hostile is many clients that send too much, from loopback addresses of
// their own, for test/floods: events, bytes, handshakes, namespaces, rooms, or
// connections that never become one. It is raw, so that it costs little of the machine
// that it shares with the server, and sends at a given rate at most.
package main
