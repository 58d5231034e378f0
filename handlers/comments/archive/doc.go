// Package archive writes the comments of a site to a file and reads them back, and says what is known of
// one user.
//
// The format of its own is one JSON document, one comment on each line:
//
//	{"format":"sockeye-comments","version":1,"site":{"name":"blog","origins":[...],"settings":{...}},"comments":[
//	{"id":"...","page":"/post-1","parent":"...","author":{"id":"u_...","name":"Ann"},"text":"Hello","state":"published","created":1767225600000},
//	...
//	]}
//
// It is written and read as a stream, so a million comments need no more memory than one.
// Times are milliseconds since 1970; the keys of a comment are those of the field tags of Record. What is answered
// comes before its answers; title and url of a page are with the first comment of it. The secret of
// a site is not in it, nor addresses, sessions, bans, or who voted: votes and reactions are
// there as counts. A copy of everything is a backup of the database (store.Store.Backup).
//
// Other formats are a Reader each, in the table of formats.go.
//
// A Reader is used by one goroutine. The functions may be called from any goroutine.
//
// It refuses to take HTML from a file: what a comment looks like is made anew of its text, by
// package markup.
package archive
