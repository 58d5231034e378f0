package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestPayload3RoundTrip(t *testing.T) {
	for _, c := range []struct {
		body    string
		packets []Packet
	}{
		{"6:4hello", []Packet{text("hello")}},
		{"6:4test16:4test26:4test3", []Packet{text("test1"), text("test2"), text("test3")}},
		{"6:4hello10:b4AQIDBA==", []Packet{text("hello"), binary1(1, 2, 3, 4)}},
		{"1:2", []Packet{{Type: Ping}}},
		{"1:1", []Packet{{Type: Close}}},
		// The length counts UTF-16 code units: € is one, 😀 is two.
		{"2:4€", []Packet{text("€")}},
		{"3:4😀", []Packet{text("😀")}},
		{"5:4€😀b2:4c", []Packet{text("€😀b"), text("c")}},
		{"2:4\uFFFF", []Packet{text("\uFFFF")}},
		{"3:4\U00010000", []Packet{text("\U00010000")}},
		{"3:4\U0010FFFF1:6", []Packet{text("\U0010FFFF"), {Type: Noop}}},
		{"4:4:1:", []Packet{text(":1:")}},
	} {
		got, err := collect(DecodePayload3, []byte(c.body))
		if err != nil || len(got) != len(c.packets) {
			t.Errorf("%q: got %v, %v", c.body, got, err)
			continue
		}
		var out []byte
		for i, p := range got {
			if !samePacket(p, c.packets[i]) {
				t.Errorf("%q: packet %d is %+v", c.body, i, p)
			}
			out = AppendPayload3(out, p)
		}
		if string(out) != c.body {
			t.Errorf("encoded %q, want %q", out, c.body)
		}
	}
}

func TestBadPayload3(t *testing.T) {
	for _, c := range []struct {
		body   string
		good   int
		offset int
	}{
		{"", 0, 0},
		{"abc", 0, 0},
		{":4", 0, 0},
		{"x:4", 0, 0},
		{"-1:4", 0, 0},
		{"+1:4", 0, 0},
		{"1", 0, 0},
		{"12345678901:4", 0, 0},
		{"9999999999:4", 0, 0},
		{"3:4a", 0, 2},
		{"2:4😀", 0, 2}, // the cut would split a character
		{"2:4a5:4b", 1, 6},
		{"2:4a1:9", 1, 6},
		{"2:4a3:b5A", 1, 7},
		{"2:4atrailing", 1, 4},
	} {
		got, err := collect(DecodePayload3, []byte(c.body))
		if err == nil {
			t.Errorf("took %q: %v", c.body, got)
			continue
		}
		wantError(t, err, c.offset)
		if len(got) != c.good {
			t.Errorf("%q: %d packets before the error, want %d", c.body, len(got), c.good)
		}
	}
}

func TestBinaryPayload3RoundTrip(t *testing.T) {
	for _, c := range []struct {
		body    []byte
		packets []Packet
	}{
		{
			[]byte{0, 6, 255, '4', 'h', 'e', 'l', 'l', 'o', 1, 5, 255, 4, 1, 2, 3, 4},
			[]Packet{text("hello"), binary1(1, 2, 3, 4)},
		},
		{[]byte{1, 1, 255, 4}, []Packet{binary1()}},
		{[]byte{0, 1, 255, '2'}, []Packet{{Type: Ping}}},
		// Here the length counts bytes: 😀 is four.
		{append([]byte{0, 5, 255}, "4😀"...), []Packet{text("😀")}},
		{append([]byte{1, 1, 0, 0, 255, 4}, make([]byte, 99)...), []Packet{binary1(make([]byte, 99)...)}},
	} {
		got, err := collect(DecodeBinaryPayload3, c.body)
		if err != nil || len(got) != len(c.packets) {
			t.Errorf("%v: got %v, %v", c.body, got, err)
			continue
		}
		var out []byte
		for i, p := range got {
			if !samePacket(p, c.packets[i]) {
				t.Errorf("%v: packet %d is %+v", c.body, i, p)
			}
			out = AppendBinaryPayload3(out, p)
		}
		if !bytes.Equal(out, c.body) {
			t.Errorf("encoded %v, want %v", out, c.body)
		}
	}
}

func TestBadBinaryPayload3(t *testing.T) {
	for _, c := range []struct {
		body   []byte
		good   int
		offset int
	}{
		{nil, 0, 0},
		{[]byte{2, 1, 255, '4'}, 0, 0},
		{[]byte{0}, 0, 0},
		{[]byte{0, 255, '4'}, 0, 0},
		{[]byte{0, 10, 255, '4'}, 0, 0},
		{[]byte{0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 255}, 0, 0},
		{[]byte{0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 255}, 0, 12},
		{[]byte{0, 2, 255, '4'}, 0, 3},
		{[]byte{0, 0, 255}, 0, 3},
		{[]byte{1, 0, 255}, 0, 3},
		{[]byte{1, 1, 255, 7}, 0, 3},
		{[]byte{0, 1, 255, '9'}, 0, 3},
		{[]byte{0, 2, 255, '4', 0xFF}, 0, 3},
		{[]byte{0, 2, 255, '4', 'a', 5}, 1, 5},
	} {
		got, err := collect(DecodeBinaryPayload3, c.body)
		if err == nil {
			t.Errorf("took %v: %v", c.body, got)
			continue
		}
		wantError(t, err, c.offset)
		if len(got) != c.good {
			t.Errorf("%v: %d packets before the error, want %d", c.body, len(got), c.good)
		}
	}
}

func TestUTF16Lengths(t *testing.T) {
	for _, c := range []struct {
		s string
		n int
	}{{"", 0}, {"abc", 3}, {"é", 1}, {"€", 1}, {"😀", 2}, {"a😀€", 4}, {strings.Repeat("😀", 100), 200}} {
		if got := utf16Len([]byte(c.s)); got != c.n {
			t.Errorf("%q counts %d, want %d", c.s, got, c.n)
		}
		if got := utf16Prefix([]byte(c.s+"tail"), c.n); got != len(c.s) {
			t.Errorf("the first %d units of %q are %d bytes, want %d", c.n, c.s+"tail", got, len(c.s))
		}
	}
	if got := utf16Prefix([]byte("a😀"), 2); got != -1 {
		t.Errorf("a cut through a character gives %d", got)
	}
	if got := utf16Prefix([]byte("a"), 2); got != -1 {
		t.Errorf("a text that is too short gives %d", got)
	}
}

func TestEveryAstralPlaneRoundTrips(t *testing.T) {
	var s strings.Builder
	for r := rune(0x20); r <= 0x10FFFF; r += 0x101 {
		if r < 0xD800 || r > 0xDFFF {
			s.WriteRune(r)
		}
	}
	want := text(s.String())
	body := AppendPayload3(AppendPayload3(nil, want), text("tail"))
	got, err := collect(DecodePayload3, body)
	if err != nil || len(got) != 2 || !samePacket(got[0], want) || !samePacket(got[1], text("tail")) {
		t.Fatal(fmt.Sprintf("%d packets", len(got)), err)
	}
}
