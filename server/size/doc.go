// Package size is how configurations write numbers of bytes.
//
// It stands beside the road. Everything in it may be used from any goroutine. It refuses
// to guess: a number without a unit is bytes.
package size
