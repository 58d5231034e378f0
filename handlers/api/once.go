package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"github.com/sockeye-io/sockeye/server/once"
	"github.com/sockeye-io/sockeye/server/problem"
)

// claimed are the keys of one batch.
type claimed struct {
	a        *API
	ctx      context.Context //nolint:containedctx // lives as long as a request
	claims   []once.Claim
	at       []int // which event of the batch each claim is of
	outcomes []once.Outcome
	seen     map[int]bool // events that were emitted before
}

// retryLater is when what failed may be tried again.
const retryLater = time.Second

// claim claims the keys of a batch.
func (a *API) claim(c *call, all []emission, single bool) (*claimed, error) {
	cl := &claimed{a: a, ctx: c.ctx}
	for i := range all {
		if all[i].key == "" {
			continue
		}
		of := sha256.Sum256([]byte(strconv.Itoa(len(c.who.ID)) + ":" + c.who.ID + all[i].key))
		cl.claims = append(cl.claims, once.Claim{Key: hex.EncodeToString(of[:]), Sum: hex.EncodeToString(all[i].sum[:])})
		cl.at = append(cl.at, i)
	}
	if len(cl.claims) == 0 {
		return cl, nil
	}
	var err error
	if cl.outcomes, err = a.opts.Once.Claim(c.ctx, cl.claims); err != nil {
		return nil, &problem.Problem{
			Status: http.StatusServiceUnavailable, Code: problem.CodeUnavailable, RetryAfter: retryLater, Err: err,
			Message: "whether this key came before cannot be found out at the moment; nothing was done: try again",
		}
	}
	cl.seen = make(map[int]bool)
	for j, outcome := range cl.outcomes {
		switch outcome {
		case once.Fresh:
		case once.Repeated:
			cl.seen[cl.at[j]] = true
		case once.Reused:
			cl.giveBack(-1)
			field := "/key"
			if !single {
				field = "/" + strconv.Itoa(cl.at[j]) + "/key"
			}
			return nil, &problem.Problem{
				Status: http.StatusConflict, Code: CodeKeyReused, Field: field,
				Message: "something else was sent with this key in the last 10 minutes; nothing was done",
			}
		}
	}
	return cl, nil
}

// CodeKeyReused is of a key that came with two different events.
const CodeKeyReused = "key_reused"

func (cl *claimed) repeated(i int) bool { return cl.seen[i] }

// giveBack forgets the keys of events from the i-th on, which were not emitted.
func (cl *claimed) giveBack(i int) {
	var back []once.Claim
	for j, outcome := range cl.outcomes {
		if outcome == once.Fresh && cl.at[j] >= i {
			back = append(back, cl.claims[j])
		}
	}
	if len(back) > 0 {
		cl.a.opts.Once.GiveBack(context.WithoutCancel(cl.ctx), back)
	}
}
