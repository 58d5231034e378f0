package engineio

import "errors"

// Reason says why a session ended, in the words of Node's server, because
// handlers and users already know them. The set is closed.
type Reason string

// The reasons of Engine.IO (Socket class of the npm package engine.io), and
// the one that Socket.IO adds when the server stops.
const (
	ReasonTransportClose Reason = "transport close"      // the client went away, or said so
	ReasonTransportError Reason = "transport error"      // the connection broke, or the client broke its rules
	ReasonPingTimeout    Reason = "ping timeout"         // no pong in time
	ReasonParseError     Reason = "parse error"          // bytes that are no packet
	ReasonForcedClose    Reason = "forced close"         // Session.Close
	ReasonForcedServer   Reason = "forced server close"  // closed by the layer above, all namespaces at once
	ReasonShutdown       Reason = "server shutting down" // Server.Close, Server.Release
)

// Detail narrows a Reason down to what happened here. The set is closed; it is
// a label of the metrics and a field of the log.
type Detail string

// The details.
const (
	DetailNone              Detail = ""
	DetailClosePacket       Detail = "close packet"         // the client sent Engine.IO close
	DetailCloseFrame        Detail = "close frame"          // the client sent a WebSocket close frame
	DetailConnectionLost    Detail = "connection lost"      // the TCP connection ended without a close frame
	DetailPollAborted       Detail = "poll aborted"         // the client or a proxy closed a waiting poll
	DetailBodyAborted       Detail = "body aborted"         // a POST ended before its body did
	DetailBodyTimeout       Detail = "body timeout"         // a POST body took too long
	DetailPollOverlap       Detail = "poll overlap"         // two GETs at once
	DetailPostOverlap       Detail = "post overlap"         // two POSTs at once
	DetailPayloadTooLarge   Detail = "payload too large"    // above MaxPayload
	DetailBadPacket         Detail = "bad packet"           // an Engine.IO packet or payload that is none
	DetailBadMessage        Detail = "bad message"          // the layer above refused a message
	DetailBadFrame          Detail = "bad frame"            // against RFC 6455
	DetailBadUTF8           Detail = "bad utf-8"            // text that is not UTF-8
	DetailBadContentType    Detail = "bad content type"     // a binary POST in protocol 4
	DetailHeartbeat         Detail = "heartbeat direction"  // a ping or pong from the wrong side
	DetailNoPong            Detail = "no pong"              // the ping timeout itself
	DetailHandlerStall      Detail = "handler stall"        // the handler blocked reading for longer than HandlerStall
	DetailSlowReader        Detail = "slow reader"          // above OutboxLimit and no byte taken for SlowReaderGrace
	DetailOutboxOverflow    Detail = "outbox overflow"      // above OutboxMax
	DetailOutboxTotal       Detail = "outbox total"         // the slowest reader when all outboxes were above OutboxTotal
	DetailRateLimited       Detail = "rate limited"         // the client went on sending more than it may
	DetailWriteFailed       Detail = "write failed"         // the connection refused bytes
	DetailShutdown          Detail = "shutdown"             // Server.Close
	DetailDrain             Detail = "drain"                // Server.Release, ReleaseSession
	DetailConnectTimeout    Detail = "connect timeout"      // no namespace joined in time
	DetailServerDisconnect  Detail = "server disconnect"    // the application closed the connection
	DetailUnexpectedPacket  Detail = "unexpected packet"    // a packet out of turn
	DetailAttachmentTimeout Detail = "attachment timeout"   // announced attachments never came
	DetailHandlerPanic      Detail = "handler panic"        // a handler panicked
	DetailLogGap            Detail = "log gap"              // packets of other nodes may have been missed
	DetailRefused           Detail = "refused by Open"      // the layer above took no session
	DetailDecompression     Detail = "decompression failed" // permessage-deflate data that is none
)

// CloseError says why a session ended. It is what Session.Err returns and
// Receiver.Closed is given; a Receiver may return one from Receive to end the
// session with a reason of its own.
type CloseError struct {
	Reason Reason
	Detail Detail
	Err    error // the cause, if there is one
}

// Error gives reason, detail and cause in one line.
func (e *CloseError) Error() string {
	s := string(e.Reason)
	if e.Detail != DetailNone {
		s += " (" + string(e.Detail) + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// notable reports whether the server cut off a client that was too slow for it, or too
// fast, or whose handlers were too slow: an operator should hear of that.
func (e *CloseError) notable() bool {
	switch e.Detail { //nolint:exhaustive // the others are the client's doing, or the application's
	case DetailSlowReader, DetailOutboxOverflow, DetailOutboxTotal, DetailRateLimited, DetailHandlerStall:
		return true
	}
	return false
}

// Unwrap returns the cause.
func (e *CloseError) Unwrap() error { return e.Err }

// Errors of Session.Send.
var (
	// ErrClosed is returned for a session that has ended or is ending.
	ErrClosed = errors.New("engineio: session closed")
	// ErrDropped is returned for a volatile message that was not queued.
	ErrDropped = errors.New("engineio: volatile message dropped")
)
