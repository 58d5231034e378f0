package carry

import (
	"errors"
	"sync"
	"time"
)

// Role is which side of a carried request this node is.
type Role string

// The roles.
const (
	Sent     Role = "sent"     // to the owner of the session
	Received Role = "received" // as the owner
)

// Kind says what a carried request is.
type Kind string

// The kinds.
const (
	Poll      Kind = "poll"
	Post      Kind = "post"
	WebSocket Kind = "websocket"
)

// Reason says why a request was not carried, or not accepted. The set is closed; it
// is a label of the metrics and a field of the log.
type Reason string

// The reasons.
const (
	ReasonUnreachable Reason = "unreachable" // no connection to the owner
	ReasonSilent      Reason = "silent"      // it neither answered nor said that it is there
	ReasonBroken      Reason = "broken"      // the connection ended before the answer did
	ReasonStranger    Reason = "stranger"    // something else answered at the owner's address
	ReasonRefused     Reason = "refused"     // the owner did not accept the request
	ReasonNoSecret    Reason = "no secret"   // this node does not know the cluster's secret yet
	ReasonStopping    Reason = "stopping"    // this node is closing

	ReasonMalformed Reason = "malformed" // received: see credentials.go
	ReasonVersion   Reason = "version"
	ReasonSignature Reason = "signature"
	ReasonClock     Reason = "clock"
)

// Reasons lists why requests are not carried, or not accepted.
func Reasons() map[Role][]Reason {
	return map[Role][]Reason{
		Sent: {
			ReasonUnreachable, ReasonSilent, ReasonBroken, ReasonStranger, ReasonRefused, ReasonNoSecret, ReasonStopping,
		},
		Received: {ReasonMalformed, ReasonVersion, ReasonSignature, ReasonClock},
	}
}

// Observer hears what the metrics count. Its methods are called from any goroutine
// and must return quickly.
type Observer interface {
	// Carried counts a request.
	Carried(role Role, kind Kind)
	// CarryFailed counts one that could not be carried, or was not accepted.
	CarryFailed(role Role, why Reason)
	// CarriedWebSockets says that so many more, or fewer, are open.
	CarriedWebSockets(role Role, more int)
}

type noObserver struct{}

func (noObserver) Carried(Role, Kind)          {}
func (noObserver) CarryFailed(Role, Reason)    {}
func (noObserver) CarriedWebSockets(Role, int) {}

// failure is why a request could not be carried.
type failure struct {
	reason Reason
	err    error
}

func (f *failure) Error() string { return string(f.reason) + ": " + f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// The failures that need no more words.
var (
	errSilent   = &failure{ReasonSilent, errors.New("the owner of the session does not answer")}
	errStopping = &failure{ReasonStopping, errors.New("this node is stopping")}
	errNoSecret = &failure{ReasonNoSecret, errors.New("the cluster's secret is not known yet: Redis was not reached since this node started")}
)

// errAborted is no failure: the client went away.
var errAborted = errors.New("the client went away")

// reasonOf names why a carried request was not accepted.
func reasonOf(err error) Reason {
	switch {
	case errors.Is(err, errVersion):
		return ReasonVersion
	case errors.Is(err, errSignature):
		return ReasonSignature
	case errors.Is(err, errTooOld):
		return ReasonClock
	}
	return ReasonMalformed
}

// logPause is how long the same line about the same node is not logged again.
const logPause = 10 * time.Second

// sayOnce tells which lines were logged a moment ago.
type sayOnce struct {
	mu   sync.Mutex
	said map[string]time.Time
}

// may reports whether a line may be logged, and notes that it is.
func (s *sayOnce) may(line string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.said[line]) < logPause {
		return false
	}
	if s.said == nil || len(s.said) >= 1000 {
		s.said = make(map[string]time.Time)
	}
	s.said[line] = now
	return true
}
