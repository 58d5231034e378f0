package engineio

import "time"

// epoch is what times are counted from that are kept as a number of nanoseconds. The wall
// clock may be set meanwhile; this one goes on.
var epoch = time.Now()

func sinceEpoch(t time.Time) int64 { return int64(t.Sub(epoch)) }
