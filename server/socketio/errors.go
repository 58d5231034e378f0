package socketio

import (
	"context"
	"errors"
	"fmt"
)

// Errors a caller can act on.
var (
	// ErrReserved is returned for an event name that the protocol keeps for itself.
	ErrReserved = errors.New("socketio: reserved event name")
	// ErrAcked is returned by a second Ack of one event.
	ErrAcked = errors.New("socketio: event already acknowledged")
	// ErrNoAck is returned by Ack when the client asked for no acknowledgement.
	ErrNoAck = errors.New("socketio: the client asked for no acknowledgement")
	// ErrDisconnected is returned when the socket is gone or going.
	ErrDisconnected = errors.New("socketio: socket disconnected")
	// ErrTooManyAnswers is the cause where every client answered, and more was said than
	// EmitWithAckWithin keeps.
	ErrTooManyAnswers = errors.New("socketio: there are more answers than are kept")
	// ErrCannotAnswer is returned by EmitWithAck to the reader of an event stream, and
	// nothing is sent. A broadcast reaches it and expects no answer.
	ErrCannotAnswer = errors.New("socketio: the client reads an event stream and cannot answer")
	// ErrTooEarly is returned by Emit when middleware emits too much to a socket
	// that is not connected yet.
	ErrTooEarly = errors.New("socketio: too many events before the socket is connected")
	// ErrTimeout is returned when an acknowledgement did not come in time. It
	// matches context.DeadlineExceeded.
	ErrTimeout error = timeoutError{}
	// ErrNoRecovery is returned by EnableRecovery when the adapter cannot recover.
	ErrNoRecovery = errors.New("socketio: the adapter keeps no packets; use adapters/memory or adapters/redisstreams")
	// ErrServerClosed is returned after Server.Close.
	ErrServerClosed = errors.New("socketio: server closed")
	// ErrThisNodeOnly is returned by a verb that was done for the clients of this
	// node, but may not have reached the other nodes.
	ErrThisNodeOnly = errors.New("socketio: other nodes were not reached")
	// ErrUnsupported is returned by verbs that a parent namespace cannot have.
	ErrUnsupported = errors.New("socketio: not supported on a parent namespace")
)

type timeoutError struct{}

func (timeoutError) Error() string { return "socketio: operation has timed out" }
func (timeoutError) Timeout() bool { return true }
func (timeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded
}

// ConnectError refuses a connection with data. Returned by middleware, it
// reaches the client as CONNECT_ERROR {message, data}; any other error gives a
// message only. Protocol 3 clients get Data, or Message where there is none.
type ConnectError struct {
	Message string
	Data    any
}

// Error returns the message.
func (e *ConnectError) Error() string { return e.Message }

// AckError is returned by Broadcast.EmitWithAck when not every client answered.
// It wraps the cause (ErrTimeout, ErrDisconnected, ErrTooManyAnswers or the context's error).
type AckError struct {
	// Missing is the number of clients that did not answer; -1 when the number
	// of clients is not known because a node did not answer.
	Missing int
	// Responses are the answers that did come, and Dropped how many came besides these that
	// EmitWithAckWithin did not keep.
	Responses []Args
	Dropped   int
	// Err is the cause.
	Err error
}

// Error names the cause and the number of missing answers.
func (e *AckError) Error() string {
	return fmt.Sprintf("%v: %d answers missing", e.Err, e.Missing)
}

// Unwrap returns the cause.
func (e *AckError) Unwrap() error { return e.Err }
