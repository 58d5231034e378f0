// Command run measures Sockeye beside other servers of the relay contract, and writes a
// page of goals, medians and ratios, with pictures, from results that are kept.
//
// Each run starts a fresh server as a child process on a free port, puts one
// kind of work on it with the package load, and stops it. The servers take turns
// within every repetition, so that what changes on the machine meanwhile meets
// all of them. Progress goes to stderr, the page to stdout or a folder.
//
// A profile is a function that makes a plan, named in profiles (plan.go), in a file of its
// own: servers, rows, repetitions and, if it wants, goals of rows, a page and a function that
// makes pictures of the report. Everything else is the same for all of them: -out
// writes the page with the pictures and the results beside it, and -from makes both again
// from the results without measuring. A row is work for the package load and the measure it
// compares; what a server must be able to do for it is worked out in features.go. A server
// that fails or loses is told in the tables, and the run goes on.
//
// Servers run one at a time; nothing here is safe for use by several goroutines.
// The program starts no server that is not in its list, reaches nothing but
// loopback (npm and Go modules for the peers apart), and ends every child that
// it started, also when it is interrupted.
package main
