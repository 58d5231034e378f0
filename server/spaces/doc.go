// Package spaces is how configurations name namespaces: a key is a name ("/", "/news"), a
// name with "*" for one or more characters other than a slash ("/game-*"), or a regular
// expression between "^" and "$" ("^/team-[0-9]+$"). Of several keys that fit a namespace
// one counts: a plain name before a "*" before an expression, then the longer key, then
// the alphabetically first.
//
// It stands beside the road: handlers read their configurations with it. Everything in it
// may be used from any goroutine. It refuses to know what a key is for.
package spaces
