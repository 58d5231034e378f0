package wire

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

// roundTrip checks that whatever a payload decodes to encodes to a payload that
// decodes to the same.
func roundTrip(t *testing.T, body []byte, decode func([]byte, func(Packet) error) error, appendTo func([]byte, Packet) []byte) {
	t.Helper()
	first, err := collect(decode, body)
	if err != nil || len(first) == 0 {
		return
	}
	var again []byte
	for _, p := range first {
		again = appendTo(again, p)
	}
	second, err := collect(decode, again)
	if err != nil || len(second) != len(first) {
		t.Fatalf("%q encodes to %q, which decodes to %d packets, %v", body, again, len(second), err)
	}
	for i := range first {
		if !samePacket(first[i], second[i]) {
			t.Fatalf("packet %d was %+v, is %+v", i, first[i], second[i])
		}
	}
}

func FuzzDecodePayload(f *testing.F) {
	for _, s := range []string{"4hello", "4hello\x1e2\x1e4world", "4hello\x1ebAQIDBA==", "2probe", "3probe", "5", "6", "b", "\x1e", `0{"sid":"lv_VI97HAXpY6yYWAAAB","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) { roundTrip(t, body, DecodePayload, AppendPayload) })
}

func FuzzDecodePayload3(f *testing.F) {
	for _, s := range []string{"6:4hello2:4€", "6:4hello10:b4AQIDBA==", "1:1", "1:62:4a", "7:4😀€é", "0:", "0:1:2"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !utf8.Valid(body) { // the caller has checked
			_, _ = collect(DecodePayload3, body)
			return
		}
		roundTrip(t, body, DecodePayload3, AppendPayload3)
	})
}

func FuzzDecodeBinaryPayload3(f *testing.F) {
	for _, b := range [][]byte{
		{0, 6, 255, '4', 'h', 'e', 'l', 'l', 'o', 1, 5, 255, 4, 1, 2, 3, 4},
		{0, 4, 255, '4', 0xE2, 0x82, 0xAC},
		{1, 1, 255, 4},
		{0, 1, 255, '2'},
		{1, 2, 255, 2, 9},
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, body []byte) { roundTrip(t, body, DecodeBinaryPayload3, AppendBinaryPayload3) })
}

func FuzzParseHeader(f *testing.F) {
	for _, b := range [][]byte{
		{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d}, // RFC 6455, section 5.7: a masked "Hello"
		{0x89, 0x85, 0x37, 0xfa, 0x21, 0x3d},
		{0x82, 0xFE, 0x01, 0x00, 1, 2, 3, 4},
		{0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4},
		{0x81, 0x05},
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, n, err := ParseHeader(b)
		if err != nil || n == 0 {
			if n > len(b) {
				t.Fatalf("%d bytes of %d", n, len(b))
			}
			return
		}
		if n < 6 || n > MaxHeader || n > len(b) || h.Length < 0 || !h.Masked {
			t.Fatalf("%+v in %d bytes", h, n)
		}
		// The server's own form of the same header, masked, is what was parsed.
		again := AppendHeader(nil, h.OpCode, h.Rsv1, int(h.Length))
		if !h.Fin {
			again[0] &^= 0x80
		}
		again[1] |= 0x80
		again = append(again, h.Mask[:]...)
		if !bytes.Equal(again, b[:n]) {
			t.Fatalf("% x parsed, % x written", b[:n], again)
		}
		for cut := range n {
			if _, k, err := ParseHeader(b[:cut]); k != 0 || err != nil {
				t.Fatalf("cut at %d: %d, %v", cut, k, err)
			}
		}
	})
}
