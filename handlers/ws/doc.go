// Package ws is the way in for devices and languages without a Socket.IO client: a plain
// WebSocket of JSON messages. Each becomes an event of the namespace, as if a Socket.IO
// client had sent it, so that relay rules, webhooks, chat and every other handler serve
// both alike.
//
//	client                                                    is, in Socket.IO
//	{"type":"join","room":"lobby","since":"…"}                emit("join", "lobby", {since})
//	{"type":"leave","room":"lobby"}                           emit("leave", "lobby")
//	{"type":"say","room":"lobby","data":["hello"]}            emit("say", "lobby", "hello")
//	{"type":"say","room":"lobby","event":"draw","data":[1]}   emit("draw", "lobby", 1)
//	{"type":"typing","room":"lobby"}                          emit("typing", "lobby")
//	{"type":"echo","data":[1]}                                emit("echo", 1)
//	{"type":"event","event":"news","data":[1,2]}              emit("news", 1, 2); "emit" is the same
//	{"type":"auth","token":"…"}                               emit("auth:refresh", token), or who one is
//	{"type":"ack","id":7,"data":[true]}                       the answer to an event that has an id
//	{"type":"ping"}                                           none: it is answered with a pong
//
//	server
//	{"type":"welcome","id":"…","namespace":"/","heartbeat":45000}
//	{"type":"event","room":"lobby","event":"msg","data":["hello"],"offset":"…","id":7}
//	{"type":"ack","id":1,"data":["ok"]}
//	{"type":"error","id":1,"error":{"code":"…","message":"…"}}
//	{"type":"pong","id":1}
//
// A message with an id, an integer from 0 to 2^53, is answered: by an ack or an error
// with that id. data is the list of arguments; what is no list is the only one.
//
// It stands between socketio, whose Guest a client is, and the HTTP server. What is here
// runs on the goroutine that reads the connection, and only parses and queues.
//
// It refuses to decide who a client is and what it may do: that is asked where it is
// asked for every client. Messages that are none are answered with an error, and who
// sends ten of them in a row is disconnected.
package ws
