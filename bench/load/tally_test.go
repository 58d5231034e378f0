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
	for _, w := range []Work{{Payload: minPayload}, {Payload: 64}, {Payload: 1000}, {Payload: 200, Binary: true}, {Payload: 700, Deflate: true}} {
		s := newStamper(w)
		p := s.append(nil, 1<<40+5, 29_999)
		if len(p) != w.Payload {
			t.Errorf("payload of %d bytes, want %d", len(p), w.Payload)
		}
		n, who, ok := s.read(p)
		if n != 1<<40+5 || who != 29_999 || !ok {
			t.Errorf("read %d, %d, %v", n, who, ok)
		}
		for i := range p {
			changed := append([]byte(nil), p...)
			changed[i] ^= 0x80
			if _, _, ok := s.read(changed); ok {
				t.Errorf("%+v: a change of byte %d went unseen", w, i)
			}
		}
		if _, _, ok := s.read(p[1:]); ok {
			t.Error("a payload cut short was read")
		}
	}
}

func TestReceivingAllocatesNothing(t *testing.T) {
	for _, w := range []Work{{}, {Binary: true}, {Parser: MsgPack}, {Parser: MsgPack, Binary: true}, {Rooms: 3}} {
		w.Kind, w.Clients = Fanout, 4
		w, err := w.filled()
		if err != nil {
			t.Fatal(err)
		}
		form, err := newFormat(Target{}, w)
		if err != nil {
			t.Fatal(err)
		}
		c := &client{format: form}
		f := newFanout(&run{work: w, clients: []*client{c}, res: &Result{}})
		c.app = f
		var packets, attachments [][]byte
		for n := range uint64(2000) {
			payload := f.stamp.append(nil, n, 0)
			p, attachment := form.event(nil, noID, "msg", "", payload)
			if packets = append(packets, p); attachment {
				attachments = append(attachments, payload)
			}
		}
		f.sent = uint64(len(packets))
		i := 0
		n := testing.AllocsPerRun(len(packets)-1, func() {
			if w.Parser == MsgPack {
				c.binary(packets[i])
			} else if c.text(packets[i]); len(attachments) > 0 {
				c.binary(attachments[i])
			}
			i++
		})
		if n != 0 {
			t.Errorf("%+v: %v allocations for a delivery", w, n)
		}
		if f.delivered != int64(len(packets)) {
			t.Errorf("%+v: delivered %d of %d", w, f.delivered, len(packets))
		}
	}
}
