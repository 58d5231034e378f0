// Package redisclient is what everything that speaks to Redis shares: opening a
// client from a URL, publishing in order, subscribing without dropping.
//
// It stands below the adapters of Redis and beside the road. Its functions may be
// called from any goroutine. It refuses to know namespaces and packets, and to
// send a command a second time that may have arrived.
package redisclient
