package load

import (
	"bytes"
	"errors"
	"testing"
)

// serverFrame turns a frame of appendFrame into one that is not masked.
func serverFrame(opcode byte, payload []byte) []byte {
	masked := appendFrame(nil, opcode, [4]byte{}, payload)
	head := len(masked) - len(payload) - 4
	frame := append([]byte(nil), masked[:head]...)
	frame[1] &^= 0x80
	return append(frame, payload...)
}

func TestFrameLengths(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 65_535, 65_536, 200_000} {
		payload := bytes.Repeat([]byte{'x'}, n)
		whole := serverFrame(opText, payload)
		f, taken, err := cutFrame(append(whole, 0x81))
		if err != nil || taken != len(whole) || !bytes.Equal(f.payload, payload) || !f.final || f.opcode != opText {
			t.Errorf("length %d: took %d of %d, payload of %d, error %v", n, taken, len(whole), len(f.payload), err)
		}
		if _, taken, err := cutFrame(whole[:len(whole)-1]); taken != 0 || err != nil {
			t.Errorf("length %d without its last byte: took %d, error %v", n, taken, err)
		}
	}
}

func TestFrameIsMasked(t *testing.T) {
	key := [4]byte{1, 2, 3, 4}
	f := appendFrame(nil, opText, key, []byte("hello"))
	want := []byte{0x81, 0x85, 1, 2, 3, 4, 'h' ^ 1, 'e' ^ 2, 'l' ^ 3, 'l' ^ 4, 'o' ^ 1}
	if !bytes.Equal(f, want) {
		t.Errorf("frame % x, want % x", f, want)
	}
}

func TestFrameRefused(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		want  error
	}{
		"masked":   {[]byte{0x81, 0x80, 0, 0, 0, 0}, errFrameMasked},
		"reserved": {[]byte{0xa1, 0x00}, errFrameReserved},
		"huge":     {[]byte{0x81, 127, 0, 0, 1, 0, 0, 0, 0, 0}, errFrameTooLarge},
		"negative": {[]byte{0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255}, errFrameTooLarge},
	} {
		if _, _, err := cutFrame(c.bytes); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

// record is an app that keeps what it hears.
type record struct{ packets []string }

func (r *record) packet(_ *client, m packet) { r.packets = append(r.packets, string(m.raw)) }
func (r *record) gone(*client, error)        {}

func TestFragmentsArriveAsOneMessageInAnySplit(t *testing.T) {
	first := serverFrame(opText, []byte("42[\"a"))
	first[0] &^= 0x80 // not final
	stream := append(first, serverFrame(opPing, []byte("p"))...)
	stream = append(stream, serverFrame(opContinuation, []byte("\"]"))...)
	stream = append(stream, serverFrame(opText, []byte("43[]"))...)
	for split := range stream {
		rec := &record{}
		w := newWebSocket(&client{app: rec, format: &format{parser: JSON, nsp: "/"}}, false)
		w.open = true
		for _, part := range [][]byte{stream[:split], stream[split:]} {
			if err := w.feed(part); err != nil {
				t.Fatalf("split at %d: %v", split, err)
			}
		}
		if len(rec.packets) != 2 || rec.packets[0] != `2["a"]` || rec.packets[1] != "3[]" {
			t.Errorf("split at %d: packets %q", split, rec.packets)
		}
		if len(w.out) == 0 {
			t.Errorf("split at %d: ping not answered", split)
		}
	}
}

func TestHeartbeatIsAnswered(t *testing.T) {
	c := &client{app: &record{}}
	w := newWebSocket(c, false)
	w.open, c.tr = true, w
	if err := w.feed(serverFrame(opText, []byte("2"))); err != nil {
		t.Fatal(err)
	}
	want := appendFrame(nil, opText, w.key, []byte("3"))
	if !bytes.Equal(w.out, want) {
		t.Errorf("answer % x, want % x", w.out, want)
	}
}

func TestACloseFrameIsSaidInWords(t *testing.T) {
	for payload, want := range map[string]string{
		"":                         "without a code",
		"\x03\xe9":                 "with 1001 (going away)",
		"\x03\xf0\x1b[31mtoo much": `with 1008 (policy violation): "\x1b[31mtoo much"`,
		"\x0f\xa1":                 "with 4001",
	} {
		if got := closing([]byte(payload)); got != want {
			t.Errorf("%q: %q, want %q", payload, got, want)
		}
	}
}
