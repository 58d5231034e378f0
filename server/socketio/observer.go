package socketio

import "time"

// Observer hears what the metrics count. Its methods are called from any
// goroutine, must return quickly and must not call back. Embed NopObserver to
// stay compatible when methods are added.
type Observer interface {
	SocketOpened(namespace string, recovered bool)
	SocketClosed(namespace string, r DisconnectReason)
	// ConnectRefused: why is one of ConnectRefusals.
	ConnectRefused(namespace, why string)
	// EventReceived counts an event of so many bytes, attachments included.
	EventReceived(namespace string, bytes int)
	// EventSent counts deliveries: n recipients of one packet on this node, and the
	// bytes that all of them together were sent.
	EventSent(namespace string, n, bytes int)
	// FannedOut is told of each broadcast once: how many recipients it had on this
	// node, and how long it took to hand it to all of them.
	FannedOut(namespace string, recipients int, took time.Duration)
	// RecoveryTried: a client asked for the session it had, and got it (RecoveryHit), or
	// why it did not.
	RecoveryTried(namespace string, outcome Miss)
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
func (NopObserver) EventReceived(string, int) {}

// EventSent does nothing.
func (NopObserver) EventSent(string, int, int) {}

// FannedOut does nothing.
func (NopObserver) FannedOut(string, int, time.Duration) {}

// RecoveryTried does nothing.
func (NopObserver) RecoveryTried(string, Miss) {}

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
