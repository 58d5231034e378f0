package wire

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
)

// heap gives the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// White space between arguments, and what is known of each argument, cost memory like the text: an inbox that
// counted Size alone held a gigabyte.
func TestHeldIsWhatTheHeapHolds(t *testing.T) {
	large := strings.Repeat("x", 300_000)
	list, err := Encode(event("e", nulls(100_000)...), Msgpack, 5)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o     Options
		parts []Part
		n     int
	}{
		"small":           {n: 2000, parts: []Part{{Data: []byte(`2["say","room","` + payload64 + `"]`)}}},
		"white space":     {n: 20, parts: []Part{{Data: []byte(`2["e",` + strings.Repeat(" ", 300_000) + `1]`)}}},
		"small arguments": {n: 20, parts: []Part{{Data: []byte(`2["e"` + strings.Repeat(",1", 150_000) + `]`)}}},
		"attachment": {n: 20, parts: []Part{
			{Data: []byte(`51-["e",{"_placeholder":true,"num":0}]`)}, {Data: []byte(large), Binary: true},
		}},
		"messagepack": {n: 20, o: Options{Format: Msgpack}, parts: list},
	} {
		keep := make([]Args, c.n)
		held := 0
		before := heap()
		for i := range keep {
			p, err := again(c.parts, c.o)
			if err != nil {
				t.Fatal(err)
			}
			keep[i] = p.Args
			held += p.Args.Held()
		}
		grown := int(heap() - before)
		runtime.KeepAlive(keep)
		if held < grown*4/5 || held > grown*5/4 {
			t.Errorf("%s: %d bytes held, the heap grew by %d", name, held, grown)
		}
	}
}

func nulls(n int) []any { return make([]any, n) }

// A part of a large packet used to keep all of it.
func TestCompactKeepsTheValueAndNothingElse(t *testing.T) {
	waste := strings.Repeat("w", 10_000)
	for f, all := range both(t, waste, "kept", map[string]any{"b": []byte("one"), "n": 1}, []byte("two"), []byte(waste)) {
		args := all.From(1).To(3)
		for name, c := range map[string]struct {
			was, is any
			held    int
		}{
			"list":   {args, args.Compact(), args.Compact().Held()},
			"value":  {args.At(1), args.At(1).Compact(), args.At(1).Compact().Held()},
			"binary": {args.At(2), args.At(2).Compact(), args.At(2).Compact().Held()},
			"text":   {args.At(0), args.At(0).Compact(), args.At(0).Compact().Held()},
			"again":  {args, args.Compact().Compact(), args.Compact().Compact().Held()},
		} {
			if c.held > 400 {
				t.Errorf("%s, %s: %d bytes held", f, name, c.held)
			}
			for _, out := range []Format{JSON, Msgpack} {
				was, is := mustEncode(t, event("e", c.was), out, 5), mustEncode(t, event("e", c.is), out, 5)
				if showParts(was) != showParts(is) {
					t.Errorf("%s, %s: %s became %s", f, name, showParts(was), showParts(is))
				}
			}
		}
		if args.Compact().At(3) != (Raw{}) || args.Compact().Size() != args.Size() {
			t.Errorf("%s: arguments came or went", f)
		}
		if got := all.Compact(); got != all {
			t.Errorf("%s: arguments that are all of a packet were copied", f)
		}
	}
	if (Raw{}).Compact() != (Raw{}) || (Args{}).Compact() != (Args{}) || (Raw{}).Held() != 0 || (Args{}).Held() != 0 {
		t.Error("what is absent holds something")
	}
}

func TestKeptArgumentsHoldWhatIsCounted(t *testing.T) {
	waste := strings.Repeat("w", 100_000)
	file := append([]byte(waste), "tail"...)
	for f, in := range both(t, waste, "a", []byte("b"), 3) {
		for name, c := range map[string]struct {
			args     []any
			min, max int
		}{
			"everything, value by value":   {in.Values(), 100_000, 101_000},
			"everything, as one":           {[]any{in}, 100_000, 101_000},
			"a part":                       {[]any{in.At(1)}, 100, 400},
			"parts":                        {in.From(1).Values(), 300, 900},
			"nested":                       {[]any{map[string]any{"b": in.At(2)}}, 100, 400},
			"of the application":           {[]any{1, "x", file[100_000:]}, 300, 900},
			"a value of the application's": {[]any{mustRaw(t, file[100_000:])}, 100, 400},
			"absent":                       {[]any{Raw{}, Args{}}, 0, 100},
			"nothing":                      {nil, 0, 0},
		} {
			kept, held, err := Keep(c.args)
			if err != nil {
				t.Fatal(err)
			}
			if held < c.min || held > c.max {
				t.Errorf("%s, %s: %d bytes, want %d to %d", f, name, held, c.min, c.max)
			}
			was, is := mustEncode(t, event("e", c.args...), f, 5), mustEncode(t, event("e", kept...), f, 5)
			if showParts(was) != showParts(is) {
				t.Errorf("%s, %s: not the same when kept", f, name)
			}
		}
	}

	b := []byte("before")
	kept, _, err := Keep([]any{b})
	if err != nil {
		t.Fatal(err)
	}
	copy(b, "after!")
	var got []byte
	if err := kept[0].(Raw).Decode(&got); err != nil || !bytes.Equal(got, []byte("before")) {
		t.Errorf("kept %q, %v", got, err)
	}
	if _, _, err := Keep([]any{1, make(chan int)}); err == nil || !strings.HasPrefix(err.Error(), "argument 1: ") {
		t.Errorf("a channel: %v", err)
	}
}

func mustRaw(t *testing.T, v any) Raw {
	t.Helper()
	r, err := NewRaw(v)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
