// Package redisauth keeps API keys and blocks in Redis, for several nodes.
//
// It stands beside the road: a Store is the backend of an auth.Ledger. With the prefix
// socket.io there are two hashes, {socket.io}:auth:keys and {socket.io}:auth:blocks,
// whose fields are ids and whose values are JSON:
//
//	3f9c1a7be2d04856 → {"hash":"…","name":"sensor","scopes":["publish"],"rooms":["site:*"],"created":"…"}
//	alice            → {"until":"…","reason":"spam","since":"…"}
//
// Who changes one publishes on the channel socket.io:auth, and everybody reads both
// again; also when the connection was lost, and every ten seconds, so that nothing is
// missed for long. Its methods may be called from any goroutine.
//
// It refuses to keep API keys, of which it has hashes only. Who may write to this Redis
// may add keys, and is trusted.
package redisauth
