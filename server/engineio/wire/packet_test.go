package wire

import (
	"bytes"
	"errors"
	"testing"
)

// wantError fails unless err is an *Error at the given offset.
func wantError(t *testing.T, err error, offset int) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error", err)
	}
	if e.Offset != offset {
		t.Errorf("offset %d, want %d (%v)", e.Offset, offset, e)
	}
	if e.What == "" || e.Error() == "" {
		t.Error("the error says nothing")
	}
}

func samePacket(a, b Packet) bool {
	return a.Type == b.Type && a.Binary == b.Binary && bytes.Equal(a.Data, b.Data)
}

func TestTextPacketsOfEveryType(t *testing.T) {
	for _, c := range []struct {
		text string
		want Packet
		name string
	}{
		{`0{"sid":"x"}`, Packet{Type: Open, Data: []byte(`{"sid":"x"}`)}, "open"},
		{"1", Packet{Type: Close}, "close"},
		{"2", Packet{Type: Ping}, "ping"},
		{"2probe", Packet{Type: Ping, Data: []byte("probe")}, "ping"},
		{"3probe", Packet{Type: Pong, Data: []byte("probe")}, "pong"},
		{"4", Packet{Type: Message}, "message"},
		{"4hello", Packet{Type: Message, Data: []byte("hello")}, "message"},
		{"4€😀", Packet{Type: Message, Data: []byte("€😀")}, "message"},
		{"5", Packet{Type: Upgrade}, "upgrade"},
		{"6", Packet{Type: Noop}, "noop"},
	} {
		for _, protocol := range []int{3, 4} {
			got, err := DecodeText([]byte(c.text), protocol)
			if err != nil || !samePacket(got, c.want) {
				t.Errorf("protocol %d, %q: got %+v, %v", protocol, c.text, got, err)
			}
		}
		if got := AppendText(nil, c.want); string(got) != c.text {
			t.Errorf("encoded %q, want %q", got, c.text)
		}
		if c.want.Type.String() != c.name {
			t.Errorf("type %d is called %q, want %q", c.want.Type, c.want.Type, c.name)
		}
	}
	if Type(9).String() != "type 9" {
		t.Errorf("unknown type is called %q", Type(9))
	}
}

func TestBase64Packets(t *testing.T) {
	for _, c := range []struct {
		text     string
		protocol int
		data     []byte
	}{
		{"bAQIDBA==", 4, []byte{1, 2, 3, 4}},
		{"bAQIDBA", 4, []byte{1, 2, 3, 4}}, // padding is not insisted on
		{"b", 4, nil},
		{"b+/8=", 4, []byte{0xFB, 0xFF}},
		{"b4AQIDBA==", 3, []byte{1, 2, 3, 4}},
		{"b4", 3, nil},
	} {
		got, err := DecodeText([]byte(c.text), c.protocol)
		if err != nil || got.Type != Message || !got.Binary || !bytes.Equal(got.Data, c.data) {
			t.Errorf("%q: got %+v, %v", c.text, got, err)
		}
	}
}

func TestBadTextPackets(t *testing.T) {
	for _, c := range []struct {
		text     string
		protocol int
		offset   int
	}{
		{"", 4, 0},
		{"7", 4, 0},
		{"abc", 4, 0},
		{"/", 4, 0},
		{"\x004", 4, 0},
		{"B", 4, 0},
		{"b*", 4, 1},
		{"bA", 4, 1},     // no byte is that short
		{"b_-8=", 4, 1},  // the URL alphabet
		{"bAQ=ID", 4, 1}, // padding inside
		{"b", 3, 1},
		{"b5AQID", 3, 1},
		{"b4*", 3, 2},
	} {
		_, err := DecodeText([]byte(c.text), c.protocol)
		if err == nil {
			t.Errorf("protocol %d took %q", c.protocol, c.text)
			continue
		}
		wantError(t, err, c.offset)
	}
}

func TestBinaryFrames(t *testing.T) {
	got, err := DecodeBinary([]byte{4, 1, 2}, 4)
	if err != nil || !samePacket(got, Packet{Type: Message, Binary: true, Data: []byte{4, 1, 2}}) {
		t.Errorf("protocol 4: got %+v, %v", got, err)
	}
	if got, err = DecodeBinary(nil, 4); err != nil || len(got.Data) != 0 || !got.Binary {
		t.Errorf("protocol 4, empty: got %+v, %v", got, err)
	}
	got, err = DecodeBinary([]byte{4, 1, 2}, 3)
	if err != nil || !samePacket(got, Packet{Type: Message, Binary: true, Data: []byte{1, 2}}) {
		t.Errorf("protocol 3: got %+v, %v", got, err)
	}
	_, err = DecodeBinary(nil, 3)
	wantError(t, err, 0)
	_, err = DecodeBinary([]byte{7}, 3)
	wantError(t, err, 0)
}
