// Package nodes says what a node of a cluster is, and what those who need to know
// about the others may ask: who they are, where each is reached, and who came or
// went. It is a leaf: what finds nodes is elsewhere (adapters/redisnodes); Static
// is a list that is given.
//
// It stands beside the road. A Registry may be asked from any goroutine. The
// package refuses to know a broker, sessions or sockets.
package nodes
