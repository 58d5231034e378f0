// Package authfile keeps API keys and blocks in a file of JSON, for a node alone.
//
// It stands beside the road. Programs change the file one at a time, by a lock on the
// file "<name>.lock", and each change puts a whole new file in place of the old one, so
// that who reads never sees half of one. Its methods may be called from any goroutine.
// It refuses to guess what a damaged file meant.
package authfile
