// Package relay passes events between clients without any code written for them: the
// relay contract on the namespace "/", and rules of the operator's own for any
// namespace and event name, so that an existing frontend works by configuration.
//
// It is a handler on the road: it hears an event of one socket, decides who should
// have it, and emits; it knows nothing of transports or nodes. Arguments pass as they
// came, validated by the codec below but not decoded.
//
// The contract, on "/" unless a rule of the same name replaces the event:
//
//	event                     what happens                                      ack
//	join(room, ack?)          the sender enters the room                        "ok"
//	leave(room, ack?)         the sender leaves the room                        "ok"
//	say(room, ...args, ack?)  every member, the sender included, receives       "ok"
//	                          msg(...args)
//	typing(room, ...args, ack?)  every other member receives typing(...args),   "ok"
//	                          volatile
//	echo(...args, ack?)       without ack, echo(...args) comes back             the same arguments
//
// A room is a string or an integer, which stands for its decimal text. Every error is
// an ack {"error": {"code": "...", "message": "..."}}:
//
//	bad_room        the room is missing, empty, too long, or neither string nor integer
//	room_reserved   the room is one of the server's: its name begins with "sockeye:", or
//	                somebody wants to enter or leave one that is the id of a socket
//	too_many_rooms  the socket is in as many rooms as it may be
//	no_room         a rule relays to the sender's rooms, and it is in none
//	reserved_event  the event's name begins with "sockeye:" or "auth:": those are between
//	                the server and its clients
//	forbidden       the sender may not do this; the message names what is missing
//	unknown_event   nothing takes the event
//
// An unknown event without ack is counted (Observer) and logged once per name; the
// number of names remembered is bounded. A forbidden one is counted (Observer).
//
// Who may do what is for Config.Access to say, of rooms, and for roles in the rules: of
// an event, or of a namespace. Where the identity of a client changes (OnIdentity) the
// client leaves rooms that it could join before and cannot any more, and namespaces
// whose role it has lost; who is recovered leaves rooms that it may not be in now.
//
// A Mount keeps no state of its own per socket, and its handlers may run for any
// number of sockets at once. It refuses to keep messages, to look into arguments
// beyond the room, and to find out who somebody is.
package relay
