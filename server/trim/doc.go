// Package trim gives memory back to the system when a program has become quiet.
//
// Go collects garbage when the heap has grown to twice what was live, so after a storm of
// connects, or after many clients have gone, up to half of the heap is garbage that only
// more work would have collected; and freed pages go back little by little, when the
// collector has run. On a server with many idle clients that is more than the clients
// themselves take. A Trimmer runs one collection then, and gives everything free back.
//
// It stands beside the road. It never works under load, at most every few seconds, and
// for at most a hundredth of the time: see Trimmer. GOMEMLIMIT holds as ever; with
// GOGC=off, which is to say that nothing is to be collected before that limit, it does
// nothing.
//
// A Trimmer belongs to the goroutine that runs it.
package trim
