// Package notifications tells users something on all their tabs and devices, on the
// namespace "/notifications": what is new, how much of it is unread, and what was read
// elsewhere. The bell of the pages (public) is its client.
//
// It is a handler beside the road: applications call Notify, or POST /api/v1/notify of the
// HTTP API, and it keeps and emits; it knows nothing of transports. On several nodes it is
// one: see Between nodes.
//
// # Whose a socket is
//
// That of auth.Of, where the server knows who the client is. Anybody else is the owner of a
// secret that a page made up, given with CONNECT as {"secret": "..."} (package visitor).
// CONNECT_ERROR has data {"code": "bad_secret", "message": "..."}.
//
// # What a client hears
//
//	notifications  {user, notifications, unread, visitor?}   after each CONNECT that is no recovery: what is kept, oldest first
//	notification   {id, title, body?, url?, data?, time, read?}
//	read           {ids}                                     these were read, here or in another tab
//	unread         {count}                                   how many of the kept are unread now
//
// time is in milliseconds since 1970. A client that is recovered is given each notification
// and read that it missed, and then unread. An event may come twice: ids say so. A client
// that counts otherwise than unread asks for the list.
//
// # What a client sends
//
// An object, and an ack, which is an object too: the one below or
// {"error": {"code": "...", "message": "..."}}.
//
//	event      argument               ack                              what happens
//	read       {ids} or {all: true}   {unread}                         all tabs of the user hear read
//	list       {}                     {user, notifications, unread}    nothing
//	notify-me  {title, body?, url?, data?, key?}   {id, time, repeated?}   all tabs of the user hear notification
//
// notify-me is for visitors of whom nobody knows who they are, such as those of the demo
// page: they reach nobody but themselves.
//
//	bad_request     the argument is not an object of this form; the message names what is wrong
//	forbidden       notify-me, from a client whom the server knows
//	unknown_event   nothing takes the event
//	failed          the server could not do this
//
// # What is kept
//
// Of each user the last notifications with what was read of them, in memory, on every node,
// within Options: so many for a user, so many users, so many bytes, so long. Above that the
// users go first of whom nothing was heard for longest. Who is connected nowhere finds what
// is kept on return; when the last node has stopped, nothing is kept. There is no storage and
// no delivery to who is offline yet.
//
// An id is random, or made of the key that its publisher gave: a notification with a key
// that a user has already is not sent again, as long as the first is kept, whichever node
// the two came to.
//
// # Between nodes
//
// In server-side events named sockeye:notifications nodes tell each other what is new and
// what was read, and each keeps it; the counts each node tells its own sockets. A node asks
// the others when the first socket of a user comes, and again after it may have missed
// something. All of it is merged by id, and what was read stays read, so the order does not
// matter.
//
//	{"v":1,"k":"new","u":["ann"],"m":[{notification}]}
//	{"v":1,"k":"read","u":["ann"],"i":["id"]}
//	{"v":1,"k":"want","u":["ann"]}      answered with {"v":1,"k":"have","m":[...]}
//
// v is the lowest version that understands the message; unknown kinds and fields are ignored.
//
// # Concurrency
//
// All methods may be called from any goroutine. One mutex guards what is kept, and nothing
// is sent while it is held. Counts are told by one goroutine, which is there while there is
// something to tell, so that the last one told is right.
//
// It refuses to decide who somebody is, to render anything, and to keep anything beyond the
// process.
package notifications
