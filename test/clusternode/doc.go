// Command clusternode is a Sockeye node that test/cluster tells what to do: a server
// on server/socketio with an adapter of several nodes. test/cluster/node.mjs is the
// same on Node's own socket.io.
//
// It listens on 127.0.0.1 with a free port, prints "listening addr=HOST:PORT" and
// ends when it gets SIGTERM or SIGINT. It is a test's counterpart and nothing else:
// it trusts whoever reaches it.
//
// Namespaces are "/" and all that match ^/case-. A socket joins auth.rooms, names or
// numbers, and takes auth.data as its data. where() answers with the node's name. Where there is recovery, rooms whose names begin
// with "kept" have a history, which enter(room, since) answers with.
// The server side events "note" and "mute" are remembered; only "note" is answered,
// with {node, args}.
//
// POST /control takes a JSON object and answers {value} or {error, answers, missing}.
// It says what to do (op), in which namespace (nsp), for whom (to, except, local,
// volatile, timeout in ms; from is a socket of this node that it comes from):
//
//	emit {event, args, times}        times: so often, with the number as last argument
//	ask {event, args} → the first value of each answer
//	fetch → [{id, rooms, data, handshake}]
//	socketsJoin {rooms}, socketsLeave {rooms}, disconnectSockets {close}
//	remote {event, args, rooms, close}: fetches the first socket of "to", and
//	    join, leave, disconnect, ask → its answer, or any other event, which is emitted
//	serverSideEmit {event, args}     serverSideAsk {event, args} → answers
//	heard → [{event, args}]          count → number of nodes
//	sockets → ids of this node       states → adapter events as "kind up why"
//
// Values that JSON does not have are {"$bin": base64} and {"$date": text}, see
// test/cluster/values.mjs.
package main
