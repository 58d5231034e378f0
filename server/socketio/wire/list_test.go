package wire

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

func argsText(t *testing.T, a Args) string {
	t.Helper()
	text, err := a.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestParseJSONList(t *testing.T) {
	for in, want := range map[string]string{
		`[]`:                                `[]`,
		` [ 1 , "a" ] `:                     `[1,"a"]`,
		`[{"_placeholder":true,"num":0}]`:   `[{"_placeholder":true,"num":0}]`, // just an object
		`[[[]],null,true,1.5e3,"\u00e9\\"]`: `[[[]],null,true,1.5e3,"\u00e9\\"]`,
	} {
		a, err := ParseJSONList([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got := argsText(t, a); got != want {
			t.Errorf("%s: got %s", in, got)
		}
	}
	for _, in := range []string{``, `{}`, `1`, `[`, `[1`, `[1,]`, `[1]]`, `[1] 2`, `["` + "\xff" + `"]`, strings.Repeat("[", 3000) + strings.Repeat("]", 3000)} {
		var e *Error
		if _, err := ParseJSONList([]byte(in)); !errors.As(err, &e) {
			t.Errorf("%.20q: got %v", in, err)
		}
	}
}

func TestParseMsgpackList(t *testing.T) {
	for in, want := range map[string]string{
		"90":                          `[]`,
		"92 01 a161":                  `[1,"a"]`,
		"91 c403010203":               `["AQID"]`,
		"93 c0 c3 cb3ff8000000000000": `[null,true,1.5]`,
		"91 81a162 91c4 0109":         `[{"b":["CQ=="]}]`,
		"dc0001 ff":                   `[-1]`,
		"91 d7000000019ab95f5c3b":     `["2025-11-25T04:57:05.851Z"]`, // a Date of notepack 2
		"91 d40000":                   `[null]`,                       // undefined
		// Dates of notepack 3 and @msgpack/msgpack, in their three forms.
		"91 d6ff69256e84":                   `["2025-11-25T08:53:24.000Z"]`,
		"91 d7ff1d51ff8069256e84":           `["2025-11-25T08:53:24.122Z"]`,
		"91 c70cff00000000ffffffffffffffff": `["1969-12-31T23:59:59.000Z"]`,
		"91 c70cff000000007fffffffffffffff": `[null]`, // no time in JavaScript
		"92 81a164d6ff00000000 c40101":      `[{"d":"1970-01-01T00:00:00.000Z"},"AQ=="]`,
		"91 d6fe00000000":                   `[[-2,"AAAAAA=="]]`, // an extension of somebody else
	} {
		raw, err := hex.DecodeString(strings.ReplaceAll(in, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		behind := append(raw[:len(raw):len(raw)], 0x2a, 0xc1)
		a, n, err := ParseMsgpackList(behind)
		if err != nil || n != len(raw) {
			t.Errorf("%s: %d of %d bytes, %v", in, n, len(raw), err)
			continue
		}
		if got := argsText(t, a); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{"", "80", "c0", "91", "92 01", "91 a261", "91 a1ff", "dd ffffffff 01", "91 c1", "91 d6ff0000", strings.Repeat("91", 3000) + "90"} {
		raw, err := hex.DecodeString(strings.ReplaceAll(in, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		var e *Error
		if _, _, err := ParseMsgpackList(raw); !errors.As(err, &e) {
			t.Errorf("%.20s: got %v", in, err)
		}
	}
}

// TestDatesOfOtherNodesReachClients checks what both kinds of clients get of a Date
// that came from another node.
func TestDatesOfOtherNodesReachClients(t *testing.T) {
	raw, _ := hex.DecodeString("91d6ff69256e84")
	a, _, err := ParseMsgpackList(raw)
	if err != nil {
		t.Fatal(err)
	}
	out, n, err := AppendMsgpackValues(nil, []any{a})
	want := fmt.Sprintf("d700%016x", time.Date(2025, 11, 25, 8, 53, 24, 0, time.UTC).UnixMilli())
	if err != nil || n != 1 || hex.EncodeToString(out) != want {
		t.Errorf("got %x, %v, want %s", out, err, want)
	}
}

func TestAppendLists(t *testing.T) {
	list, err := ParseJSONList([]byte(`["x",{"y":[2]}]`))
	if err != nil {
		t.Fatal(err)
	}
	values := []any{1, "two", nil, list, 2.5, map[string]any{"k": true}, list.At(0), Args{}}
	text, binary, err := AppendJSONList([]byte("before"), values)
	if want := `before[1,"two",null,"x",{"y":[2]},2.5,{"k":true},"x"]`; err != nil || binary || string(text) != want {
		t.Errorf("got %s, %t, %v", text, binary, err)
	}
	packed, n, err := AppendMsgpackValues([]byte{0xff}, values)
	if err != nil || n != 8 || packed[0] != 0xff {
		t.Fatalf("%d values, %v", n, err)
	}
	a, _, err := ParseMsgpackList(append(AppendMsgpackArray(nil, n), packed[1:]...))
	if want := `[1,"two",null,"x",{"y":[2]},2.5,{"k":true},"x"]`; err != nil || argsText(t, a) != want {
		t.Errorf("got %s, %v", argsText(t, a), err)
	}
	for _, v := range []any{[]byte{1}, map[string]any{"a": []any{[]byte{1}}}, a.From(0)} {
		text, binary, err := AppendJSONList([]byte("before"), []any{v})
		_, isArgs := v.(Args)
		if err != nil || binary == isArgs || !isArgs && string(text) != "before" {
			t.Errorf("%v: %s, %t, %v", v, text, binary, err)
		}
	}
	empty, _, err := AppendJSONList(nil, nil)
	if err != nil || string(empty) != "[]" {
		t.Errorf("got %s, %v", empty, err)
	}
	for _, v := range []any{make(chan int), math.NaN(), func() {}} {
		var e *EncodeError
		if out, _, err := AppendJSONList([]byte("before"), []any{1, v}); !errors.As(err, &e) || e.Arg != 1 || string(out) != "before" {
			t.Errorf("%T as JSON: %s, %v", v, out, err)
		}
		if out, _, err := AppendMsgpackValues([]byte("before"), []any{1, v}); !errors.As(err, &e) || e.Arg != 1 || string(out) != "before" {
			t.Errorf("%T as MessagePack: %s, %v", v, out, err)
		}
	}
}

// checkList checks that what another node sent can be relayed in every way.
func checkList(t *testing.T, a Args) {
	t.Helper()
	if text := argsText(t, a); !json.Valid([]byte(text)) {
		t.Fatalf("as JSON it is %s", text)
	}
	// Through MessagePack it may be written differently, once.
	first := throughMsgpack(t, a)
	if again := throughMsgpack(t, first); argsText(t, again) != argsText(t, first) {
		t.Fatalf("became %s, was %s", argsText(t, again), argsText(t, first))
	}
	for _, f := range []Format{JSON, Msgpack} {
		if _, err := Encode(&Outgoing{Type: Event, Event: "e", Args: []any{a}, MaxAttachments: -1}, f, 5); err != nil {
			t.Fatalf("cannot be sent: %v", err)
		}
	}
}

func throughMsgpack(t *testing.T, a Args) Args {
	t.Helper()
	packed, n, err := AppendMsgpackValues(nil, []any{a})
	if err != nil || n != a.Len() {
		t.Fatalf("%d values of %d, %v", n, a.Len(), err)
	}
	again, _, err := ParseMsgpackList(append(AppendMsgpackArray(nil, n), packed...))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func FuzzParseMsgpackList(f *testing.F) {
	for _, seed := range []string{"90", "9201a161", "91d6ff69256e84", "9181a164d7ff1d51ff8069256e84", "91c70cff00000000ffffffffffffffff", "92c4010981a161d40000"} {
		raw, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, n, err := ParseMsgpackList(data)
		if err != nil {
			return
		}
		if n < 1 || n > len(data) {
			t.Fatalf("%d of %d bytes", n, len(data))
		}
		checkList(t, a)
	})
}

func FuzzParseJSONList(f *testing.F) {
	for _, seed := range []string{`[]`, `[1,"a",{"_placeholder":true,"num":0}]`, ` [ [ null ] , 1e5 ] `, `["\ud83d\ude00\u0000"]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := ParseJSONList(data); err == nil {
			checkList(t, a)
		}
	})
}
