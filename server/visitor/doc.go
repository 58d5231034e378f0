// Package visitor is who somebody is whom nobody knows: the owner of a random secret that
// a page made up and keeps. The chat and the notifications derive the same id from it, so
// that a visitor is one user in both.
//
// It is a leaf beside the road: a function without state, for any goroutine. It refuses to
// know anybody by anything else; where the server knows who a client is, that counts.
package visitor
