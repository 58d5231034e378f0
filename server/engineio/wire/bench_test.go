package wire

import (
	"bytes"
	"testing"
)

func ignore(Packet) error { return nil }

func BenchmarkDecodePayload(b *testing.B) {
	body := bytes.TrimSuffix(bytes.Repeat([]byte("42[\"msg\",\"hello there\"]\x1e"), 20), []byte{Separator})
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := DecodePayload(body, ignore); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodePayload3(b *testing.B) {
	var body []byte
	for range 20 {
		body = AppendPayload3(body, text(`2["msg","hello there"]`))
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := DecodePayload3(body, ignore); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendPayload(b *testing.B) {
	p, dst := text(`2["msg","hello there"]`), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = dst[:0]
		for range 20 {
			dst = AppendPayload(dst, p)
		}
	}
}

func BenchmarkAppendPayload3(b *testing.B) {
	p, dst := text(`2["msg","hello there"]`), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = dst[:0]
		for range 20 {
			dst = AppendPayload3(dst, p)
		}
	}
}

func BenchmarkParseHeader(b *testing.B) {
	h := clientHeader(0x81, 0x80|126, u16(500), "MASK")
	b.ReportAllocs()
	for b.Loop() {
		if _, n, err := ParseHeader(h); n == 0 || err != nil {
			b.Fatal(n, err)
		}
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
