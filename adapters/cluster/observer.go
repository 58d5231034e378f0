package cluster

import "time"

// Way is how messages reach other nodes.
type Way string

// The ways.
const (
	PubSub Way = "pubsub"
	Log    Way = "log" // a Redis stream
)

// Ways lists them.
func Ways() []Way { return []Way{PubSub, Log} }

// Observer hears what the metrics count of the messages between nodes. Its methods are
// called from any goroutine and must return quickly.
type Observer interface {
	// Published: the backend took n messages of this node in one call, which took so
	// long.
	Published(way Way, n int, took time.Duration)
	// NotPublished: n messages of this node did not get there, or that is not known.
	NotPublished(way Way, n int)
	// Received: n messages came, those of this node included where the backend sends
	// them back.
	Received(way Way, n int)
	// NotUnderstood: one of them could not be read, and was left out.
	NotUnderstood(way Way)
}

// NopObserver hears nothing.
type NopObserver struct{}

var _ Observer = NopObserver{}

// Published does nothing.
func (NopObserver) Published(Way, int, time.Duration) {}

// NotPublished does nothing.
func (NopObserver) NotPublished(Way, int) {}

// Received does nothing.
func (NopObserver) Received(Way, int) {}

// NotUnderstood does nothing.
func (NopObserver) NotUnderstood(Way) {}

// Sent tells an Observer of one call to the backend, with which some messages went out
// and some did not.
func Sent(o Observer, way Way, sent, failed int, took time.Duration) {
	if sent > 0 {
		o.Published(way, sent, took)
	}
	if failed > 0 {
		o.NotPublished(way, failed)
	}
}
