package load

import "testing"

func TestTally(t *testing.T) {
	for name, c := range map[string]struct {
		arrive                     []uint64
		got, reordered, duplicated int64
	}{
		"in order":         {[]uint64{1, 4, 7}, 3, 0, 0},
		"gap":              {[]uint64{1, 7, 10}, 3, 0, 0},
		"late":             {[]uint64{1, 7, 4, 10}, 4, 1, 0},
		"twice":            {[]uint64{1, 4, 4}, 2, 0, 1},
		"late twice":       {[]uint64{7, 4, 4, 1}, 3, 2, 1},
		"first one missed": {[]uint64{4}, 1, 0, 0},
	} {
		tl := newTally(1, 3)
		for _, n := range c.arrive {
			tl.arrived(n)
		}
		if tl.got != c.got || tl.reordered != c.reordered || tl.duplicated != c.duplicated {
			t.Errorf("%s: got %d, reordered %d, duplicated %d; want %d, %d, %d",
				name, tl.got, tl.reordered, tl.duplicated, c.got, c.reordered, c.duplicated)
		}
	}
}

func TestStampRoundTrip(t *testing.T) {
	for _, size := range []int{minPayload, 64, 1000} {
		s := newStamper(size)
		p := s.append(nil, 1<<40+5, 29_999)
		if len(p) != size {
			t.Errorf("payload of %d bytes, want %d", len(p), size)
		}
		n, who, ok := s.read(p)
		if n != 1<<40+5 || who != 29_999 || !ok {
			t.Errorf("read %d, %d, %v", n, who, ok)
		}
		for i := range p {
			changed := append([]byte(nil), p...)
			changed[i] = '!'
			if _, _, ok := s.read(changed); ok {
				t.Errorf("size %d: a change of byte %d went unseen", size, i)
			}
		}
		if _, _, ok := s.read(p[1:]); ok {
			t.Error("a payload cut short was read")
		}
	}
}

func TestReceivingAllocatesNothing(t *testing.T) {
	r := &run{work: Work{Publishers: 1, Window: 1, Payload: 64}, clients: []*client{{}}, res: &Result{}}
	f := newFanout(r)
	c := r.clients[0]
	packets := make([][]byte, 0, 2000)
	for n := range uint64(cap(packets)) {
		p := append(append([]byte(nil), msgHead...), f.stamp.append(nil, n, 0)...)
		packets = append(packets, append(p, eventTail...))
	}
	f.sent = uint64(len(packets))
	i := 0
	if n := testing.AllocsPerRun(len(packets)-1, func() { f.packet(c, packets[i]); i++ }); n != 0 {
		t.Errorf("%v allocations for a delivery", n)
	}
	if f.delivered != int64(len(packets)) {
		t.Errorf("delivered %d of %d", f.delivered, len(packets))
	}
}
