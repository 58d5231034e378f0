// Package sse is the way in for those who only listen: an event stream that a browser's
// EventSource reads (HTML Living Standard, section 9.2, "Server-sent events").
//
//	GET /events?room=news&room=sports
//
//	retry: 2731
//
//	id: x-12
//	event: msg
//	data: "hello"
//
// An event is named as in Socket.IO. data is its argument, or the list of them where there
// is not exactly one; with ?envelope=1 it is what a plain WebSocket is sent, which says the
// room. id is the offset of the room's history, which EventSource shows again as
// Last-Event-ID when it comes back. Two events are the server's own:
//
//	event: sockeye:gap     {"rooms":["news"],"since":"x-3"}
//	event: sockeye:ready   {"rooms":["news"],"offset":"x-12"}
//
// Before what is kept, gap names rooms in which something after since may be missing; ready
// says that this was all there is, and that what follows is live.
//
// It stands between socketio, whose Guest a reader is, and the HTTP server. History is read
// a page at a time, as the reader takes it.
//
// It refuses to decide who a reader is and where it may be: that is asked where it is asked
// for every client. Everything may be used from any goroutine.
package sse
