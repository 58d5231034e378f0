package wire

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
)

func event(name string, args ...any) *Outgoing {
	return &Outgoing{Type: Event, Event: name, Args: args}
}

func TestEncodesJSON(t *testing.T) {
	for _, c := range []struct {
		packet   *Outgoing
		protocol int
		want     string
	}{
		{&Outgoing{Type: Connect}, 5, `0`},
		{&Outgoing{Type: Connect, Payload: map[string]any{"sid": "x"}}, 5, `0{"sid":"x"}`},
		{&Outgoing{Type: Connect, Namespace: "/admin", Payload: map[string]any{"sid": "x"}}, 5, `0/admin,{"sid":"x"}`},
		{&Outgoing{Type: Connect, Namespace: "/admin", Payload: map[string]any{"sid": "x"}}, 4, `0/admin,`},
		{&Outgoing{Type: Connect, Payload: Raw{}}, 5, `0`},
		{&Outgoing{Type: Disconnect, Namespace: "/"}, 5, `1`},
		{&Outgoing{Type: Disconnect, Namespace: "/admin"}, 5, `1/admin,`},
		{&Outgoing{Type: ConnectError, Payload: map[string]any{"message": "Not authorized"}}, 5, `4{"message":"Not authorized"}`},
		{&Outgoing{Type: ConnectError, Namespace: "/a", Payload: "Not authorized"}, 4, `4/a,"Not authorized"`},
		{&Outgoing{Type: ConnectError, Payload: []byte{1}}, 4, `4"AQ=="`},
		{event("foo"), 5, `2["foo"]`},
		{&Outgoing{Type: Event, Event: "foo", ID: 12, HasID: true}, 5, `212["foo"]`},
		{&Outgoing{Type: Event, Event: "foo", Namespace: "/admin", ID: 0, HasID: true}, 5, `2/admin,0["foo"]`},
		{&Outgoing{Type: Event, Event: "foo", Offset: "abc", Args: []any{1}}, 5, `2["foo",1,"abc"]`},
		{&Outgoing{Type: Event, Event: "foo", Offset: "abc"}, 5, `2["foo","abc"]`},
		{&Outgoing{Type: Ack, Namespace: "/admin", ID: 13, HasID: true, Args: []any{"bar"}}, 5, `3/admin,13["bar"]`},
		{&Outgoing{Type: Ack, HasID: true, Offset: "not for acks"}, 5, `30[]`},
		{event("baz", []byte{1, 2, 3, 4}), 5, `51-["baz",{"_placeholder":true,"num":0}] + <01 02 03 04>`},
		{
			&Outgoing{Type: BinaryEvent, Event: "baz", Namespace: "/admin", Args: []any{[]byte{1, 2}, []byte{3, 4}}}, 5,
			`52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] + <01 02> + <03 04>`,
		},
		{&Outgoing{Type: Ack, ID: 15, HasID: true, Args: []any{"bar", []byte{1}}}, 5, `61-15["bar",{"_placeholder":true,"num":0}] + <01>`},
		{&Outgoing{Type: BinaryAck, ID: 15, HasID: true, Args: []any{"bar"}}, 5, `315["bar"]`},
		{
			event("v", nil, true, false, -1, int64(2), uint64(3), 4.5, 1e21, "<&>\u2028\x1e\x7f\"\\\n\xff"), 5,
			`2["v",null,true,false,-1,2,3,4.5,1e+21,"<&>` + "\u2028" + `\u001e` + "\x7f" + `\"\\\n` + "\ufffd" + `"]`,
		},
		{event("v", struct {
			A string `json:"a"`
			B *int   `json:"b,omitempty"`
		}{A: "<b>"}, int8(3), json.Number("12"), time.Unix(0, 0).UTC()), 5, `2["v",{"a":"<b>"},3,12,"1970-01-01T00:00:00Z"]`},
		{event("v", json.RawMessage(` {"a": 1}`), json.RawMessage(nil), []byte(nil)), 5, `2["v", {"a": 1},null,null]`},
		{event("v", []byte{}), 5, `51-["v",{"_placeholder":true,"num":0}] + <>`},
		{event("v", Raw{}, Args{}), 5, `2["v",null]`},
		{event(""), 5, `2[""]`},
	} {
		if got := showParts(mustEncode(t, c.packet, JSON, c.protocol)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

type blob []byte

type inner struct {
	Deep blob `json:"deep"`
}

type secret []byte

func (secret) MarshalText() ([]byte, error) { return []byte("hide"), nil }

type nested struct {
	inner
	Name       string          `json:"name"`
	Data       []byte          `json:"data"`
	Empty      []byte          `json:"empty,omitempty"`
	Nothing    []byte          `json:"nothing"`
	Skipped    []byte          `json:"-"`
	Secret     secret          `json:"secret"`
	Message    json.RawMessage `json:"message"`
	Any        any             `json:"any"`
	Map        map[string]blob `json:"map"`
	Next       *nested         `json:"next,omitempty"`
	Fixed      [2][]byte       `json:"fixed"`
	Array      [2]byte         `json:"array"`
	unexported []byte
}

func TestFindsBinaryAnywhere(t *testing.T) {
	v := nested{
		inner: inner{Deep: blob("a")}, Name: "n", Data: []byte("b"), Empty: []byte{}, Skipped: []byte("x"),
		Secret: secret("s"), Message: json.RawMessage(`"m"`), Any: []any{map[string]any{"k": []byte("c")}},
		Map: map[string]blob{"z": blob("e"), "y": blob("d")}, Fixed: [2][]byte{[]byte("f"), nil},
		Next: &nested{Message: json.RawMessage(`1`)}, unexported: []byte("u"),
	}
	parts := mustEncode(t, event("v", &v, 1), JSON, 5)
	const want = `56-["v",{"deep":{"_placeholder":true,"num":0},"name":"n","data":{"_placeholder":true,"num":1},"nothing":null,` +
		`"secret":"hide","message":"m","any":[{"k":{"_placeholder":true,"num":2}}],` +
		`"map":{"y":{"_placeholder":true,"num":3},"z":{"_placeholder":true,"num":4}},` +
		`"next":{"deep":null,"name":"","data":null,"nothing":null,"secret":"hide","message":1,"any":null,"map":null,"fixed":[null,null],"array":[0,0]},` +
		`"fixed":[{"_placeholder":true,"num":5},null],"array":[0,0]},1] + <61> + <62> + <63> + <64> + <65> + <66>`
	if got := showParts(parts); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if string(v.Data) != "b" || string(v.Map["y"]) != "d" || string(v.Deep) != "a" || string(v.unexported) != "u" {
		t.Error("the value was changed")
	}

	p, err := again(mustEncode(t, event("v", &v), Msgpack, 5), Options{Format: Msgpack})
	if err != nil {
		t.Fatal(err)
	}
	var back nested
	if err := p.Args.Bind(&back); err != nil {
		t.Fatal(err)
	}
	if string(back.Deep) != "a" || string(back.Data) != "b" || string(back.Map["z"]) != "e" || string(back.Fixed[0]) != "f" {
		t.Errorf("by MessagePack: %+v", back)
	}
	if got := showValue(back.Any); got != `[map[k:[99]]]` {
		t.Errorf("by MessagePack: any is %s", got)
	}
}

func TestReceivedValuesInsideGoValues(t *testing.T) {
	in, err := feed(NewDecoder(Options{}), `52-["a",{"x":{"_placeholder":true,"num":1}},[{"_placeholder":true,"num":0}],3]`, "zero", "one")
	if err != nil {
		t.Fatal(err)
	}
	type say struct {
		From string
		What Raw
		All  Args
		Tail []Raw
	}
	out := event("say", say{From: "me", What: in.Args.At(0), All: in.Args, Tail: []Raw{in.Args.At(2)}})
	const want = `53-["say",{"From":"me","What":{"x":{"_placeholder":true,"num":0}},` +
		`"All":[{"x":{"_placeholder":true,"num":1}},[{"_placeholder":true,"num":2}],3],"Tail":[3]}] + <6f 6e 65> + <6f 6e 65> + <7a 65 72 6f>`
	if got := showParts(mustEncode(t, out, JSON, 5)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestRelaysArguments(t *testing.T) {
	in, err := feed(NewDecoder(Options{}), `52-["say","room", {"x" : {"_placeholder":true,"num":1} },{"num":0,"_placeholder":true}]`, "zero", "one")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []any
		want string
	}{
		{[]any{in.Args.From(1)}, `52-["msg",{"x" : {"_placeholder":true,"num":0} },{"_placeholder":true,"num":1}] + <6f 6e 65> + <7a 65 72 6f>`},
		{in.Args.From(2).Values(), `51-["msg",{"_placeholder":true,"num":0}] + <7a 65 72 6f>`},
		{[]any{in.Args.To(1)}, `2["msg","room"]`},
		{[]any{in.Args.To(-2), 5}, `2["msg","room",5]`},
		{
			[]any{[]byte("new"), in.Args.At(2), in.Args.At(2)},
			`53-["msg",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},{"_placeholder":true,"num":2}] + <6e 65 77> + <7a 65 72 6f> + <7a 65 72 6f>`,
		},
		{[]any{in.Args.From(9), in.Args.At(9), in.Args.At(-1)}, `2["msg",null,null]`},
	} {
		if got := showParts(mustEncode(t, event("msg", c.args...), JSON, 5)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestLoneSurrogatesAreRelayedAsTheyCame(t *testing.T) {
	in, err := feed(NewDecoder(Options{}), `2["a","\ud800",{"\udfff":"\uD83D"}]`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `2["a","\ud800",{"\udfff":"\uD83D"}]` // ASCII, which every JSON.parse takes
	if got := showParts(mustEncode(t, event("a", in.Args), JSON, 5)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	packed := mustEncode(t, event("a", in.Args), Msgpack, 5)
	if p, err := again(packed, Options{Format: Msgpack}); err != nil || show(p) != "EVENT / \"a\" \"\ufffd\" map[\ufffd:\ufffd]" {
		t.Errorf("by MessagePack: %v, %v", show(p), err)
	}
}

// The official client throws "illegal attachments", and drops its connection, for any object with
// "_placeholder": true whose number is out of range. A text event may contain such an object.
func TestLookalikesNeverReachAClientAsPlaceholders(t *testing.T) {
	in, err := feed(NewDecoder(Options{}), `2["a",{"_placeholder":true,"num":9},[{"\u005fplaceholder":true,"num":0}],{"_placeholder":{"_placeholder":true}}]`)
	if err != nil {
		t.Fatal(err)
	}
	text := `["b",{"_placeholder":true,"num":9},[{"\u005fplaceholder":true,"num":0}],{"_placeholder":{"_placeholder":true}}]`
	if got := showParts(mustEncode(t, event("b", in.Args), JSON, 5)); got != "2"+text {
		t.Errorf("in a text packet it stays: got %s", got)
	}
	lookalike := map[string]any{"_placeholder": true, "num": 3}
	out := event("b", in.Args, lookalike, []byte("x"), map[string]any{"_placeholder": false, "b": []byte("y")}, json.RawMessage(`{"_placeholder" : 1}`))
	const want = `52-["b",{"_placeholder":false,"num":9},[{"\u005fplaceholder":false,"num":0}],{"_placeholder":false},` +
		`{"_placeholder":false,"num":3},{"_placeholder":true,"num":0},{"_placeholder":false,"b":{"_placeholder":true,"num":1}},` +
		`{"_placeholder" : false}] + <78> + <79>`
	got := showParts(mustEncode(t, out, JSON, 5))
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r, err := NewRaw([]any{lookalike, []byte("z")})
	if err != nil || showRaw(r) != `[map[_placeholder:false num:3] [122]]` {
		t.Errorf("NewRaw: got %s, %v", showRaw(r), err)
	}
	packed, err := again(mustEncode(t, event("b", in.Args.At(0), []byte("x")), Msgpack, 5), Options{Format: Msgpack})
	if err != nil || show(packed) != `EVENT / "b" map[_placeholder:true num:9] <78>` {
		t.Errorf("MessagePack has no placeholders: got %s, %v", show(packed), err)
	}
	relayed := showParts(mustEncode(t, event("b", packed.Args), JSON, 5))
	if relayed != `51-["b",{"_placeholder":false,"num":9},{"_placeholder":true,"num":0}] + <78>` {
		t.Errorf("from MessagePack: got %s", relayed)
	}
}

type node struct {
	Next *node
	Data []byte
}

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New("broken on purpose") }

type notUTF8 struct{}

func (notUTF8) MarshalJSON() ([]byte, error) { return []byte("\"\xff\""), nil }

func TestWhatCannotBeEncodedNamesTheArgument(t *testing.T) {
	cycle := &node{}
	cycle.Next = cycle
	loop := map[string]any{}
	loop["a"] = []any{loop, loop}
	for _, format := range []Format{JSON, Msgpack} {
		for _, bad := range []any{
			math.NaN(), math.Inf(1), float32(math.Inf(-1)), make(chan int), func() {}, complex(1, 2),
			map[string]any{"x": []byte("y"), "z": math.NaN()},
			cycle, loop,
			failing{},
			json.RawMessage(`{`), json.RawMessage("\"\xff\""),
			map[bool]int{true: 1},
		} {
			_, err := Encode(event("a", "fine", bad), format, 5)
			var e *EncodeError
			if !errors.As(err, &e) || e.Arg != 1 || !strings.HasPrefix(err.Error(), "argument 1: ") {
				t.Errorf("%s %T: got %v", format, bad, err)
			}
		}
		_, err := Encode(&Outgoing{Type: ConnectError, Payload: math.NaN()}, format, 5)
		if err == nil || !strings.HasPrefix(err.Error(), "payload: ") {
			t.Errorf("payload: got %v", err)
		}
		if _, err := Encode(event("disconnect"), format, 5); !errors.Is(err, ErrReserved) {
			t.Errorf("reserved: got %v", err)
		}
		if _, err := Encode(&Outgoing{Type: Ack}, format, 5); err == nil {
			t.Error("an ACK without an id was encoded")
		}
		if _, err := Encode(&Outgoing{Type: 7}, format, 5); err == nil {
			t.Error("type 7 was encoded")
		}
		for _, ns := range []string{"admin", "/a,b", "/a\x1e", "/\xff"} {
			if _, err := Encode(&Outgoing{Type: Disconnect, Namespace: ns}, format, 5); err == nil {
				t.Errorf("namespace %q was encoded", ns)
			}
		}
	}
	if _, err := Encode(event("a"), Auto, 5); err == nil {
		t.Error("format auto was encoded")
	}
	if got := showParts(mustEncode(t, event("a", notUTF8{}), JSON, 5)); got != "2[\"a\",\"\ufffd\"]" {
		t.Errorf("a Marshaler's invalid UTF-8: got %q", got)
	}
	if _, err := NewRaw(make(chan int)); err == nil {
		t.Error("NewRaw took a channel")
	}
}

func TestNotMoreAttachmentsThanAClientTakes(t *testing.T) {
	var args []any
	for range 10 {
		args = append(args, []byte("x"))
	}
	mustEncode(t, event("a", args...), JSON, 5)
	args = append(args, []byte("x"))
	if _, err := Encode(event("a", args...), JSON, 5); !errors.Is(err, ErrTooMany) {
		t.Errorf("got %v", err)
	}
	mustEncode(t, event("a", args...), Msgpack, 5)
	for _, limit := range []int{11, -1} {
		out := event("a", args...)
		out.MaxAttachments = limit
		mustEncode(t, out, JSON, 5)
	}
}
