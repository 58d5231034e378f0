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

// duration returns the hold for a GET from addr, jittered down by up to a tenth.
func (h *holds) duration(addr string) time.Duration {
	d := h.fixed
	if d == 0 {
		d = h.learned(addr)
	}
	return d - rand.N(d/10+1) //nolint:gosec // jitter needs no secrecy
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
