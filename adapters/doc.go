// Package adapters holds no code: its folders are the adapters, and here is what those
// that join nodes say to each other. The formats are those of Node's packages, read in
// them and tested against them; what Sockeye adds, Node ignores.
//
//	memory        one node, with recovery and history
//	redis         several nodes over classic Redis Pub/Sub, without recovery
//	redisstreams  several nodes over a Redis stream, with recovery and history
//	cluster       what the adapters of several nodes have in common
//	redisclient   what everything that speaks to Redis has in common
//	adaptertest   the suite that every adapter passes
//
// # Classic Pub/Sub
//
// As @socket.io/redis-adapter 8.3 and @socket.io/redis-emitter 5.1. The prefix is
// socket.io unless configured (Node: key), NSP the name of the namespace, such as /, and
// UID the id of a node: 6 characters for Node, 8 or more for Sockeye, "emitter" for an
// emitter.
//
//	channel                        who hears it                    what is published there
//	socket.io#NSP#                 all, by the pattern             broadcasts to everybody or to several rooms
//	socket.io#NSP#ROOM#            socket.io#NSP#*                 broadcasts to one room
//	socket.io-request#NSP#         all                             questions and orders
//	socket.io-response#NSP#        all                             answers
//	socket.io-response#NSP#UID#    the node UID                    answers, where so configured, and to Sockeye
//
// The number of nodes is PUBSUB NUMSUB of the request channel, in a Redis Cluster the sum
// over its servers. Sockeye also finds their ids, in the names of the last kind of channel
// (PUBSUB CHANNELS), when answers are late.
//
// A broadcast is MessagePack, as notepack.io 3 writes it, a list of three:
//
//	["a1B2c3", {type: 2, data: ["news", 1], nsp: "/"}, {rooms: ["r"], except: [], flags: {volatile: true}}]
//
// type is always that of an event, also with binary; nsp may be missing for /. Of the
// flags volatile, compress and timeout (of acknowledgements, ms) mean something. A Date is
// a timestamp (extension -1). A message to a room nobody of the node is in is not read.
//
// A room's name may be a number in Node, which tells 5 from "5". Sockeye has only text: it
// takes both for the room "5", and writes a name that is a number in both ways in rooms and
// except (and in the rooms to leave), so that it reaches either. What Sockeye makes a
// socket of Node join is the text.
//
// Requests are JSON; those with a packet, or with binary, are MessagePack maps of the same
// form. Every node but the one with this uid acts on them. Emitters give no uid.
//
//	{"uid":"a1B2c3","requestId":"x","type":0,"rooms":["r"]}                                   SOCKETS: ids of sockets
//	{"uid":"a1B2c3","requestId":"x","type":1}                                                 ALL_ROOMS: names of rooms
//	{"uid":"a1B2c3","type":2,"opts":{"rooms":["r"],"except":[]},"rooms":["to","join"]}        REMOTE_JOIN
//	{"uid":"a1B2c3","type":3,"opts":{"rooms":["r"],"except":[]},"rooms":["to","leave"]}       REMOTE_LEAVE
//	{"uid":"a1B2c3","type":4,"opts":{"rooms":["r"],"except":[]},"close":true}                 REMOTE_DISCONNECT
//	{"uid":"a1B2c3","requestId":"x","type":5,"opts":{"rooms":[],"except":[]}}                 REMOTE_FETCH
//	{"uid":"a1B2c3","requestId":"x","type":6,"data":["event",1]}                              SERVER_SIDE_EMIT; no id, no answer
//	{uid: "a1B2c3", requestId: "x", type: 7, packet: {...}, opts: {...}}                      BROADCAST, each client answers
//
// Types 2, 3 and 4 have an older form with "sid" and "room" instead of opts and rooms; the
// node that has the socket answers {"requestId":"x"}. Sockeye makes neither that nor types
// 0 and 1, but understands them.
//
// Responses are JSON, or MessagePack where Node writes it or there is binary:
//
//	{"requestId":"x","sockets":["id"]}                                                        to SOCKETS
//	{"requestId":"x","rooms":["r"]}                                                           to ALL_ROOMS
//	{"requestId":"x","sockets":[{"id":"id","handshake":{...},"rooms":["r"],"data":{}}]}       to REMOTE_FETCH
//	{"type":6,"requestId":"x","data":"answer"}                                                to SERVER_SIDE_EMIT
//	{"type":8,"requestId":"x","clientCount":2}                                                to BROADCAST: clients of this node
//	{type: 9, requestId: "x", packet: "answer"}                                               to BROADCAST: one client answered
//
// A handshake is {headers, time, address, xdomain, secure, issued, url, query, auth}.
//
// What Sockeye adds: its responses have "uid", the node that answers, and "args", all
// arguments of an answer that has more than one, of which Node's form holds the first. The
// ids of its questions begin with "s1-", 1 being the version of what follows: a Sockeye
// that is asked so answers on the channel of the node that asked, and says with
// {"type":120,"requestId":"x","uid":"..."} that a client left without an answer. A later
// version understands these, and takes another number for what this one would not.
//
// # Streams
//
// As @socket.io/redis-streams-adapter 0.3, and its emitter 0.1. What must not be lost is in
// a stream with the name of the prefix (Node: streamName), an entry for each message, with
// the fields uid, nsp, type and data. The data are JSON, or a map in MessagePack as base64
// where an argument is binary:
//
//	3 broadcast       {"packet":{"type":2,"data":["news",1],"nsp":"/"},"opts":{"rooms":["r"],"except":[],"flags":{}}}
//	4 socketsJoin     {"opts":{...},"rooms":["r"]}
//	5 socketsLeave    {"opts":{...},"rooms":["r"]}
//	6 disconnect      {"opts":{...},"close":true}
//	9 serverSideEmit  {"packet":["event",1]}: in the stream from emitters only, without answers
//
// Everybody reads the stream and leaves its own entries out, but for a Sockeye namespace with
// recovery, whose sockets get the node's own entries from it as well. Numbers as names of
// rooms are as above.
//
// What asks for answers is published, as a map in MessagePack, {uid, nsp, type, data}:
//
//	socket.io#NSP#        all              7 fetchSockets, 9 serverSideEmit, 3 broadcast with requestId: clients answer
//	socket.io#NSP#UID#    the node UID     8 {requestId, sockets}, 10 {requestId, packet}, 11 {requestId, clientCount}, 12 {requestId, packet}
//
// Both are counted and named as above: PUBSUB NUMSUB of the first, PUBSUB CHANNELS of the
// second.
//
// What Sockeye adds: its entries have one field more, x1, EPOCH.N.SEQ in decimal: 4
// characters that are others after Redis has lost the log or its end, the number of the entry among
// those of Sockeye, and among those of the node. By N readers see holes, by SEQ Redis appends
// no entry twice. An entry with nothing but uid and x1 marks a place. A type 120 and args in
// answers are as above. Beside the stream there are
//
//	{socket.io}:log            hash: epoch, n, and up to where Sockeye has trimmed
//	{socket.io}:log:NODE       the last SEQ of a node
//	{socket.io}:history        hash: of all histories of rooms, see redisstreams/keep.go
//	{socket.io}:history:due    sorted set: when each room is too old
//	{socket.io}:history:room:ROOM  sorted set: what was said in a room
//	socket.io:session:SID      hash: a session that can be recovered, see redisstreams/script.go
//	socket.io-sockeye#NODE#    channel: JSON notes from node to node, {"v":1,"kind":"evict",...}
//
// A later version takes another name for a field or a kind that this one would misread.
// Kinds, types and fields that are not known are left alone.
//
// # Nodes
//
// Whatever the adapter, the nodes of a cluster are found in Redis: see redisnodes.
package adapters
