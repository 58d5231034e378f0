// Package server is the application: it turns a Config into a running program,
// with the Socket.IO server, the handlers, the pages and the metrics behind one
// Gin router.
//
// It stands at the start and at the end of the road: it accepts connections,
// hands requests to socketio, and stops everything in order. New and Run are
// called once, from one goroutine; Addr and Ready may be called from any.
// It refuses to know events or rooms: that is what handlers are for.
package server
