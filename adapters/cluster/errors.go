package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// TimeoutError says that other nodes did not answer in time. It matches
// socketio.ErrTimeout and context.DeadlineExceeded.
type TimeoutError struct {
	Question string   // "fetchSockets", "serverSideEmit" or "broadcast"
	Answered int      // other nodes that answered
	Asked    int      // other nodes that were asked, without those that are gone
	Missing  []string // ids of those that did not answer, as far as they are known
}

// Error names who is missing.
func (e *TimeoutError) Error() string {
	s := fmt.Sprintf("cluster: %s timed out: %d of %d other nodes answered", e.Question, e.Answered, e.Asked)
	if len(e.Missing) > 0 {
		s += "; missing: " + strings.Join(e.Missing, ", ")
	}
	return s
}

// Timeout says that it is one, see net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// Is matches the errors of time-outs.
func (e *TimeoutError) Is(target error) bool {
	return target == socketio.ErrTimeout || target == context.DeadlineExceeded
}
