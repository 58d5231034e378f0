package telemetry

import "time"

// point is a reading that is kept: a number in a, or a position in a and b.
type point struct {
	at   int64 // milliseconds since 1970
	a, b float64
}

// firstPoints is how many points a history begins with, and by which factor it grows.
const (
	firstPoints = 16
	growth      = 2
)

// history is the last readings of one key, oldest first, in a ring that grows up to the
// number to keep, while there is room for it in the total. It is guarded by the board's
// mutex.
type history struct {
	ring  []point
	start int // of the oldest
	n     int
}

// add keeps a point, which is not older than the last. grow says whether there is room
// for so many more points, and takes it.
func (h *history) add(p point, most int, grow func(more int) bool) {
	if h.n > 0 && h.at(h.n-1).at == p.at {
		h.ring[(h.start+h.n-1)%len(h.ring)] = p // said again
		return
	}
	if h.n == len(h.ring) && h.n < most {
		more := min(max(firstPoints, h.n*(growth-1)), most-h.n)
		if grow(more) {
			bigger := make([]point, len(h.ring)+more)
			for i := range h.n {
				bigger[i] = h.at(i)
			}
			h.ring, h.start = bigger, 0
		}
	}
	if len(h.ring) == 0 {
		return // no room for a single one
	}
	if h.n == len(h.ring) {
		h.start = (h.start + 1) % len(h.ring)
		h.n--
	}
	h.ring[(h.start+h.n)%len(h.ring)] = p
	h.n++
}

func (h *history) at(i int) point { return h.ring[(h.start+i)%len(h.ring)] }

// after returns the points later than a time and not older than an age, oldest first.
func (h *history) after(since int64, age time.Duration, now time.Time) []point {
	since = max(since, now.Add(-age).UnixMilli())
	var out []point
	for i := range h.n {
		if p := h.at(i); p.at > since {
			out = append(out, p)
		}
	}
	return out
}
