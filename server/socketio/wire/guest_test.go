package wire

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestGuestsReadEvents(t *testing.T) {
	raw := func(text string) Raw {
		var r Raw
		if err := r.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return r
	}
	list, err := ParseArgs([]byte(`["a", 1]`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		packet        *Outgoing
		room          string
		plain, stream string
	}{
		{&Outgoing{Type: Event, Event: "msg"}, "", `{"type":"event","event":"msg","data":[]}`, "event: msg\ndata: []\n\n"},
		{
			&Outgoing{Type: Event, Event: "msg", Args: []any{"x"}, Offset: "o-1"}, `lob"by`,
			`{"type":"event","room":"lob\"by","event":"msg","data":["x"],"offset":"o-1"}`, "id: o-1\nevent: msg\ndata: \"x\"\n\n",
		},
		{
			&Outgoing{Type: Event, Event: "msg", Args: []any{list, []byte{1, 2}}, ID: 7, HasID: true}, "",
			`{"type":"event","event":"msg","data":["a",1,{"base64":"AQI="}],"id":7}`, "event: msg\ndata: [\"a\",1,{\"base64\":\"AQI=\"}]\n\n",
		},
		{&Outgoing{Type: Event, Event: "a\r\nb", Args: []any{1}}, "", `{"type":"event","event":"a\r\nb","data":[1]}`, "event: a\\r\\nb\ndata: 1\n\n"},
		{
			&Outgoing{Type: Event, Event: "e", Args: []any{raw("{\n\"a\":\r\n\"\\n\"}")}, Offset: "no\nid"}, "",
			"{\"type\":\"event\",\"event\":\"e\",\"data\":[{\n\"a\":\r\n\"\\n\"}],\"offset\":\"no\\nid\"}", "event: e\ndata: { \"a\":  \"\\n\"}\n\n",
		},
	} {
		plain, err := EncodePlain(c.packet, c.room)
		if err != nil || string(plain) != c.plain || !json.Valid(plain) {
			t.Errorf("plain: %s, %v; want %s", plain, err, c.plain)
		}
		stream, err := EncodeStream(c.packet)
		if err != nil || string(stream) != c.stream {
			t.Errorf("stream: %q, %v; want %q", stream, err, c.stream)
		}
	}
	if got, err := EncodePlain(&Outgoing{Type: Ack, ID: 3, HasID: true, Args: []any{"ok"}}, "no"); err != nil || string(got) != `{"type":"ack","data":["ok"],"id":3}` {
		t.Errorf("ack: %s, %v", got, err)
	}
	if got, err := EncodePlainError(3, map[string]string{"code": "x"}); err != nil || string(got) != `{"type":"error","id":3,"error":{"code":"x"}}` {
		t.Errorf("error: %s, %v", got, err)
	}
	if _, err := EncodeStream(&Outgoing{Type: Event, Event: "e", Args: []any{make(chan int)}}); err == nil {
		t.Error("a channel was encoded")
	}
}

func TestNamespacesThatGuestsMayAskFor(t *testing.T) {
	for name, ok := range map[string]bool{
		"/": true, "/news": true, "": false, "news": false, "/a,b": false, "/a\n": false, "/" + strings.Repeat("x", DefaultMaxNamespace): false,
	} {
		if err := CheckNamespace(name); (err == nil) != ok {
			t.Errorf("%.20q: %v", name, err)
		}
	}
}

// FuzzParseArgs: what is taken is JSON that a stream has on one line.
func FuzzParseArgs(f *testing.F) {
	for _, text := range []string{`[1,"a"]`, ` {"a":[]} `, "[1,\n2]", `"x"`, ``, `[`, `null`, `[[[]]]`, `1 2`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		args, err := ParseArgs(text)
		if err != nil {
			return
		}
		plain, err := EncodePlain(&Outgoing{Type: Event, Event: "e", Args: []any{args}}, "")
		if err != nil || !json.Valid(plain) {
			t.Fatalf("%q became %q, %v", text, plain, err)
		}
		stream, err := EncodeStream(&Outgoing{Type: Event, Event: "e", Args: []any{args}})
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(stream), "\n")
		data, ok := strings.CutPrefix(lines[1], "data: ")
		if len(lines) != 4 || strings.ContainsRune(string(stream), '\r') || !ok || !json.Valid([]byte(data)) {
			t.Fatalf("%q became %q", text, stream)
		}
	})
}
