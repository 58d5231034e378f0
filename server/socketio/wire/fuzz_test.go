package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

// canon is all there is to a packet, binary as base64, numbers and escapes as they came.
func canon(t *testing.T, p *Packet) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %d %v %q", p.Type, p.Namespace, p.ID, p.HasID, p.Event)
	for _, r := range append([]Raw{p.Payload}, rawsOf(p.Args)...) {
		text, err := r.MarshalJSON()
		if err != nil || !json.Valid(text) {
			t.Fatalf("not JSON: %q, %v", text, err)
		}
		fmt.Fprintf(&b, " %s", text)
	}
	return b.String()
}

func rawsOf(a Args) []Raw {
	all := make([]Raw, a.Len())
	for i := range all {
		all[i] = a.At(i)
	}
	return all
}

// outgoing is what relays a packet.
func outgoing(p *Packet) *Outgoing {
	return &Outgoing{Type: p.Type, Namespace: p.Namespace, ID: p.ID, HasID: p.HasID, Event: p.Event, Args: []any{p.Args}, Payload: p.Payload}
}

// relay encodes a packet and decodes that again; both must work for whatever was accepted.
func relay(t *testing.T, p *Packet, f Format) *Packet {
	t.Helper()
	parts, err := Encode(outgoing(p), f, 5)
	if err != nil {
		t.Fatalf("encoding %s: %v", canon(t, p), err)
	}
	for _, part := range parts {
		if !part.Binary && bytes.ContainsRune(part.Data, 0x1e) {
			t.Fatalf("a record separator in %q", part.Data)
		}
	}
	back, err := again(parts, Options{Format: f, MaxEventName: 1 << 20})
	if err != nil {
		t.Fatalf("decoding %s again: %v", showParts(parts), err)
	}
	return back
}

// relayEverywhere checks that a packet survives being relayed in every format.
func relayEverywhere(t *testing.T, p *Packet) {
	t.Helper()
	first := canon(t, p)
	once := relay(t, p, JSON)
	if got := canon(t, relay(t, once, JSON)); got != canon(t, once) {
		t.Fatalf("relayed twice: got %s, want %s", got, canon(t, once))
	}
	if !strings.Contains(first, "placeholder") && !strings.Contains(first, `\u`) {
		if got := canon(t, once); got != first {
			t.Fatalf("relayed: got %s, want %s", got, first)
		}
	}
	packed := relay(t, p, Msgpack)
	if got, want := canon(t, relay(t, packed, Msgpack)), canon(t, packed); got != want {
		t.Fatalf("relayed as MessagePack: got %s, want %s", got, want)
	}
	relay(t, relay(t, packed, JSON), Msgpack)
	for _, r := range append(rawsOf(p.Args), rawsOf(packed.Args)...) {
		a, errA := r.Value()
		var typed struct {
			X any
			B []byte
			R Raw
		}
		_ = r.Decode(&typed) // must not panic
		// Of equal keys in an object only the last is left in a, so that binary may go, but not come.
		if again, err := NewRaw(a); errA == nil && (err != nil || again.HasBinary() && !r.HasBinary()) {
			t.Fatalf("%s: value %v, %v", first, a, err)
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, text := range []string{
		`0`, `0/admin,`, `0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}`, `0/admin?token=abc,`, `4{"message":"Not authorized"}`,
		`4/a,"no"`, `1`, `1/admin,`, `2["foo"]`, `2/admin,["bar"]`, `212["foo"]`, `3/admin,13["bar"]`, `30[]`,
		`51-["baz",{"_placeholder":true,"num":0}]`, `52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`,
		`61-15["bar",{"_placeholder":true,"num":0}]`, `2["a",{"_placeholder":true,"num":3}]`, `51-["a",{"\u005fplaceholder":1}]`,
		`2[1.5,"\ud800\n",-0e-5,[[{}]],1e999,null]`, "2[\"é\u2028\"]",
	} {
		f.Add(text, []byte{1, 2, 3}, false)
		f.Add(text, []byte{}, true)
	}
	f.Fuzz(func(t *testing.T, text string, attachment []byte, protocol4 bool) {
		o := Options{}
		if protocol4 {
			o.Protocol = 4
		}
		d := NewDecoder(o)
		p, err := d.Text([]byte(text))
		for d.Pending() && err == nil {
			p, err = d.Binary(attachment)
		}
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset > len(text) || e.Offset < 0 || e.Kind.String() == "unknown" || p != nil {
				t.Fatalf("error %v, packet %v", err, p)
			}
			return
		}
		for _, r := range rawsOf(p.Args) {
			if !json.Valid(r.text()) {
				t.Fatalf("not JSON: %q", r.text())
			}
		}
		if !protocol4 {
			relayEverywhere(t, p)
		}
	})
}

func FuzzDecodeMsgpack(f *testing.F) {
	for _, p := range []*Outgoing{
		{Type: Connect},
		{Type: Connect, Namespace: "/admin", Payload: map[string]any{"token": "123"}},
		{Type: Disconnect},
		{Type: ConnectError, Payload: map[string]any{"message": "Not authorized"}},
		{Type: Event, Event: "foo", ID: 12, HasID: true},
		{Type: Event, Event: "baz", Args: []any{[]byte{1, 2, 3, 4}, -1, 1.5, 1e300, nil, true, "é", []any{map[string]any{"_placeholder": true, "num": 9}}}},
		{Type: Ack, ID: 13, HasID: true, Args: []any{"bar", []byte{}}},
	} {
		parts, err := Encode(p, Msgpack, 5)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(parts[0].Data, false)
		f.Add(parts[0].Data, true)
	}
	for _, data := range []string{
		"\x96\xa1a\xd4\x00\x00\xd7\x00\x00\x00\x01\x8b\xcf\xe5\x68\x7b\xc7\x02\x00ab\xd5\xffab\x82\x05\xd4\x00\x00\xff\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
		"\xdc\x00\x02\xa1a\xde\x00\x01\xa1k\xd9\x01v", "\xdd\x00\x00\x00\x01\x07",
	} {
		f.Add([]byte("\x83\xa4type\x02\xa3nsp\xa1/\xa4data"+data), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, protocol4 bool) {
		o := Options{Format: Msgpack}
		if protocol4 {
			o.Protocol = 4
		}
		p, err := NewDecoder(o).Binary(data)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset > len(data) || e.Offset < 0 || e.Kind.String() == "unknown" || p != nil {
				t.Fatalf("error %v, packet %v", err, p)
			}
			return
		}
		if !protocol4 {
			relayEverywhere(t, p)
		}
	})
}

