//go:build !unix

package server

// openFileLimit returns how many files the process may have open: nothing bounds them
// here.
func openFileLimit() (limit uint64, known bool) { return 0, false }
