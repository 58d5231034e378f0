// Package processor knows what the program takes of the machine's processors, and has Go
// use as few of them as the load needs.
//
// Go runs goroutines on GOMAXPROCS threads, by default one for each processor. Where the
// load needs fewer, those threads still take turns at it: each goroutine that becomes ready
// wakes one that sleeps, which finds the work, and sleeps again. For a server of many small
// messages that is a third of its processor time, and more: compare make bench with
// GOMAXPROCS=2 make bench.
// A Keeper therefore begins with one, and adds others as soon as they are needed.
//
// What it sets holds for the whole process, so it is for a program and not for a library.
package processor
