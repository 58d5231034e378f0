package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// Every kind of value is cut off as long as it is.
func TestPackedValuesAreCutWhole(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	values := []any{
		nil, true, 0, 127, -1, -32, -33, 255, 1 << 12, -1 << 12, 1 << 20, -1 << 20, int64(1) << 40, int64(-1) << 40, uint64(1) << 63,
		float32(1.5), 2.5, "", "short", long[:31], long[:32], long[:255], long[:256], long,
		[]byte{1},
		[]byte(long[:256]), []byte(long),
		[]any{1, []any{"two", nil}},
		make([]any, 16), make([]any, 70_000),
		map[string]any{"a": map[string]any{"b": []byte("c")}},
		msgpack.RawMessage{0xd4, 1, 2},
		msgpack.RawMessage{0xd8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17},
		msgpack.RawMessage{0xc7, 2, 9, 1, 2},
		msgpack.RawMessage{0xde, 0, 1, 0xa1, 'a', 1},
		msgpack.RawMessage{0xdf, 0, 0, 0, 1, 0xa1, 'a', 1},
	}
	for _, v := range values {
		b, err := msgpack.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		p := packed(append(bytes.Clone(b), 0xc3))
		if got := p.value(); !bytes.Equal(got, b) || len(p) != 1 {
			t.Errorf("%T, % .8x: %d bytes cut off, want %d", v, b, len(got), len(b))
		}
		for cut := range min(len(b), 20) {
			p := packed(b[:cut])
			if p.value(); len(p) != 0 {
				t.Errorf("% .8x cut at %d: %d bytes are left", b, cut, len(p))
			}
		}
	}
}
