// Command floor is the least that a server of the relay contract can cost: it
// shares one frame per message among the members of a room, coalesces what a
// connection has waiting into one write, and does nothing else.
//
// It has no timers, limits, validation, acknowledgement bookkeeping, namespaces,
// polling or slow-reader policy, and it believes every byte that it is sent. It
// is a measure for the bench, never a server for anybody.
package main
