// Package redislimit counts rates that several nodes share, in Redis.
//
// It implements limit.Shared, and stands beside the road: a handshake asks it after the
// limits of its own node. A Limiter may be used from any goroutine.
//
// It refuses to decide what happens while Redis is away, and to wait longer than its
// context: that is for server/limit.
package redislimit
