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
	b.Run("msgpack 64 B", func(b *testing.B) {
		parts, err := Encode(&Outgoing{Type: Event, Event: "say", Args: []any{"room", payload64}}, Msgpack, 5)
		if err != nil {
			b.Fatal(err)
		}
		d := NewDecoder(Options{Format: Msgpack})
		b.SetBytes(int64(len(parts[0].Data)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.Binary(parts[0].Data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("binary 64 B", func(b *testing.B) {
		d := NewDecoder(Options{})
		text, attachment := []byte(`51-["say",{"_placeholder":true,"num":0}]`), []byte(payload64)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := d.Text(text); err != nil {
				b.Fatal(err)
			}
			if _, err := d.Binary(attachment); err != nil {
				b.Fatal(err)
			}
		}
	})
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
