package wire

import (
	"errors"
	"strings"
	"testing"
)

// collect decodes a whole payload; it copies, since packets alias the input.
func collect(decode func([]byte, func(Packet) error) error, body []byte) ([]Packet, error) {
	var all []Packet
	err := decode(body, func(p Packet) error {
		p.Data = append([]byte(nil), p.Data...)
		all = append(all, p)
		return nil
	})
	return all, err
}

func text(s string) Packet     { return Packet{Type: Message, Data: []byte(s)} }
func binary1(b ...byte) Packet { return Packet{Type: Message, Binary: true, Data: b} }

func TestPayloadRoundTrip(t *testing.T) {
	for _, c := range []struct {
		body    string
		packets []Packet
	}{
		{"4hello", []Packet{text("hello")}},
		{"4test1\x1e4test2\x1e4test3", []Packet{text("test1"), text("test2"), text("test3")}},
		{"4hello\x1ebAQIDBA==", []Packet{text("hello"), binary1(1, 2, 3, 4)}},
		{"4\x1e4", []Packet{text(""), text("")}},
		{"b", []Packet{binary1()}},
		{"2\x1e4€😀", []Packet{{Type: Ping}, text("€😀")}},
		{"1", []Packet{{Type: Close}}},
	} {
		got, err := collect(DecodePayload, []byte(c.body))
		if err != nil || len(got) != len(c.packets) {
			t.Errorf("%q: got %v, %v", c.body, got, err)
			continue
		}
		var out []byte
		for i, p := range got {
			if !samePacket(p, c.packets[i]) {
				t.Errorf("%q: packet %d is %+v", c.body, i, p)
			}
			out = AppendPayload(out, p)
		}
		if string(out) != c.body {
			t.Errorf("encoded %q, want %q", out, c.body)
		}
	}
}

func TestBadPayloadsNameTheOffset(t *testing.T) {
	for _, c := range []struct {
		body   string
		good   int // packets before the bad one
		offset int
	}{
		{"", 0, 0},
		{"\x1e", 0, 0},
		{"4a\x1e", 1, 3},
		{"4a\x1e\x1e4b", 1, 3},
		{"4a\x1e4b\x1ezz", 2, 6},
		{"4a\x1eb***", 1, 4},
		{"abc", 0, 0},
	} {
		got, err := collect(DecodePayload, []byte(c.body))
		if err == nil {
			t.Errorf("took %q", c.body)
			continue
		}
		wantError(t, err, c.offset)
		if len(got) != c.good {
			t.Errorf("%q: %d packets before the error, want %d", c.body, len(got), c.good)
		}
	}
}

func TestDecodingStopsAtTheCallersError(t *testing.T) {
	stop := errors.New("stop")
	for name, c := range map[string]struct {
		decode func([]byte, func(Packet) error) error
		body   string
	}{
		"protocol 4":        {DecodePayload, "4a\x1e4b\x1e4c"},
		"protocol 3":        {DecodePayload3, "2:4a2:4b2:4c"},
		"protocol 3 binary": {DecodeBinaryPayload3, "\x00\x02\xff4a\x00\x02\xff4b"},
	} {
		n := 0
		err := c.decode([]byte(c.body), func(Packet) error {
			n++
			return stop
		})
		if !errors.Is(err, stop) || n != 1 {
			t.Errorf("%s: %d calls, error %v", name, n, err)
		}
	}
}

func TestLongPayload(t *testing.T) {
	body := []byte("4" + strings.Repeat("x", 1<<20))
	for range 1000 {
		body = append(body, "\x1e4y"...)
	}
	got, err := collect(DecodePayload, body)
	if err != nil || len(got) != 1001 || len(got[0].Data) != 1<<20 {
		t.Fatalf("%d packets, %v", len(got), err)
	}
}
