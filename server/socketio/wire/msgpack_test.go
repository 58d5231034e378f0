package wire

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// unhex reads bytes written as hexadecimal digits and 'strings'.
func unhex(t *testing.T, s string) []byte {
	t.Helper()
	var out []byte
	for i, piece := range strings.Split(s, "'") {
		if i%2 == 1 {
			out = append(out, piece...)
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(piece, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}

// packed is a packet of the official parser with the type and the data given, as unhex takes it.
func packed(kind, data string) string {
	return "83 a4'type'" + kind + "a3'nsp' a1'/' a4'data'" + data
}

func TestDecodesMsgpack(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"82 a4'type'00 a3'nsp' a1'/'", `CONNECT /`},
		{packed("00", "d40000"), `CONNECT /`},
		{packed("00", "81 a5'token' a3'123'"), `CONNECT / map[token:123]`},
		{"82 a3'nsp' a6'/admin' a4'type'01", `DISCONNECT /admin`},
		{packed("02", "91 a3'foo'"), `EVENT / "foo"`},
		{"85 a4'type'02 a4'data'92 a3'foo' c403 010203 a7'options'81 a8'compress'c3 a2'id'0c a3'nsp'a1'/'", `EVENT / #12 "foo" <01 02 03>`},
		{"84 a4'type'02 a4'data'91 a3'foo' a2'id'd40000 a3'nsp'a1'/'", `EVENT / "foo"`},
		{"84 a4'type'03 a4'data'90 a2'id'cb 4008000000000000 a3'nsp'a1'/'", `ACK / #3`},
		{packed("cb 4000000000000000", "91 a1'a'"), `EVENT / "a"`},
		{packed("04", "a2'no'"), `CONNECT_ERROR / "no"`},
		{packed("04", "81 a7'message' a2'no'"), `CONNECT_ERROR / map[message:no]`},
		{packed("02", "92 07 c2"), `EVENT / "7" false`},
		{packed("02", "91 cb3ff8000000000000"), `EVENT / "1.5"`},
		{packed("02", "91 d0ff"), `EVENT / "-1"`},
		{"84 a4'data'c0 a4'type'01 a4'data'd40000 a3'nsp'a1'/'", `DISCONNECT /`},
		// every kind of value
		{packed("02", "99 a1'a' c0 c3 e0 ccff cdffff ceffffffff cf0000000100000000 d0 80"), `EVENT / "a" <nil> true -32 255 65535 4.294967295e+09 4.294967296e+09 -128`},
		{packed("02", "97 a1'a' d18000 d280000000 d3ffffffff00000000 ca3fc00000 cb7ff8000000000000 cb7ff0000000000000"), `EVENT / "a" -32768 -2.147483648e+09 -4.294967296e+09 1.5 <nil> <nil>`},
		{packed("02", "95 a1'a' d901'b' da0001'c' db00000001'd' c500020102"), `EVENT / "a" "b" "c" "d" <01 02>`},
		{packed("02", "94 a1'a' c60000000101 dc000103 dd0000000104"), `EVENT / "a" <01> [3] [4]`},
		{packed("02", "94 a1'a' 81a1'k'01 de0001a1'k'02 df00000001a1'k'03"), `EVENT / "a" map[k:1] map[k:2] map[k:3]`},
		{packed("02", "92 a1'a' 82 05 01 d1fffe 02"), `EVENT / "a" map[-2:2 5:1]`},
		// extensions of notepack.io
		{packed("02", "93 a1'a' d700 0000018bcfe5687b d700 ffffffffffffffff"), `EVENT / "a" "2023-11-14T22:13:20.123Z" "1969-12-31T23:59:59.999Z"`},
		{packed("02", "94 a1'a' d700 001eb208c2dc0000 d700 ffe14df73d240000 d700 7fffffffffffffff"), `EVENT / "a" "+275760-09-13T00:00:00.000Z" "-271821-04-20T00:00:00.000Z" <nil>`},
		{packed("02", "93 a1'a' d40000 82a1'u'd40000 a1'v'01"), `EVENT / "a" <nil> map[v:1]`},
		{packed("02", "94 a1'a' c70200 0102 c8000100 03 c9000000010004"), `EVENT / "a" <01 02> <03> <04>`},
		{packed("02", "93 a1'a' d401ff d5ff0102"), `EVENT / "a" [1 [255]] [-1 [1 2]]`},
		{packed("02", "92 a1'a' 82 ac'_placeholder' c3 a3'num'09"), `EVENT / "a" map[_placeholder:true num:9]`},
	} {
		p, err := NewDecoder(Options{Format: Msgpack}).Binary(unhex(t, c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := show(p); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestDecodesMsgpackOfProtocol4(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"83 a4'type'00 a3'nsp' aa'/admin?a=b' a5'query' a3'a=b'", `CONNECT /admin ?a=b`},
		{packed("05", "92 a1'a' c40101"), `EVENT / "a" <01>`},
		{"84 a4'type'06 a4'data'90 a2'id'01 a3'nsp'a1'/'", `ACK / #1`},
	} {
		p, err := NewDecoder(Options{Format: Msgpack, Protocol: 4}).Binary(unhex(t, c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := show(p); got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestRefusesMalformedMsgpack(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Kind
	}{
		{"", KindEmpty},
		{"c0", KindSyntax},
		{"90", KindSyntax},
		{"'0'", KindSyntax},
		{"df ffffffff", KindSyntax},
		{packed("02", "91 a1'a'") + "00", KindSyntax},
		{packed("02", "91"), KindSyntax},
		{packed("02", "92 a1'a'"), KindSyntax},
		{packed("02", "dd ffffffff a1'a'"), KindSyntax},
		{packed("02", "92 a1'a' dd ffffffff"), KindSyntax},
		{packed("02", "92 a1'a' df ffffffff"), KindSyntax},
		{packed("02", "92 a1'a' c6 ffffffff"), KindSyntax},
		{packed("02", "92 a1'a' db ffffffff"), KindSyntax},
		{packed("02", "92 a1'a' c9 ffffffff 00"), KindSyntax},
		{packed("02", "92 a1'a' c1"), KindSyntax},
		{packed("02", "92 a1'a' d7 00 0000"), KindSyntax},
		{packed("02", "92 a1'a' cf 0000"), KindSyntax},
		{packed("02", "92 a1'a' ca 00"), KindSyntax},
		{packed("02", "92 a1'a' c4"), KindSyntax},
		{packed("02", "92 a1'a' c7 01"), KindSyntax},
		{packed("02", "92 a1'a' 81 c0 01"), KindSyntax},
		{packed("02", "92 a1'a' 81 90 01"), KindSyntax},
		{packed("02", "92 a1'a' a1 ff"), KindUTF8},
		{packed("02", "92 a1'a' 81 a1 ff 00"), KindUTF8},
		{packed("02", "91 a1 ff"), KindUTF8},
		{packed("02", "92 a1'a'"+strings.Repeat("91", 256)+"00"), KindDepth},
		{packed("02", "92 a1'a'"+strings.Repeat("81 a0", 256)+"00"), KindDepth},
		{packed("02", "9c a1'a'"+strings.Repeat("c400", 11)), KindTooMany},
		{packed("02", "9c a1'a'"+strings.Repeat("d40101", 11)), KindTooMany},
		{packed("05", "91 a1'a'"), KindType},
		{packed("ff", "91 a1'a'"), KindType},
		{packed("a1'2'", "91 a1'a'"), KindType},
		{packed("cb 3ff8000000000000", "91 a1'a'"), KindType},
		{"82 a3'nsp' a1'/' a4'data'90", KindType},
		{"82 a4'type'02 a4'data'91a1'a'", KindNamespace},
		{"83 a4'type'02 a4'data'91a1'a' a3'nsp'c0", KindNamespace},
		{"83 a4'type'02 a4'data'91a1'a' a3'nsp'a0", KindNamespace},
		{"83 a4'type'02 a4'data'91a1'a' a3'nsp'a1'x'", KindNamespace},
		{"82 a4'type'00 a3'nsp' a3'/'1e'b'", KindNamespace},
		{"82 a4'type'00 a3'nsp' a4'/a,b'", KindNamespace},
		{"84 a4'type'02 a4'data'91a1'a' a3'nsp'a1'/' a2'id'ff", KindID},
		{"84 a4'type'02 a4'data'91a1'a' a3'nsp'a1'/' a2'id'c0", KindID},
		{"84 a4'type'02 a4'data'91a1'a' a3'nsp'a1'/' a2'id'a1'1'", KindID},
		{"84 a4'type'02 a4'data'91a1'a' a3'nsp'a1'/' a2'id'cf0020000000000000", KindID},
		{packed("03", "90"), KindID},
		{"82 a4'type'02 a3'nsp'a1'/'", KindPayload},
		{packed("02", "c0"), KindPayload},
		{packed("02", "81 a1'0' a1'a'"), KindPayload},
		{packed("03", "d40000"), KindPayload},
		{packed("00", "c0"), KindPayload},
		{packed("00", "90"), KindPayload},
		{packed("00", "a1'x'"), KindPayload},
		{packed("01", "80"), KindPayload},
		{packed("04", "90"), KindPayload},
		{"82 a4'type'04 a3'nsp'a1'/'", KindPayload},
		{packed("02", "90"), KindEvent},
		{packed("02", "91 c0"), KindEvent},
		{packed("02", "91 c40161"), KindEvent},
		{packed("02", "91 cb7ff8000000000000"), KindEvent},
		{packed("02", "91 da0401'"+strings.Repeat("x", 1025)+"'"), KindEvent},
		{packed("02", "91 aa'disconnect'"), KindReserved},
	} {
		p, err := NewDecoder(Options{Format: Msgpack}).Binary(unhex(t, c.in))
		if err == nil {
			t.Errorf("%.60s: got %s, want an error of kind %s", c.in, show(p), c.want)
			continue
		}
		t.Run(fmt.Sprintf("%.50s", c.in), func(t *testing.T) { hasKind(t, err, c.want) })
	}
}

func TestEncodesMsgpack(t *testing.T) {
	for _, c := range []struct {
		packet   *Outgoing
		protocol int
		want     string
	}{
		{&Outgoing{Type: Connect}, 5, "82 a4'type'00 a3'nsp'a1'/'"},
		{&Outgoing{Type: Connect, Payload: map[string]string{"sid": "x"}}, 5, "83 a4'type'00 a3'nsp'a1'/' a4'data'81 a3'sid' a1'x'"},
		{&Outgoing{Type: Connect, Payload: map[string]string{"sid": "x"}}, 4, "82 a4'type'00 a3'nsp'a1'/'"},
		{&Outgoing{Type: Disconnect, Namespace: "/a"}, 5, "82 a4'type'01 a3'nsp'a2'/a'"},
		{&Outgoing{Type: ConnectError, Payload: "no"}, 4, "83 a4'type'04 a3'nsp'a1'/' a4'data'a2'no'"},
		{&Outgoing{Type: Event, Event: "e", HasID: true, ID: 200}, 5, "84 a4'type'02 a3'nsp'a1'/' a4'data'91a1'e' a2'id'ccc8"},
		{&Outgoing{Type: Event, Event: "e", Offset: "o"}, 5, packedNsp("02", "92a1'e'a1'o'")},
		{&Outgoing{Type: Ack, HasID: true, Args: []any{[]byte{1}}}, 5, "84 a4'type'03 a3'nsp'a1'/' a4'data'91c40101 a2'id'00"},
		{
			event("e", nil, true, -1, int64(-200), uint64(1<<63), 2.0, -1.5, "\xffé", []byte(nil), Raw{}), 5,
			packedNsp("02", "9b a1'e' c0 c3 ff d1ff38 cf8000000000000000 02 cbbff8000000000000 a5 efbfbd'é' c0 c0"),
		},
		{
			event("e", map[string]any{"b": []byte("x"), "a": []any{1, 2.5, "s", nil, false}}), 5,
			packedNsp("02", "92 a1'e' 82 a1'a' 95 01 cb4004000000000000 a1's' c0 c2 a1'b' c401'x'"),
		},
		{event("e", 1e300, -1e19, 1e19), 5, packedNsp("02", "94 a1'e' cb7e37e43c8800759c cbc3e158e460913d00 cf8ac7230489e80000")},
	} {
		parts := mustEncode(t, c.packet, Msgpack, c.protocol)
		if len(parts) != 1 || !parts[0].Binary {
			t.Fatalf("got %s", showParts(parts))
		}
		if want := unhex(t, c.want); string(parts[0].Data) != string(want) {
			t.Errorf("got  % x\nwant % x", parts[0].Data, want)
		}
	}
}

func packedNsp(kind, data string) string {
	return "83 a4'type'" + kind + "a3'nsp'a1'/' a4'data'" + data
}

func TestTranscodesReceivedValues(t *testing.T) {
	const text = `2["a",{"k":[1,-2.5,"é\n",null,true,{}],"big":18446744073709551616,"e":1E2},[` + "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1" + `], "\ud83d\ude00" ]`
	in, err := feed(NewDecoder(Options{}), text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := again(mustEncode(t, event("a", in.Args), Msgpack, 5), Options{Format: Msgpack})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(p), show(in); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := `2["a",{"k":[1,-2.5,"é\n",null,true,{}],"big":18446744073709552000,"e":100},[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"😀"]`
	if got := showParts(mustEncode(t, event("a", p.Args), JSON, 5)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	in, err = feed(NewDecoder(Options{}), `51-["a",{"x":{"_placeholder":true,"num":0}},2]`, "bin")
	if err != nil {
		t.Fatal(err)
	}
	parts := mustEncode(t, event("a", in.Args, map[string]Raw{"raw": in.Args.At(0)}), Msgpack, 5)
	if want := unhex(t, packedNsp("02", "94 a1'a' 81a1'x'c403'bin' 02 81a3'raw'81a1'x'c403'bin'")); string(parts[0].Data) != string(want) {
		t.Errorf("got  % x\nwant % x", parts[0].Data, want)
	}
	if p, err = again(parts, Options{Format: Msgpack}); err != nil {
		t.Fatal(err)
	}
	if same := mustEncode(t, event("a", p.Args), Msgpack, 5); string(same[0].Data) != string(parts[0].Data) {
		t.Errorf("MessagePack to MessagePack is verbatim: got % x", same[0].Data)
	}
	wantText := `52-["a",{"x":{"_placeholder":true,"num":0}},2,{"raw":{"x":{"_placeholder":true,"num":1}}}] + <62 69 6e> + <62 69 6e>`
	if got := showParts(mustEncode(t, event("a", p.Args), JSON, 5)); got != wantText {
		t.Errorf("got  %s\nwant %s", got, wantText)
	}
}

func TestNumbersAndEscapesSurviveTranscoding(t *testing.T) {
	for _, text := range []string{
		`0`, `-1`, `-32`, `-33`, `-128`, `-129`, `-32768`, `-32769`, `-2147483648`, `-2147483649`, `-9223372036854775808`,
		`127`, `128`, `255`, `256`, `65535`, `65536`, `4294967295`, `4294967296`, `18446744073709551615`,
		`0.1`, `-2.5`, `1e+300`, `5e-324`, `0.000001`, `1e-7`,
		`"\b\f\n\r\t\u0001\"\\/é😀"`, `""`, `{"\n":1}`, `[ ]`,
	} {
		r, err := NewRaw(json.RawMessage(text))
		if err != nil {
			t.Fatal(err)
		}
		p, err := again(mustEncode(t, event("e", r), Msgpack, 5), Options{Format: Msgpack})
		if err != nil {
			t.Fatal(err)
		}
		want := "2[\"e\"," + strings.ReplaceAll(text, "[ ]", "[]") + "]"
		if got := showParts(mustEncode(t, event("e", p.Args), JSON, 5)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestLengthsAtTheEdgesOfMsgpack(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536} {
		list := make([]int, n)
		dict := map[string]int{}
		for i := range n {
			dict[fmt.Sprint(i)] = i
		}
		out := event("e", strings.Repeat("x", n), make([]byte, n), list, dict)
		p, err := again(mustEncode(t, out, Msgpack, 5), Options{Format: Msgpack})
		if err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		var s string
		var b []byte
		var l []int
		var m map[string]int
		if err := p.Args.Bind(&s, &b, &l, &m); err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		if len(s) != n || len(b) != n || len(l) != n || len(m) != n {
			t.Errorf("%d: got %d %d %d %d", n, len(s), len(b), len(l), len(m))
		}
	}
}
