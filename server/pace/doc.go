// Package pace spreads a number of things evenly over a time, such as the clients that a
// stopping node sends to others, so that these are not overrun.
//
// It stands beside the road. Its functions hold no lock and start no goroutine. It refuses
// to know what it spreads.
package pace
