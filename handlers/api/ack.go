package api

import (
	"errors"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// How long answers are waited for.
const (
	defaultAckWait = 5 * time.Second
	maxAckWait     = 30 * time.Second
)

// Bounds of the answers that are told: clients decide how much they say.
const (
	maxAnswers     = 10_000
	maxAnswerBytes = 4 << 20 // of memory, which is about what they say
)

// asked is an event whose receivers answer.
type asked struct {
	message
	Timeout int64 `json:"timeout"` // milliseconds
}

// answers are what came in time.
type answers struct {
	// Answers are the arguments of each client's acknowledgement, in the order in which
	// they came; binary ones are base64.
	Answers []socketio.Args `json:"answers"`
	// Missing is how many clients did not answer; nil where that is not known, because a
	// node did not say how many it has.
	Missing *int `json:"missing"`
	// Dropped is how many clients answered whose answers were too many, or too large.
	Dropped int `json:"dropped,omitempty"`
}

// emitWithAck emits an event and collects the acknowledgements.
func (a *API) emitWithAck(c *call) (any, error) {
	var m asked
	if err := decode(c.body, "", &m); err != nil {
		return nil, err
	}
	wait := time.Duration(m.Timeout) * time.Millisecond
	if m.Timeout == 0 {
		wait = defaultAckWait
	}
	switch {
	case m.Timeout < 0 || m.Timeout > maxAckWait.Milliseconds():
		return nil, wrong("/timeout", "it is no number of milliseconds from 1 to %d", maxAckWait.Milliseconds())
	case m.Volatile:
		return nil, wrong("/volatile", "who was not ready for the event could not answer it: leave it out")
	}
	s := make(spaces)
	defer s.release()
	var e emission
	if err := a.prepareMessage(&e, &m.message, "", c.who, s); err != nil {
		return nil, err
	}
	got, err := e.to.Timeout(wait).EmitWithAckWithin(c.ctx, maxAnswers, maxAnswerBytes, e.event, e.arguments()...)
	none := 0
	out := answers{Answers: got, Missing: &none}
	var late *socketio.AckError
	switch {
	case errors.As(err, &late):
		out.Answers, out.Missing, out.Dropped = late.Responses, &late.Missing, late.Dropped
		if late.Missing < 0 {
			out.Missing = nil
		}
	case errors.Is(err, socketio.ErrThisNodeOnly):
		out.Missing = nil
	case err != nil:
		return nil, err
	}
	if out.Answers == nil {
		out.Answers = []socketio.Args{}
	}
	return out, nil
}
