// Package workers keeps goroutines that have worked for the work that comes next.
//
// A new goroutine begins with a stack of 2 KiB. Work that calls deep makes it grow, once
// or twice, each time with a copy of all that is on it: that was measured at a sixth of the
// cost of an echo. A goroutine that is kept has grown already.
//
// It knows nothing of what is worked on.
package workers
