// Package load is a load generator that speaks Engine.IO protocol 4 and
// Socket.IO protocol 5 raw, against any server that implements the relay
// contract (join, say, echo). It counts every delivery that is due, checks
// bytes and order, and reads the server's CPU time and memory from the
// operating system.
//
// Its place on the road: outside of it. It imports nothing of the servers that
// it measures, so that no bug of theirs can hide behind a shared codec.
//
// # How it stays cheap
//
// One goroutine (the loop) owns every connected client. On Linux it waits in one
// epoll set and reads each ready connection once into one shared buffer, however
// many frames that holds; elsewhere a goroutine per connection feeds the same
// code under one lock. What a batch of frames makes clients send goes out in one
// write per connection. A message carries a fixed-width number, so receiving one
// costs a comparison of bytes, an index into a ring and no allocation. What a server
// deflates once for a whole room is inflated once. Clients of https are read as
// where there is no epoll.
//
// # Wire formats
//
// Packets are in format.go (JSON, with and without attachment) and msgpack.go, frames
// in frame.go, permessage-deflate in deflate.go, polling in polling.go and http.go.
//
// # Concurrency
//
// [Run] may be called from several goroutines, but two runs at once on one
// machine measure each other. Dialling happens on up to [Work.Dials] goroutines;
// soon after a client is open everything is on the caller's goroutine, but for the clients
// of a churn. Run returns only after all of its goroutines and connections have ended.
//
// # What it refuses
//
// Hosts that are not loopback addresses, unless Target.Remote allows them, and work
// without bounds: every run stops by itself, also when the server does not answer.
package load
