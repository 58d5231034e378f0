package engineio

import (
	"math/rand/v2"
	"time"
)

// minHold is the shortest hold that an address is given.
const minHold = 5 * time.Second

// holds decides how long a GET is held. For an address of which it has learned
// that waiting GETs are cut, holds end shortly before the cut.
type holds struct {
	fixed, usual time.Duration
	cuts         *cuts
}

func newHolds(p PollHold) *holds {
	return &holds{fixed: p.Fixed, usual: DefaultPollHold, cuts: newCuts(DefaultPollHold)}
}

// pingWait is how much longer a GET may be held for a ping that is about to go out.
const pingWait = time.Second

// duration returns the hold for a GET from addr, jittered down by up to a tenth, and
// the hold with what may be added to wait for a ping: nothing that a proxy would cut.
// shortened tells that it is less than usual, because addr cuts.
func (h *holds) duration(addr string) (hold, longest time.Duration, shortened bool) {
	hold = h.fixed
	if hold == 0 {
		hold = h.learned(addr)
	}
	longest = hold + pingWait
	if shortened = h.fixed == 0 && hold < h.usual; shortened {
		longest = hold
	}
	return hold - rand.N(hold/10+1), longest, shortened //nolint:gosec // jitter needs no secrecy
}

func (h *holds) learned(addr string) time.Duration {
	cut := h.cuts.known(addr)
	if cut == 0 {
		return h.usual
	}
	return min(h.usual, max(minHold, cut-tolerance(cut)))
}

// cut records that a waiting GET from addr was closed by the other side after
// age.
func (h *holds) cut(addr string, age time.Duration) {
	if h.fixed == 0 {
		h.cuts.cut(addr, age)
	}
}

// survived records that a GET from addr was held for age and still answered: no
// proxy there cuts earlier.
func (h *holds) survived(addr string, age time.Duration) {
	if h.fixed == 0 {
		h.cuts.survived(addr, age)
	}
}
