// Command summary reads the output of `go test -json` and prints what a person
// and a build log need: a line for each package, all output of what failed,
// the skips, and the totals. It fails when a test failed, and when one skipped
// that no list allows.
//
// It stands beside the road, in the tests only.
package main
