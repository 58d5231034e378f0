// Package problem is how HTTP handlers say what went wrong: a document of RFC 9457, with
// the one shape of error that every other way into the server has.
//
//	HTTP/1.1 403 Forbidden
//	Content-Type: application/problem+json
//
//	{"type":"about:blank","title":"Forbidden","status":403,
//	 "detail":"you have no right to read the room \"den\"",
//	 "error":{"code":"forbidden","message":"you have no right to read the room \"den\""}}
//
// error may have more members, such as retryAfter (milliseconds), and field, a JSON
// Pointer (RFC 6901) to what was wrong in the body of the request. Where several things
// were, errors lists them, each like error, which is the first.
//
// It refuses to know how a handler comes to its errors: Of names those of auth, rooms
// and limit, and everything else is a 500 that says nothing.
package problem
