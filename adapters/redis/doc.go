// Package redis is the adapter of several nodes over classic Redis Pub/Sub. It speaks
// the language of the npm packages @socket.io/redis-adapter 8.3 and
// @socket.io/redis-emitter 5.1, so that Sockeye and Node.js nodes can be one cluster.
// The channels and messages are in adapters/doc.go.
//
// On the road it stands between a namespace and the other nodes, as a driver of the
// cluster package. A Hub has one connection on which it hears everything for all
// namespaces, and one on which it publishes in order. A message to a room is looked at
// no further when nobody of this node is in the room; a packet is decoded once per
// node, its arguments stay as they came, and it is encoded once per variant.
//
// Everything may be called from any goroutine. A broadcast does not wait for Redis; one
// that is lost on its way is told in the log. While Redis is away, packets reach the
// clients of this node, and what was to reach others too returns
// socketio.ErrThisNodeOnly.
//
// Pub/Sub delivers at most once: while a node's connection is cut it misses what others
// publish. That is logged, counted, and told to Namespace.OnAdapter as AdapterGap when
// the connection is back. So the package refuses recovery: use redisstreams for that.
package redis
