package wire

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// both gives the arguments of one event as received in each format.
func both(t *testing.T, args ...any) map[Format]Args {
	t.Helper()
	all := map[Format]Args{}
	for _, f := range []Format{JSON, Msgpack} {
		p, err := again(mustEncode(t, event("e", args...), f, 5), Options{Format: f})
		if err != nil {
			t.Fatal(err)
		}
		all[f] = p.Args
	}
	return all
}

func TestBind(t *testing.T) {
	type point struct {
		X    int    `json:"x"`
		Data []byte `json:"data"`
		Any  any    `json:"any"`
		Raw  Raw    `json:"raw"`
	}
	in := point{X: 3, Data: []byte("d"), Any: []any{[]byte(""), "s"}}
	in.Raw, _ = NewRaw(map[string]any{"b": []byte("r"), "n": 1})
	for f, args := range both(t, "text", 7, []byte("bin"), in, []any{nil, []byte("q")}) {
		var s string
		var n int
		var b []byte
		var p point
		var list []any
		if err := args.Bind(&s, &n, &b, &p, &list); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if s != "text" || n != 7 || string(b) != "bin" || p.X != 3 || string(p.Data) != "d" || len(list) != 2 {
			t.Errorf("%s: got %q %d %q %+v %v", f, s, n, b, p, list)
		}
		if got := showValue(p.Any); got != `[[] s]` {
			t.Errorf("%s: any is %s", f, got)
		}
		if x, ok := p.Any.([]any)[0].([]byte); !ok || len(x) != 0 {
			t.Errorf("%s: empty binary became %v", f, p.Any)
		}
		if !p.Raw.HasBinary() || showRaw(p.Raw) != `map[b:[114] n:1]` {
			t.Errorf("%s: raw is %s", f, showRaw(p.Raw))
		}
		if got := showValue(list); got != `[<nil> [113]]` {
			t.Errorf("%s: list is %s", f, got)
		}

		var r Raw
		if err := args.Bind(nil, &r); err != nil || showRaw(r) != "7" {
			t.Errorf("%s: got %s, %v", f, showRaw(r), err)
		}
		err := args.From(4).Bind(&list, &n)
		var e *EncodeError
		if !errors.As(err, &e) || e.Arg != 1 || !strings.Contains(err.Error(), "argument 1: missing") {
			t.Errorf("%s: got %v", f, err)
		}
		if err := args.Bind(&n); !errors.As(err, &e) || e.Arg != 0 {
			t.Errorf("%s: got %v", f, err)
		}
		var text struct{ Data string }
		if err := args.At(3).Decode(&text); !errors.Is(err, errBinaryString) || text.Data != "" {
			t.Errorf("%s: binary in a string: got %q, %v", f, text.Data, err)
		}
		if err := args.At(2).Decode(&s); !errors.Is(err, errBinaryString) {
			t.Errorf("%s: binary in a string: got %q, %v", f, s, err)
		}
		var message json.RawMessage
		if err := args.At(4).Decode(&message); err != nil || string(message) != `[null,"cQ=="]` {
			t.Errorf("%s: got %s, %v", f, message, err)
		}
		dict := map[string]map[string]any{}
		wrapped, _ := NewRaw(map[string]any{"a": map[string]any{"b": args.At(2)}})
		if err := wrapped.Decode(&dict); err != nil || showValue(dict["a"]["b"]) != "<62 69 6e>" {
			t.Errorf("%s: got %v, %v", f, dict, err)
		}
		var typed map[string]map[string][]byte
		if err := wrapped.Decode(&typed); err != nil || string(typed["a"]["b"]) != "bin" {
			t.Errorf("%s: got %v, %v", f, typed, err)
		}
	}
}

