package limit

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// Name is a limit, for metrics, logs and clients. The set is closed.
type Name string

// The limits.
const (
	NodeConnections Name = "connections"
	IPConnections   Name = "ip-connections"
	IPHandshakes    Name = "ip-handshakes"
	UserConnections Name = "user-connections"
	UserHandshakes  Name = "user-handshakes"
	Events          Name = "events"
	Bytes           Name = "bytes"
	APIRequests     Name = "api-requests"
	APIOpen         Name = "api-open"
)

// Effect is what followed when a limit was hit. The set is closed.
type Effect string

// The effects.
const (
	Refused      Effect = "refused"      // the client was told to come later
	Paused       Effect = "paused"       // it was read more slowly
	Disconnected Effect = "disconnected" // it went on for too long
	Shut         Effect = "shut"         // a connection was closed before its first byte was read
)

// Observer hears of limits that are hit, from any goroutine, and must return at once.
type Observer interface {
	LimitHit(limit, effect string)
}

type noObserver struct{}

func (noObserver) LimitHit(string, string) {}

// Rate is so many a second, and so many at once after a pause. The zero value is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Off reports whether the rate is no limit.
func (r Rate) Off() bool { return r.PerSecond <= 0 }

func (r Rate) bucket() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(r.PerSecond), max(r.Burst, 1))
}

// until returns how long it takes until there is one token in a bucket.
func until(l *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - l.TokensAt(now)
	return max(time.Duration(missing/float64(l.Limit())*float64(time.Second)), time.Millisecond)
}

// Exceeded says that somebody is over a limit.
type Exceeded struct {
	Limit Name
	// RetryAfter is when there is room again; a guess where that depends on others.
	RetryAfter time.Duration
}

// Error is what the client is told.
func (e *Exceeded) Error() string {
	switch e.Limit {
	case NodeConnections:
		return "the server has as many connections as it may have: try again later"
	case IPConnections:
		return "too many connections from your address: close some, or try again later"
	case UserConnections:
		return "too many connections of this user: close some, or try again later"
	case IPHandshakes:
		return fmt.Sprintf("too many new connections from your address: try again in %v", ceil(e.RetryAfter))
	case UserHandshakes:
		return fmt.Sprintf("too many new connections of this user: try again in %v", ceil(e.RetryAfter))
	case APIRequests:
		return fmt.Sprintf("too many requests: try again in %v", ceil(e.RetryAfter))
	case APIOpen:
		return "too many requests at once: wait for the answers of some, or try again later"
	case Events:
		return fmt.Sprintf("too many events: try again in %v", e.RetryAfter.Round(time.Millisecond))
	case Bytes:
	}
	return "too much at once: try again later"
}

func ceil(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}
