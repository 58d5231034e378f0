package socketio

// Observer hears what the metrics count. Its methods are called from any
// goroutine, must return quickly and must not call back. Embed NopObserver to
// stay compatible when methods are added.
type Observer interface {
	SocketOpened(namespace string, recovered bool)
	SocketClosed(namespace string, r DisconnectReason)
	// ConnectRefused: why is "unknown namespace", "middleware", "too many
	// namespaces", "panic" or "shutdown".
	ConnectRefused(namespace, why string)
	EventReceived(namespace string)
	// EventSent counts deliveries: n recipients of one packet on this node.
	EventSent(namespace string, n int)
	// EventUnhandled: no listener took the event.
	EventUnhandled(namespace, event string)
	// AckUnknown: an acknowledgement nobody asked for was ignored.
	AckUnknown(namespace string)
	HandlerPanicked(namespace string)
	// InboxFull: reading was paused because handlers are behind.
	InboxFull(namespace string)
	// AdapterEvent: the other nodes were lost, found again, or may have been missed.
	AdapterEvent(namespace string, e AdapterEvent)
}

// NopObserver hears nothing.
type NopObserver struct{}

var _ Observer = NopObserver{}

// SocketOpened does nothing.
func (NopObserver) SocketOpened(string, bool) {}

// SocketClosed does nothing.
func (NopObserver) SocketClosed(string, DisconnectReason) {}

// ConnectRefused does nothing.
func (NopObserver) ConnectRefused(string, string) {}

// EventReceived does nothing.
func (NopObserver) EventReceived(string) {}

// EventSent does nothing.
func (NopObserver) EventSent(string, int) {}

// EventUnhandled does nothing.
func (NopObserver) EventUnhandled(string, string) {}

// AckUnknown does nothing.
func (NopObserver) AckUnknown(string) {}

// HandlerPanicked does nothing.
func (NopObserver) HandlerPanicked(string) {}

// InboxFull does nothing.
func (NopObserver) InboxFull(string) {}

// AdapterEvent does nothing.
func (NopObserver) AdapterEvent(string, AdapterEvent) {}