func TestRaw(t *testing.T) {
	for f, args := range both(t, "a\u2028\"", 1, []byte("12345"), map[string]any{"k": []byte("6")}) {
		if s, ok := args.At(0).String(); !ok || s != "a\u2028\"" {
			t.Errorf("%s: got %q, %v", f, s, ok)
		}
		if s, ok := args.At(1).String(); ok || s != "" {
			t.Errorf("%s: got %q, %v", f, s, ok)
		}
		if args.At(0).HasBinary() || args.At(1).HasBinary() || !args.At(2).HasBinary() || !args.At(3).HasBinary() {
			t.Errorf("%s: binary not told apart", f)
		}
		text, err := json.Marshal(args)
		if want := "[\"a\\u2028\\\"\",1,\"MTIzNDU=\",{\"k\":\"Ng==\"}]"; err != nil || string(text) != want {
			t.Errorf("%s: got %s, want %s, %v", f, text, want, err)
		}
		if args.Len() != 4 || len(args.Values()) != 4 || args.Size() < 5+1 {
			t.Errorf("%s: %d arguments of %d bytes", f, args.Len(), args.Size())
		}
		if got := args.From(1).To(1).Len(); got != 1 {
			t.Errorf("%s: got %d", f, got)
		}
	}

	var absent Raw
	if v, err := absent.Value(); v != nil || err != nil || !absent.IsZero() || absent.Size() != 0 || absent.HasBinary() {
		t.Errorf("absent: got %v, %v", v, err)
	}
	if err := absent.Decode(new(any)); err == nil {
		t.Error("the absent value was decoded")
	}
	if _, ok := absent.String(); ok {
		t.Error("the absent value is a string")
	}
	if text, err := json.Marshal(absent); err != nil || string(text) != "null" {
		t.Errorf("got %s, %v", text, err)
	}
	if Args.Len(Args{}) != 0 || !(Args{}).At(0).IsZero() || len((Args{}).Values()) != 0 {
		t.Error("the zero Args is not empty")
	}
	if r, err := NewRaw(nil); err != nil || r.IsZero() || showRaw(r) != "<nil>" {
		t.Errorf("null: got %s, %v", showRaw(r), err)
	}
	for _, text := range []string{``, `{`, `1 2`, "\"\xff\""} {
		if err := new(Raw).UnmarshalJSON([]byte(text)); err == nil {
			t.Errorf("%q was taken for JSON", text)
		}
	}
	if err := json.Unmarshal([]byte(` {"a":1} `), &absent); err != nil || showRaw(absent) != "map[a:1]" {
		t.Errorf("got %s, %v", showRaw(absent), err)
	}
}

// A string that looks like what stands for binary on the way must not be taken for it.
func TestBinaryCannotBeForged(t *testing.T) {
	in, err := feed(NewDecoder(Options{}), `51-["a",{"b":{"_placeholder":true,"num":0},"s":"Yg==","t":"Yg==\n\r\n"}]`, "b")
	if err != nil {
		t.Fatal(err)
	}
	if got := showRaw(in.Args.At(0)); got != `map[b:[98] s:Yg== t:Yg== `+"\r"+` ]` {
		t.Errorf("got %q", got)
	}
}

func TestErrorsAndNames(t *testing.T) {
	_, err := NewDecoder(Options{}).Text([]byte(`2["a",]`))
	if want := "socket.io packet: expected a JSON value (at byte 6)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	for k := KindEmpty; k <= KindSize; k++ {
		if k.String() == "unknown" || k.String() == "" {
			t.Errorf("kind %d has no word", k)
		}
	}
	for f, want := range map[Format]string{JSON: "json", Msgpack: "msgpack", Auto: "auto", 9: "unknown"} {
		if f.String() != want {
			t.Errorf("got %s, want %s", f, want)
		}
	}
	for k := Connect; k <= BinaryAck; k++ {
		if k.String() == "unknown" {
			t.Errorf("type %d has no name", k)
		}
	}
	if Type(7).String() != "unknown" || Kind(99).String() != "unknown" || Kind(0).String() != "unknown" {
		t.Error("what does not exist has a name")
	}
}
