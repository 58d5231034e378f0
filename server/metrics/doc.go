// Package metrics counts what the server does and hands it to Prometheus. It
// implements the observers of engineio and socketio and owns the registry that
// the other parts of the application add to.
//
// It stands beside the road: nothing waits for it, and its methods may be
// called by any number of goroutines at once. It refuses labels that clients
// can choose freely: event names are never labels, and namespaces beyond the
// first hundred share one, as do codes of Socket.End beyond the first fifty.
package metrics
