package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestDecodesTheExamplesOfTheProtocol(t *testing.T) {
	for _, c := range []struct {
		text        string
		attachments []string
		want        string
	}{
		{`0`, nil, `CONNECT /`},
		{`0/admin,`, nil, `CONNECT /admin`},
		{`0/admin`, nil, `CONNECT /admin`},
		{`0/,`, nil, `CONNECT /`},
		{`0{"token":"123"}`, nil, `CONNECT / map[token:123]`},
		{`0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}`, nil, `CONNECT /admin map[sid:oSO0OpakMV_3jnilAAAA]`},
		{`4{"message":"Not authorized"}`, nil, `CONNECT_ERROR / map[message:Not authorized]`},
		{`4/a,"no"`, nil, `CONNECT_ERROR /a "no"`},
		{`1`, nil, `DISCONNECT /`},
		{`1/admin,`, nil, `DISCONNECT /admin`},
		{`2["foo"]`, nil, `EVENT / "foo"`},
		{`2/admin,["bar"]`, nil, `EVENT /admin "bar"`},
		{`212["foo"]`, nil, `EVENT / #12 "foo"`},
		{`2/admin,1["tellme"]`, nil, `EVENT /admin #1 "tellme"`},
		{`3/admin,13["bar"]`, nil, `ACK /admin #13 "bar"`},
		{`30[]`, nil, `ACK / #0`},
		{`51-["baz",{"_placeholder":true,"num":0}]`, []string{"\x01\x02\x03\x04"}, `EVENT / "baz" <01 02 03 04>`},
		{
			`52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`,
			[]string{"\x01\x02", "\x03\x04"},
			`EVENT /admin "baz" <01 02> <03 04>`,
		},
		{`61-15["bar",{"_placeholder":true,"num":0}]`, []string{"\x01"}, `ACK / #15 "bar" <01>`},
		{`461-/admin,1[{"_placeholder":true,"num":0}]`[1:], []string{""}, `ACK /admin #1 <>`},
	} {
		p, err := feed(NewDecoder(Options{}), c.text, c.attachments...)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := show(p); got != c.want {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
}

func TestDecodesWhatIsUnusual(t *testing.T) {
	for _, c := range []struct {
		text        string
		attachments []string
		want        string
	}{
		{"2 [ \"a\" ,\t1 ,\r\n{ } ] ", nil, `EVENT / "a" 1 map[]`},
		{`2007["a"]`, nil, `EVENT / #7 "a"`},
		{`29007199254740991["a"]`, nil, `EVENT / #9007199254740991 "a"`},
		{`2["\u0061\n\"\ud83d\ude00"]`, nil, `EVENT / "a\n\"😀"`},
		{`2["\ud800x"]`, nil, "EVENT / \"\ufffdx\""},
		{`2["a","\ud800","\udc00\ud800","` + "\u2028" + `"]`, nil, "EVENT / \"a\" \"\ufffd\" \"\ufffd\ufffd\" \"\\u2028\""},
		{`2[""]`, nil, `EVENT / ""`},
		{`2[1,2]`, nil, `EVENT / "1" 2`},
		{`2[1.50]`, nil, `EVENT / "1.5"`},
		{`2[1e21]`, nil, `EVENT / "1e+21"`},
		{`2[-0]`, nil, `EVENT / "0"`},
		{`2[1e-7]`, nil, `EVENT / "1e-7"`},
		{`2["a",{"_placeholder":true,"num":5}]`, nil, `EVENT / "a" map[_placeholder:true num:5]`},
		{`51-["a"]`, []string{"unused"}, `EVENT / "a"`},
		{`51-["a",{"_placeholder":false,"num":7}]`, []string{"unused"}, `EVENT / "a" map[_placeholder:false num:7]`},
		{`51-["a",{"_placeholder":true,"_placeholder":null}]`, []string{"x"}, `EVENT / "a" map[_placeholder:<nil>]`},
		{`51-["a",{"num":0,"\u005fplaceholder":true}]`, []string{"x"}, `EVENT / "a" <78>`},
		{
			`52-["a",{"x":[{"_placeholder":true,"num":1}],"y":{"_placeholder":true,"num":0}}]`,
			[]string{"a", "b"},
			`EVENT / "a" map[x:[[98]] y:[97]]`,
		},
	} {
		p, err := feed(NewDecoder(Options{}), c.text, c.attachments...)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := show(p); got != c.want {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
}

func TestDecodesProtocol4(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`0/admin?token=abc,`, `CONNECT /admin ?token=abc`},
		{`0/admin?token=abc`, `CONNECT /admin ?token=abc`},
		{`0/?a=b&c=%2C`, `CONNECT / ?a=b&c=%2C`},
		{`0/admin?,`, `CONNECT /admin`},
		{`4/admin,"Not authorized"`, `CONNECT_ERROR /admin "Not authorized"`},
		{`4["a"]`, `CONNECT_ERROR / [a]`},
		{`4`, `CONNECT_ERROR /`},
		{`50-["forced binary",{"_placeholder":true,"num":0}]`, `EVENT / "forced binary" map[_placeholder:true num:0]`},
		{`2/admin,3["x"]`, `EVENT /admin #3 "x"`},
	} {
		p, err := feed(NewDecoder(Options{Protocol: 4}), c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := show(p); got != c.want {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
	p, err := feed(NewDecoder(Options{}), `0/admin?token=abc,`)
	if err != nil || p.Namespace != "/admin?token=abc" {
		t.Errorf("protocol 5 has no query: got %v, %v", p, err)
	}
}

func TestRefusesMalformedText(t *testing.T) {
	deep := strings.Repeat("[", 256) + strings.Repeat("]", 256)
	for _, c := range []struct {
		text string
		want Kind
	}{
		{``, KindEmpty},
		{`abc`, KindType},
		{`7`, KindType},
		{`9["a"]`, KindType},
		{`5["a"]`, KindAttachments},
		{`5-["a"]`, KindAttachments},
		{`50-["a"]`, KindAttachments},
		{`5`, KindAttachments},
		{`51`, KindAttachments},
		{`5x-["a"]`, KindAttachments},
		{`51.0-["a"]`, KindAttachments},
		{`5-1-["a"]`, KindAttachments},
		{`511-["a"]`, KindTooMany},
		{`599999999999999999999999-["a"]`, KindTooMany},
		{`0/` + strings.Repeat("x", 1024) + `,`, KindNamespace},
		{"0/a\x1eb,", KindNamespace},
		{"0/a\xffb,", KindNamespace},
		{`29007199254740992["a"]`, KindID},
		{`299999999999999999999["a"]`, KindID},
		{`3["a"]`, KindID},
		{`2`, KindPayload},
		{`2{}`, KindPayload},
		{`2"a"`, KindPayload},
		{`2null`, KindPayload},
		{`3`, KindPayload},
		{`31{}`, KindPayload},
		{`1{}`, KindPayload},
		{`1/admin,[]`, KindPayload},
		{`0[]`, KindPayload},
		{`0null`, KindPayload},
		{`0"x"`, KindPayload},
		{`4`, KindPayload},
		{`4[]`, KindPayload},
		{`4null`, KindPayload},
		{`2[]`, KindEvent},
		{`2[null]`, KindEvent},
		{`2[{}]`, KindEvent},
		{`2[["a"]]`, KindEvent},
		{`2[1e999]`, KindEvent},
		{`51-[{"_placeholder":true,"num":0}]`, KindEvent},
		{`2["` + strings.Repeat("x", 1025) + `"]`, KindEvent},
		{`2["` + strings.Repeat("x", 10250) + `"]`, KindEvent},
		{`2["connect"]`, KindReserved},
		{`2["\u0063onnect"]`, KindReserved},
		{`2["connect_error"]`, KindReserved},
		{`2["disconnect"]`, KindReserved},
		{`2["disconnecting"]`, KindReserved},
		{`2["newListener"]`, KindReserved},
		{`2["removeListener",1]`, KindReserved},
		{`2["a"`, KindSyntax},
		{`2["a"]]`, KindSyntax},
		{`2["a"] x`, KindSyntax},
		{`2["a",]`, KindSyntax},
		{`2["a" 1]`, KindSyntax},
		{`2[,"a"]`, KindSyntax},
		{`2["a",tru]`, KindSyntax},
		{`2["a",nul`, KindSyntax},
		{`2["a",01]`, KindSyntax},
		{`2["a",-]`, KindSyntax},
		{`2["a",.5]`, KindSyntax},
		{`2["a",1.]`, KindSyntax},
		{`2["a",1e]`, KindSyntax},
		{`2["a",+1]`, KindSyntax},
		{`2["a",NaN]`, KindSyntax},
		{`2["a",'b']`, KindSyntax},
		{`2["a",{b:1}]`, KindSyntax},
		{`2["a",{"b"}]`, KindSyntax},
		{`2["a",{"b":1,}]`, KindSyntax},
		{`2["a",{"b":1 "c":2}]`, KindSyntax},
		{`2["a","\x"]`, KindSyntax},
		{`2["a","\u12g4"]`, KindSyntax},
		{`2["a","\u12`, KindSyntax},
		{`2["a","b`, KindSyntax},
		{`2["a","b\`, KindSyntax},
		{"2[\"a\",\"\x1e\"]", KindSyntax},
		{"2[\"a\",\x1e1]", KindSyntax},
		{"2[\"a\"]\x1e", KindSyntax},
		{"2[\"a\",\"12345678\n\"]", KindSyntax},
		{"2[\"a\",\"\x00\"]", KindSyntax},
		{"2[\"a\",\u00a01]", KindSyntax},
		{"2[\"a\",\"\xff\"]", KindUTF8},
		{"2[\"a\",\"12345678\xc3\"]", KindUTF8},
		{"2[\"a\",\"\xed\xa0\x80\"]", KindUTF8},
		{"2[\"a\",\"\xc0\xaf\"]", KindUTF8},
		{"2[\"a\",{\"\xff\":1}]", KindUTF8},
		{`2["a",` + deep + `]`, KindDepth},
		{`2["a",` + strings.Repeat(`{"a":`, 256), KindDepth},
		{`51-["a",{"_placeholder":true}]`, KindPlaceholder},
		{`51-["a",{"_placeholder":true,"num":1}]`, KindPlaceholder},
		{`51-["a",{"_placeholder":true,"num":-1}]`, KindPlaceholder},
		{`51-["a",{"_placeholder":true,"num":0.5}]`, KindPlaceholder},
		{`51-["a",{"_placeholder":true,"num":"0"}]`, KindPlaceholder},
		{`51-["a",{"_placeholder":true,"num":0,"x":1}]`, KindPlaceholder},
		{`51-["a",{"\u005fplaceholder":true,"num":9}]`, KindPlaceholder},
		{`51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, KindPlaceholder},
		{`51-["a",{"_placeholder":true,"num":{"_placeholder":true,"num":0}}]`, KindPlaceholder},
	} {
		p, err := NewDecoder(Options{}).Text([]byte(c.text))
		if err == nil {
			t.Errorf("%.60q: got %s, want an error of kind %s", c.text, show(p), c.want)
			continue
		}
		t.Run(fmt.Sprintf("%.40q", c.text), func(t *testing.T) { hasKind(t, err, c.want) })
	}
}

func TestLimitsAreOptions(t *testing.T) {
	d := NewDecoder(Options{MaxDepth: 2, MaxEventName: 3, MaxNamespace: 4, MaxAttachments: 1})
	for _, ok := range []string{`2["abc",[],{}]`, `2["\u0061\u0062\u0063"]`, `0/abc,`} {
		if _, err := d.Text([]byte(ok)); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for text, want := range map[string]Kind{
		`2["a",[[]]]`: KindDepth, `2["abcd"]`: KindEvent, `0/abcd,`: KindNamespace, `52-["a"]`: KindTooMany,
	} {
		_, err := d.Text([]byte(text))
		hasKind(t, err, want)
	}
	deepest := `2["a",` + strings.Repeat("[", 255) + strings.Repeat("]", 255) + `]`
	if _, err := NewDecoder(Options{}).Text([]byte(deepest)); err != nil {
		t.Errorf("256 levels: %v", err)
	}
}

func TestAttachmentsComeInTurn(t *testing.T) {
	const event = `52-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`
	d := NewDecoder(Options{})
	_, err := d.Binary([]byte("x"))
	hasKind(t, err, KindUnexpected)

	if p, err := d.Text([]byte(event)); p != nil || err != nil || !d.Pending() {
		t.Fatalf("got %v, %v, pending %v", p, err, d.Pending())
	}
	_, err = d.Text([]byte(`2["b"]`))
	hasKind(t, err, KindUnexpected)
	if d.Pending() {
		t.Fatal("still pending after an error")
	}

	first := []byte("one")
	p, err := d.Text([]byte(event))
	if p != nil || err != nil {
		t.Fatalf("got %v, %v", p, err)
	}
	if p, err = d.Binary(first); p != nil || err != nil {
		t.Fatalf("got %v, %v", p, err)
	}
	copy(first, "XXX") // the caller may use its buffer again
	if p, err = d.Binary([]byte("two")); err != nil || d.Pending() {
		t.Fatalf("got %v, %v, pending %v", p, err, d.Pending())
	}
	if got, want := show(p), `EVENT / "a" <74 77 6f> <6f 6e 65>`; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if got := p.Args.Size(); got != 6+2*len(`{"_placeholder":true,"num":1}`) {
		t.Errorf("size %d", got)
	}
	_, err = d.Binary([]byte("three"))
	hasKind(t, err, KindUnexpected)
}

func TestDecoderKeepsItsOwnCopy(t *testing.T) {
	text := []byte(`2/chat,5["say",{"a":"hello"}]`)
	p, err := NewDecoder(Options{}).Text(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		text[i] = 'x'
	}
	if got, want := show(p), `EVENT /chat #5 "say" map[a:hello]`; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestAutoIsDecidedByTheFirstMessage(t *testing.T) {
	d := NewDecoder(Options{Format: Auto})
	if _, err := d.Text([]byte(`0`)); err != nil || d.Format() != JSON {
		t.Fatalf("got %v, format %s", err, d.Format())
	}
	d = NewDecoder(Options{Format: Auto})
	connect := mustEncode(t, &Outgoing{Type: Connect}, Msgpack, 5)
	if p, err := d.Binary(connect[0].Data); err != nil || p.Type != Connect || d.Format() != Msgpack {
		t.Fatalf("got %v, %v, format %s", p, err, d.Format())
	}
	_, err := d.Text([]byte(`0`))
	hasKind(t, err, KindUnexpected)
}

// The scanner must agree with encoding/json on what is JSON, but for UTF-8 and depth.
func TestGrammarIsThatOfEncodingJSON(t *testing.T) {
	pieces := []string{`"a"`, `"\u00e9\\"`, `1`, `-0`, `0.5e+3`, `1E5`, `00`, `[`, `]`, `{`, `}`, `:`, `,`, ` `, `true`, `nulL`, `"`, `\`}
	var text []byte
	var try func(n int)
	try = func(n int) {
		s := scanner{data: text, maxDepth: 99}
		s.space()
		ok := s.value(0) && s.end()
		if want := json.Valid(text); ok != want {
			t.Fatalf("%q: got %v, want %v (%v)", text, ok, want, s.err)
		}
		if n == 0 {
			return
		}
		for _, p := range pieces {
			before := len(text)
			text = append(text, p...)
			try(n - 1)
			text = text[:before]
		}
	}
	try(3)
}
