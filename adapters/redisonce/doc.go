// Package redisonce remembers in Redis, for all nodes, which events of the HTTP API were
// emitted, so that one that is sent again is not emitted again (api.Once).
//
//	{<prefix>}:once:<key>   text: what stands for the event, a colon, and what
//	                        stands for the request; expires after some minutes
//
// It stands beside the road, and its methods may be called from any goroutine. It refuses
// to guess: while Redis is away nobody knows what was emitted, and events with a key are
// refused.
package redisonce
