// Command run measures Sockeye beside other servers of the relay contract and
// prints a Markdown table of medians and ratios.
//
// Each run starts a fresh server as a child process on a free port, puts one
// kind of work on it with the package load, and stops it. The servers take turns
// within every repetition, so that what changes on the machine meanwhile meets
// all of them. Progress goes to stderr, the table to stdout.
//
// Servers run one at a time; nothing here is safe for use by several goroutines.
// The program starts no server that is not in its list, reaches nothing but
// loopback (npm and Go modules for the peers apart), and ends every child that
// it started, also when it is interrupted.
package main
