// Package doors lets clients in and out: who they are when they connect, for how long
// that holds, and that who is blocked goes.
//
// It binds package auth to the sockets of a server, by two options:
//
//	keeper, err := doors.New(doors.Options{Authenticator: mine})
//	io, err := socketio.New(&socketio.Options{Admit: keeper.Admit, Entered: keeper.Entered})
//
// A Keeper asks the Authenticator in each namespace that a client connects to, also when
// the client returns to an earlier session, and puts the *auth.Principal where auth.Of
// finds it. Its id is the user of the socket (Socket.SetUser), so a session of somebody
// else is not recovered; of a principal without an id the socket is nobody's. A refusal is
// CONNECT_ERROR with data {"code": "...", "message": "..."}, of which the codes are auth's.
//
// # While a socket lives
//
//	event                          from     meaning
//	auth:expiring {expires, in}    server   the principal ends at expires (ms since 1970), in so many ms
//	auth:refresh(token, ack?)      client   goes on with another token
//	sockeye:end {code, message}    server   the end of this socket, before DISCONNECT
//
// auth:refresh is answered with {"ok": true, "expires": ms}, without expires if the new
// principal has no end, or {"error": {"code": "...", "message": "..."}}. The new principal
// must have the id of the old one; other_user is the code if it has not. It counts in every
// namespace of the connection whose principal is equal to the one before, field by field:
// those that were joined with the same token. A namespace that was joined with another one
// keeps its own. A refresh that is refused changes nothing.
//
// A principal that has ended ends its sockets, with the code token_expired; one that is
// blocked, with the code blocked. DISCONNECT follows, so a client does not come back by
// itself with what does not hold any more.
//
// # Concurrency and cost
//
// All methods may be called from any goroutine. A socket whose principal has an end has
// one timer, which stops with the socket; any other costs nothing. There are no goroutines
// but those in which timers fire and blocks are told. Keeper.mu is taken before a socket's
// lock, and never held while something is emitted.
//
// It refuses to decide who somebody is, and what a principal may do: that is for an
// auth.Authenticator and an auth.Access.
package doors