func FuzzEncodeRoundTrip(f *testing.F) {
	f.Add("foo", "bar", []byte{1, 2, 3, 4}, 1.5, int64(-7), uint64(12), "")
	f.Add("baz", "\u2028\x1e\xff\"", []byte{}, 1e21, int64(math.MinInt64), uint64(0), "offset")
	f.Add("", "_placeholder", []byte("x"), 0.25, int64(1<<53), uint64(1<<53-1), "1-0")
	type value struct {
		S string         `json:"s"`
		B []byte         `json:"b"`
		F float64        `json:"f"`
		I int64          `json:"i"`
		M map[string]any `json:"m"`
	}
	f.Fuzz(func(t *testing.T, name, s string, b []byte, x float64, i int64, id uint64, offset string) {
		id &= maxSafeInteger
		s, name = strings.ToValidUTF8(s, "?"), strings.ToValidUTF8(name, "?")
		in := value{S: s, B: b, F: x, I: i, M: map[string]any{s: b, "list": []any{s, b, nil}}}
		out := &Outgoing{Type: Event, Namespace: "/ns", ID: id, HasID: true, Event: name, Args: []any{s, b, x, i, in, &in}, Offset: offset}
		for _, format := range []Format{JSON, Msgpack} {
			parts, err := Encode(out, format, 5)
			if Reserved(name) || math.IsNaN(x) || math.IsInf(x, 0) {
				if err == nil {
					t.Fatal("encoded what cannot be")
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			p, err := again(parts, Options{Format: format, MaxEventName: math.MaxInt32})
			if err != nil {
				t.Fatalf("%s: %v", showParts(parts), err)
			}
			if p.Event != name || p.ID != id || p.Namespace != "/ns" || p.Args.Len() < 6 {
				t.Fatalf("got %s", show(p))
			}
			var gotS string
			var gotB []byte
			var gotX float64
			var gotI int64
			var gotV, gotP value
			if err := p.Args.Bind(&gotS, &gotB, &gotX, &gotI, &gotV, &gotP); err != nil {
				t.Fatalf("%s: %v", showParts(parts), err)
			}
			if gotS != s || !bytes.Equal(gotB, b) || gotX != x || gotI != i {
				t.Fatalf("got %q %q %v %v", gotS, gotB, gotX, gotI)
			}
			for _, v := range []value{gotV, gotP} {
				if v.S != s || !bytes.Equal(v.B, b) || v.F != x || v.I != i || len(v.M) != len(in.M) {
					t.Fatalf("got %+v, want %+v", v, in)
				}
				if list, ok := v.M["list"].([]any); s != "list" && (!ok || list[0] != any(s)) {
					t.Fatalf("got %v", v.M)
				}
			}
		}
	})
}
