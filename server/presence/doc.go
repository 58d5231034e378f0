// Package presence knows who is in a room, by user and by socket, on all nodes, and
// tells the application who came and who went.
//
// It stands beside the road: a handler tracks its sockets, or has a namespace's rooms
// tracked, and asks or listens. It works on any adapter. On one of a single node it is
// local; on a socketio.ClusterAdapter the nodes speak with one another in server-side
// events named EventName. Node.js servers of a mixed cluster hear these events and
// ignore them: they have no presence, and their clients are not in it.
//
// # What is known
//
// A socket is tracked in a room under the id of a user, or under "", which is nobody:
// that socket is counted and not listed. A user has one meta, a small JSON value for
// all rooms and tabs; the last write wins, on every node the same.
//
// A user joins a room with the first socket there, on any node, and leaves it with the
// last one. With Options.Grace a user whose connection was lost stays for a moment, so
// that a reload of the page makes no leave and no join. Who leaves a room on purpose
// (Untrack, Socket.Leave) leaves at once.
//
// A room with more users than Options.MaxMembers, or four times as many sockets, is
// count-only, on all nodes: no list, no events of members, and a count at most once a
// second. Below three quarters of that it has a list again. In a count-only room a user
// with sockets on two nodes is counted twice.
//
// # Between nodes
//
// Each node owns what it says of its own sockets. It tells changes in batches, each with
// the next version number, at most every 50 ms; counts of count-only rooms at most every
// second; and every 3 s a beat with the version and how much it has told. Who lacks a
// version asks, and gets the batches it lacks or, if there are too many, everything in
// pages. So what classic Pub/Sub loses is repaired within a beat. A node that was silent
// for 10 s is gone with its users; one that stops says so. While the adapter says that
// other nodes cannot be reached, nobody is given up: what was known last stands, and
// when they can be reached again all are asked and have 10 s to speak up.
//
// A message is two arguments, a head and a body:
//
//	{"v":1,"k":"delta","n":"QWERTYUIOPAS","t":7}
//	    {"r":[{"n":"lobby","s":[{"u":"ann","s":["q2mF…"]}],"d":["bea"]}],
//	     "m":[{"u":"ann","t":1767225600000,"m":"{\"nick\":\"Ann\"}"}]}
//	{"v":1,"k":"page","n":"QWERTYUIOPAS","t":7,"p":0,"of":2}   a body like that
//	{"v":1,"k":"beat","n":"QWERTYUIOPAS","t":7,"e":31}
//	{"v":1,"k":"want","n":"QWERTYUIOPAS"}   {"w":[{"n":"ZXCVBNMASDFG","h":5}],"a":true}
//	{"v":1,"k":"bye","n":"QWERTYUIOPAS"}
//
// k is the kind, n the node, t its version: of a delta and of what the pages give, and
// where a beat stands; e how many members and counts are told. r are rooms with the
// users set (s: sockets, and n how many if they are more) and gone (d); "l":true says
// that the users set are all there are; "c":[users,sockets] are counts instead. m are
// the metas of users; who is set without one has none. A want names nodes and the version one has of them (h, -1: give
// everything), and with a all nodes that are not named. v is the lowest version of the
// protocol that understands the message; unknown kinds and fields are ignored.
//
// # Concurrency and memory
//
// All methods may be called from any goroutine, also from handlers of events. One mutex
// guards the state; it is held while nothing is sent and no code of the application
// runs. In its shadow Socket's lock may be taken, never the other way round. Handlers
// of OnChange run on one goroutine, one at a time, so events of a room come in order. A
// handler that takes its time hears of the outcome of what happened meanwhile, and not
// of what was undone: there is no queue that grows.
//
// A node keeps about 0.6 KB for each of its own sockets and rooms, and 0.5 KB for each user and
// room with a list of any other node, metas aside (MaxMeta bytes for a user at most). Of a
// count-only room it keeps two numbers per node. A node tracks at most
// Options.MaxTracked sockets and rooms and keeps no more of any other. Up to 256 KiB of
// batches are kept to be sent again, and 16 MiB of messages wait to be taken.
//
// It refuses to decide who somebody is, to keep anything beyond the process, and to
// serve clients: what they are told is the application's.
package presence
