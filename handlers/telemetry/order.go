package telemetry

// order is a list of what has changed, the latest first, so that whoever has been told up
// to some tick finds what came later without a list of its own. It is guarded by the
// board's mutex. The zero value is empty.
type order[T any] struct{ first *mark[T] }

// mark is the place of a thing in an order. The zero value is in none.
type mark[T any] struct {
	of         T
	tick       uint64 // in which it changed last; 0 is never
	prev, next *mark[T]
}

// touch puts a thing first.
func (o *order[T]) touch(m *mark[T], of T, tick uint64) {
	if o.first != m {
		o.remove(m)
		m.next = o.first
		if o.first != nil {
			o.first.prev = m
		}
		o.first = m
	}
	m.of, m.tick = of, tick
}

// remove takes a thing out, if it is in.
func (o *order[T]) remove(m *mark[T]) {
	switch {
	case m.prev != nil:
		m.prev.next = m.next
	case o.first == m:
		o.first = m.next
	default:
		return // it is in no order
	}
	if m.next != nil {
		m.next.prev = m.prev
	}
	m.prev, m.next, m.tick = nil, nil, 0
}

// after calls f with each thing that has changed after a tick, the latest first.
func (o *order[T]) after(tick uint64, f func(of T)) {
	for m := o.first; m != nil && m.tick > tick; m = m.next {
		f(m.of)
	}
}

// latest is the tick of the last change; 0 is none.
func (o *order[T]) latest() uint64 {
	if o.first == nil {
		return 0
	}
	return o.first.tick
}
