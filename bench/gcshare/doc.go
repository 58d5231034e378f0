// Command gcshare says how much of the server's CPU time goes into collecting garbage while
// it fans messages out as fast as it can: a room of 500, 32 messages in flight.
//
//	go run ./bench/gcshare -sockeye bin/sockeye
//
// It reads the runtime's own account (runtime/metrics, /cpu/classes) from the metrics of the
// program. Exit code 2 means that it is more than a tenth, or that a message was lost.
package main
