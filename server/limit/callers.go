package limit

import "time"

// Callers bounds how often each of many may ask something of the server, and how much of
// it at once. Who it is, is known already.
type Callers struct {
	table    *table[string]
	observer Observer
}

// NewCallers returns Callers of a rate of requests and a number of them at once; zero is
// no limit. The observer may be nil.
func NewCallers(r Rate, open int, o Observer) *Callers {
	if o == nil {
		o = noObserver{}
	}
	return &Callers{table: newTable[string](r, open), observer: o}
}

// Enter counts a request of somebody, or returns an *Exceeded. It must be given back with
// Leave.
func (c *Callers) Enter(who string) error {
	if _, x := c.table.enter(who, time.Now(), APIRequests, APIOpen); x != nil {
		if x.Limit == APIOpen {
			x.RetryAfter = time.Second
		}
		c.observer.LimitHit(string(x.Limit), string(Refused))
		return x
	}
	return nil
}

// Leave says that a request is over.
func (c *Callers) Leave(who string) { c.table.leave(who) }
