package wire

import (
	"strings"
	"testing"
)

var payload64 = strings.Repeat("x", 64)

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"connect", `0/chat,{"token":"abc"}`},
		{"event 64 B", `2["say","room","` + payload64 + `"]`},
		{"event with ack in a namespace", `2/chat,12["say","room","` + payload64 + `"]`},
		{"event with object", `2["say",{"room":"a","text":"` + payload64 + `","at":1700000000123,"tags":["a","b"]}]`},
		{"event 16 KiB", `2["say","` + strings.Repeat(payload64, 256) + `"]`},
		{"ack", `312["ok"]`},
		{"header alone", `1/chat,`},
	} {
		b.Run(c.name, func(b *testing.B) {
			d := NewDecoder(Options{})
			text := []byte(c.text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Text(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, c := range []struct {
		name string
		args []any
	}{{"64 B", []any{"room", payload64}}, {"attachment", []any{[]byte(payload64)}}, {"3 attachments", threeAttachments}} {
		b.Run("msgpack "+c.name, func(b *testing.B) {
			parts, err := Encode(&Outgoing{Type: Event, Event: "say", Args: c.args}, Msgpack, 5)
			if err != nil {
				b.Fatal(err)
			}
			decodeAll(b, Msgpack, parts)
		})
	}
	for _, c := range []struct {
		name string
		args []any
	}{{"attachment", []any{[]byte(payload64)}}, {"3 attachments", threeAttachments}} {
		b.Run(c.name, func(b *testing.B) {
			parts, err := Encode(&Outgoing{Type: Event, Event: "say", Args: c.args}, JSON, 5)
			if err != nil {
				b.Fatal(err)
			}
			decodeAll(b, JSON, parts)
		})
	}
}

var threeAttachments = []any{[]byte(payload64), map[string]any{"a": []byte(payload64), "b": []byte(payload64)}}

// decodeAll decodes the messages of one packet.
func decodeAll(b *testing.B, f Format, parts []Part) {
	b.Helper()
	d := NewDecoder(Options{Format: f})
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range parts {
			take := d.Text
			if p.Binary {
				take = d.Binary
			}
			if _, err := take(p.Data); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// A packet that is received costs two pieces of memory: itself, and a copy of its bytes,
// which it keeps.
func TestDecodingAllocatesThePacketAndItsBytes(t *testing.T) {
	for _, text := range []string{
		`2["say","room","` + payload64 + `"]`,
		`2/chat,12["say","room","` + payload64 + `"]`,
		`312["ok"]`,
	} {
		d := NewDecoder(Options{})
		in := []byte(text)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := d.Text(in); err != nil {
				t.Fatal(err)
			}
		}); n > 2 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
	parts, err := Encode(&Outgoing{Type: Event, Event: "say", Args: []any{"room", payload64}}, Msgpack, 5)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder(Options{Format: Msgpack})
	if n := testing.AllocsPerRun(100, func() {
		if _, err := d.Binary(parts[0].Data); err != nil {
			t.Fatal(err)
		}
	}); n > 2 {
		t.Errorf("MessagePack: %v allocations", n)
	}
}

func BenchmarkEncode(b *testing.B) {
	in, err := NewDecoder(Options{}).Text([]byte(`2["say","room","` + payload64 + `"]`))
	if err != nil {
		b.Fatal(err)
	}
	type message struct {
		Room string   `json:"room"`
		Text string   `json:"text"`
		At   int64    `json:"at"`
		Tags []string `json:"tags"`
	}
	type upload struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	m := message{"a", payload64, 1700000000123, []string{"a", "b"}}
	for _, c := range []struct {
		name string
		args []any
	}{
		{"relayed", []any{in.Args.From(1)}},
		{"string", []any{payload64}},
		{"struct", []any{m}},
		{"map", []any{map[string]any{"room": "a", "text": payload64, "at": 1700000000123}}},
		{"struct with binary", []any{upload{"a", []byte(payload64)}}},
		{"binary", []any{[]byte(payload64)}},
		{"3 attachments", threeAttachments},
	} {
		for _, f := range []Format{JSON, Msgpack} {
			b.Run(c.name+" "+f.String(), func(b *testing.B) {
				out := &Outgoing{Type: Event, Event: "msg", Args: c.args}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Encode(out, f, 5); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkEncodeAck is the answer to most events.
func BenchmarkEncodeAck(b *testing.B) {
	for _, f := range []Format{JSON, Msgpack} {
		b.Run(f.String(), func(b *testing.B) {
			out := &Outgoing{Type: Ack, HasID: true, ID: 12, Args: []any{"ok"}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Encode(out, f, 5); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBind(b *testing.B) {
	in, err := NewDecoder(Options{}).Text([]byte(`2["say","room",{"text":"` + payload64 + `","n":5}]`))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var room string
		var m struct {
			Text string `json:"text"`
			N    int    `json:"n"`
		}
		if err := in.Args.Bind(&room, &m); err != nil {
			b.Fatal(err)
		}
	}
}
