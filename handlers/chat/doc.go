// Package chat is the chat behind Sockeye's own page, on the namespace "/chat": rooms
// with history, private messages, typing, and who is here by user rather than by tab.
//
// It is a handler on the road: it hears the events below, checks them, changes the
// state of its hall, and emits; it knows nothing of transports. On several nodes it is
// one chat: see Between nodes.
//
// # Who somebody is
//
// A page makes up a random secret, keeps it, and sends it with each CONNECT as
// {"secret": "...", "nick": "Ann"}: 16 to 128 characters, and a nickname if it has
// one. The id of the user is derived from the secret by SHA-256, so that others can
// see the id and cannot act as its owner. All connections with one secret are one
// user. A nickname is how a user is shown; of the users who are here no two have the
// same one, letter case and width aside, and who comes second is given a number.
// CONNECT_ERROR has data {"code": "bad_secret"}.
//
// A client of which the server knows an id (auth.Of) is the user of that id, and needs no
// secret. Its name, if the server knows one, is the nickname, and stays: one who chose it
// before is given another.
//
// Options.Access is asked before a client joins a room (join), is told who is there and
// what was said (read), and says something or is typing (publish), by the room's name as
// the chat writes it. A private message to u1 is asked as one to the room user:u1.
//
// # What a client sends
//
// One argument, an object, and an ack, which is an object too: the one below or
// {"error": {"code": "...", "message": "..."}}.
//
//	event    argument               ack                                   what happens
//	nick     {nick}                 {user}                                all rooms of the user hear renamed, its other tabs you
//	join     {room, after?}         {room, users, count, messages, gap}   the tab enters; the room hears joined, if the user is new there
//	leave    {room}                 {room}                                the tab leaves; the room hears left, if it was the user's last
//	message  {room, text, key?}     {id, time}                            the room hears message, the sender included
//	private  {to, text, key?}       {id, time}                            all tabs of both users hear private
//	typing   {room, on}             {}                                    the room's other users hear typing, if their connection has time
//
// join answers with the last messages of the room (50), oldest first; with after, the
// id of a message, only with later ones. gap is true when there may have been messages
// after that one which are no longer kept. A key, up to 64 characters of the client's
// choosing, makes message and private safe to repeat: a second one with the same key
// is answered like the first and passed on to nobody, as long as the first is kept (the
// room's history; the last 10,000 private messages of all users).
//
// # What a client hears
//
//	welcome  {user, limits, named?}            after each CONNECT; limits {text, nick, room, rooms, history}
//	you      {user}                            the user's nickname was changed, here or in another tab
//	message  {id, room, user, text, time, key?}
//	private  {id, from, to, text, time, key?}
//	typing   {room, user, on}                  volatile
//	joined   {room, user}
//	left     {room, user}
//	renamed  {room, user, was}
//	people   {room, count, users?}             how many are in a room that has too many to list; users when they are few again
//	missed   {room, after}                     messages of other nodes may be missing: join again, with this after
//
// A user is {"id": "...", "nick": "..."}; time is in milliseconds since 1970; ids of
// messages are strings of one length whose order is the order in which they were sent.
// A room hears its messages and notices in that order. A user whose last connection
// is lost is still here for some seconds, so that a reload makes no notice.
//
// # Errors
//
//	bad_request    the argument is not an object of this form
//	bad_nick       empty, too long, or with characters that a name cannot have
//	nick_taken     somebody who is here has this nickname
//	bad_room       as for bad_nick
//	not_in_room    join the room first
//	empty          the text is empty
//	too_long       the text or key is too long; the message names the limit
//	not_here       the user of a private message is not connected
//	too_many_rooms this connection is in as many rooms as it may be
//	rooms_full     the server keeps as many rooms as it can, and somebody is in each
//	unknown_event  nothing takes the event
//	forbidden      the user may not do this; the message names what is missing
//	failed         nobody has heard it, because Redis is away for long; it may be sent again
//
// # Between nodes
//
// Who is where is presence's to know, the nickname being the meta of a user; every node
// hears it and tells its own sockets (notices.go). Two users who take one nickname on two
// nodes at once are told apart by when, and one of them is renamed (nicks.go). Messages
// are emitted to all nodes, and before that told to the nodes' halls in server-side events
// named sockeye:chat, so that each keeps the history (nodes.go); a node that may have missed
// some, because it has just started or was cut off, asks others for a room when somebody
// joins it. Nodes number what they tell: whoever finds a hole has its sockets join again
// (missed.go). The messages between halls are
//
//	{"v":1,"k":"message","n":"NODE","t":7,"m":[message]}                    the seventh time: keep these
//	{"v":1,"k":"beat","n":"NODE","t":7}                                     seven of those were told
//	{"v":1,"k":"private","from":"u1","to":"u2","key":"k","sent":{id,time}}  know it again
//	{"v":1,"k":"want","n":"NODE","to":"NODE","q":"request","room":"r"}      tell of this room
//	{"v":1,"k":"have","n":"NODE","to":"NODE","q":"request","room":"r","m":[...],"floor":"id","whole":true,"part":0,"more":true}
//
// v is the lowest version that understands the message; unknown kinds and fields are ignored.
//
// # Concurrency and memory
//
// A hall has one mutex around plain maps, never held while something is emitted: what
// a room is to hear is queued under the mutex and emitted in order by a goroutine that is
// there while the queue is not empty; who spoke waits for it. Presence's mutex may be taken
// under the hall's, never the other way round. Timers fire for nicknames in dispute, and
// with other nodes one goroutine says every few seconds how much was told.
// The number of rooms, the messages per room, the bytes of all messages and the rooms
// per connection are bounded by Options; users live as long as their connections.
//
// It refuses to decide who somebody is and may do, and to keep anything beyond the process.
package chat
