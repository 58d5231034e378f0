package load

// tally checks one stream of numbered messages at one receiver: numbers from one
// publisher start at first and grow by stride, and each is due exactly once, in
// that order. The stream without faults costs one comparison per message.
type tally struct {
	next   uint64
	stride uint64

	missing map[uint64]struct{} // skipped so far; nil until the first gap

	got, reordered, duplicated int64
}

func newTally(first, stride uint64) tally { return tally{next: first, stride: stride} }

// arrived records number n, which the caller knows to have been sent and to
// belong to this stream. It reports whether n counts as a delivery.
func (t *tally) arrived(n uint64) bool {
	if n == t.next {
		t.next += t.stride
		t.got++
		return true
	}
	return t.arrivedOutOfTurn(n)
}

func (t *tally) arrivedOutOfTurn(n uint64) bool {
	if n > t.next {
		if t.missing == nil {
			t.missing = make(map[uint64]struct{})
		}
		for ; t.next < n; t.next += t.stride {
			t.missing[t.next] = struct{}{}
		}
		t.next += t.stride
		t.got++
		return true
	}
	if _, late := t.missing[n]; late {
		delete(t.missing, n)
		t.reordered++
		t.got++
		return true
	}
	t.duplicated++
	return false
}
