package wire

import (
	"bytes"
	"strings"
	"testing"
)

func ignore(Packet) error { return nil }

// hello is the message of these benchmarks.
const hello = `2["msg","hello there"]`

func BenchmarkDecodePacket(b *testing.B) {
	for _, c := range []struct {
		name     string
		in       string
		protocol int
		decode   func([]byte, int) (Packet, error)
	}{
		{"text v4", "4" + hello, 4, DecodeText},
		{"text v3", "4" + hello, 3, DecodeText},
		{"binary v4", strings.Repeat("x", 64), 4, DecodeBinary},
		{"binary v3", "\x04" + strings.Repeat("x", 64), 3, DecodeBinary},
		{"base64 v4", "b" + strings.Repeat("eHh4", 22), 4, DecodeText},
		{"base64 v3", "b4" + strings.Repeat("eHh4", 22), 3, DecodeText},
	} {
		b.Run(c.name, func(b *testing.B) {
			in := []byte(c.in)
			b.ReportAllocs()
			b.SetBytes(int64(len(in)))
			for b.Loop() {
				if _, err := c.decode(in, c.protocol); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendPacket(b *testing.B) {
	p, dst := text(hello), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendText(dst[:0], p)
	}
}

// payloads are the forms in which a polling payload of 20 packets comes.
var payloads = []struct {
	name   string
	one    Packet
	add    func([]byte, Packet) []byte
	decode func([]byte, func(Packet) error) error
}{
	{"v4", text(hello), AppendPayload, DecodePayload},
	{"v4 base64", binary1(make([]byte, 64)...), AppendPayload, DecodePayload},
	{"v3", text(hello), AppendPayload3, DecodePayload3},
	{"v3 base64", binary1(make([]byte, 64)...), AppendPayload3, DecodePayload3},
	{"v3 binary", binary1(make([]byte, 64)...), AppendBinaryPayload3, DecodeBinaryPayload3},
}

func BenchmarkDecodePayload(b *testing.B) {
	for _, c := range payloads {
		b.Run(c.name, func(b *testing.B) {
			var body []byte
			for range 20 {
				body = c.add(body, c.one)
			}
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if err := c.decode(body, ignore); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendPayload(b *testing.B) {
	for _, c := range payloads {
		b.Run(c.name, func(b *testing.B) {
			dst := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				dst = dst[:0]
				for range 20 {
					dst = c.add(dst, c.one)
				}
			}
		})
	}
}

// headers are those of clients' frames, by how the length is written.
var headers = []struct {
	name string
	b    []byte
}{
	{"7 bits", clientHeader(0x81, 0x80|64, nil, "MASK")},
	{"16 bits", clientHeader(0x81, 0x80|126, u16(500), "MASK")},
	{"64 bits", clientHeader(0x82, 0x80|127, []byte{0, 0, 0, 0, 0, 1, 0, 0}, "MASK")},
}

func BenchmarkParseHeader(b *testing.B) {
	for _, c := range headers {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, n, err := ParseHeader(c.b); n != len(c.b) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

func BenchmarkAppendHeader(b *testing.B) {
	dst := make([]byte, 0, MaxHeader)
	for name, length := range map[string]int{"7 bits": 64, "16 bits": 500, "64 bits": 1 << 16} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendHeader(dst[:0], OpText, false, length)
			}
		})
	}
}

func BenchmarkUnmask(b *testing.B) {
	buf := make([]byte, 1024)
	b.ReportAllocs()
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		Unmask(buf, [4]byte{1, 2, 3, 4}, 1)
	}
}

// What every message passes, in and out, allocates nothing: packets alias what was read,
// and what is written goes into memory that the caller has.
func TestTheCodecAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 8192)
	plain, bin3 := []byte("4"+hello), []byte("\x04data")
	for name, f := range map[string]func() error{
		"decode text":      func() error { _, err := DecodeText(plain, 4); return err },
		"decode binary v4": func() error { _, err := DecodeBinary(bin3, 4); return err },
		"decode binary v3": func() error { _, err := DecodeBinary(bin3, 3); return err },
		"append text":      func() error { dst = AppendText(dst[:0], text1); return nil },
		"unmask":           func() error { Unmask(bin3, [4]byte{1, 2, 3, 4}, 0); Unmask(bin3, [4]byte{1, 2, 3, 4}, 0); return nil },
	} {
		allocatesNothing(t, name, f)
	}
	for _, c := range payloads {
		allocatesNothing(t, "append payload "+c.name, func() error { dst = c.add(c.add(dst[:0], c.one), c.one); return nil })
		if strings.Contains(c.name, "base64") {
			continue // what it stands for needs memory
		}
		body := bytes.Clone(c.add(c.add(nil, c.one), c.one))
		allocatesNothing(t, "decode payload "+c.name, func() error { return c.decode(body, ignore) })
	}
	for _, c := range headers {
		allocatesNothing(t, "parse header "+c.name, func() error { _, _, err := ParseHeader(c.b); return err })
	}
	allocatesNothing(t, "append header", func() error { dst = AppendHeader(dst[:0], OpText, false, 1<<16); return nil })
}

var text1 = text(hello)

func allocatesNothing(t *testing.T, what string, f func() error) {
	t.Helper()
	if n := testing.AllocsPerRun(100, func() {
		if err := f(); err != nil {
			t.Fatal(what, err)
		}
	}); n != 0 {
		t.Errorf("%s: %v allocations", what, n)
	}
}
