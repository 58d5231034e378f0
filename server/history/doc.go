// Package history is what a configuration says of the rooms whose history is kept: which,
// and how much of it.
//
// It stands beside the road: package socketio asks it, in Options.History, about each room
// that is sent to. Everything in it may be used from any goroutine. It keeps nothing itself;
// that is what adapters do.
package history
