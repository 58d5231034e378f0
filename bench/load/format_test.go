package load

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

func TestPacketsAsTheyAreOnTheWire(t *testing.T) {
	plain := &format{parser: JSON, nsp: "/"}
	news := &format{parser: JSON, nsp: "/news", prefix: []byte("/news,"), auth: []byte(`{"a":1}`)}
	binary := &format{parser: JSON, nsp: "/news", prefix: []byte("/news,"), binary: true}
	event := func(f *format, id int64, name, room, payload string) string {
		p, attachment := f.event(nil, id, name, room, []byte(payload))
		return fmt.Sprint(string(p), " ", attachment)
	}
	for got, want := range map[string]string{
		string(plain.bare(nil, sioConnect)):      `0`,
		string(news.bare(nil, sioConnect)):       `0/news,{"a":1}`,
		string(news.bare(nil, sioDisconnect)):    `1/news,`,
		event(plain, 7, "join", "bench", ""):     `27["join","bench"] false`,
		event(plain, noID, "say", "bench", "x"):  `2["say","bench","x"] false`,
		event(news, 12, "echo", "", "x"):         `2/news,12["echo","x"] false`,
		event(binary, noID, "say", "bench", "x"): `51-/news,["say","bench",{"_placeholder":true,"num":0}] true`,
		event(binary, 3, "echo", "", "x"):        `51-/news,3["echo",{"_placeholder":true,"num":0}] true`,
		event(binary, 0, "join", "bench", ""):    `2/news,0["join","bench"] false`,
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestTextIsRead(t *testing.T) {
	for p, want := range map[string]string{
		`0{"sid":"a"}`:            "0 0 - false",
		`0`:                       "0 0 - false",
		`1`:                       "1 0 - false",
		`4{"message":"no"}`:       "4 0 - false",
		`2["msg","abc"]`:          "2 0 abc false",
		`2[ "msg" , "a\u0062c" ]`: "2 0 abc false",
		`317["abc"]`:              "3 17 abc false",
		`30[""]`:                  "3 0  false",
		`51-["msg",{"_placeholder":true,"num":0}]`:  "2 0  true",
		`51-["msg",{"num":0, "_placeholder":true}]`: "2 0  true",
		`61-5[{"_placeholder":true,"num":0}]`:       "3 5  true",
	} {
		m, attachment := (&format{parser: JSON, nsp: "/"}).readText([]byte(p))
		arg := "-"
		if m.arg != nil {
			arg = string(m.arg)
		}
		if got := fmt.Sprintf("%c %d %s %v", m.kind, m.id, arg, attachment); got != want {
			t.Errorf("%s: %s, want %s", p, got, want)
		}
	}
	for _, p := range []string{
		"", "7", `2`, `2["message","a"]`, `2["msg"]`, `2["msg","a",1]`, `2["msg",1]`, `2["msg",null]`, `21["msg","a"]`, `2/x,["msg","a"]`,
		`3["a"]`, `3x["a"]`, `399999999999999999["a"]`, `2["msg","a"`, `5["msg","a"]`, `52-["msg",{"_placeholder":true,"num":0}]`,
		`51-["msg",{"_placeholder":true,"num":1}]`, `51-["msg",{"_placeholder":false,"num":0}]`, `51-["msg",{"_placeholder":true}]`, `51-["msg","a"]`, `0/x,`,
	} {
		if m, _ := (&format{parser: JSON, nsp: "/"}).readText([]byte(p)); m.kind != 0 {
			t.Errorf("%s: read as %c with %q", p, m.kind, m.arg)
		}
	}
}

// What notepack.io 2 makes of packets of npm's socket.io-msgpack-parser 3, and what
// other encoders of the same values do.
func TestMessagePackIsRead(t *testing.T) {
	for p, want := range map[string]string{
		"83 a474797065 02 a464617461 92 a36d7367 a3616263 a36e7370 a12f":                                           "2 0 abc false",
		"83 a474797065 02 a464617461 92 a36d7367 c403616263 a36e7370 a12f":                                         "2 0 abc true",
		"83 a474797065 cc02 a464617461 dc0002 d9036d7367 da0003616263 a36e7370 d9012f":                             "2 0 abc false",
		"84 a474797065 03 a464617461 91 a3616263 a36e7370 a12f a26964 cd0100":                                      "3 256 abc false",
		"84 a474797065 03 a464617461 91 c5000 3616263 a36e7370 a12f a26964 d30000000000000005":                     "3 5 abc true",
		"84 a474797065 02 a464617461 92 a36d7367 a3616263 a36e7370 a12f a76f7074696f6e73 81 a8636f6d7072657373 c3": "2 0 abc false",
		"84 a474797065 02 a464617461 92 a36d7367 a3616263 a36e7370 a12f a26964 d40000":                             "2 0 abc false",
		"83 a474797065 00 a464617461 81 a3736964 a161 a36e7370 a12f":                                               "0 0 - false",
		"82 a474797065 01 a36e7370 a12f":                                                                           "1 0 - false",
	} {
		b, err := hex.DecodeString(strings.ReplaceAll(p, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		m := (&format{parser: MsgPack, nsp: "/"}).readMsgPack(b)
		arg := "-"
		if m.arg != nil {
			arg = string(m.arg)
		}
		if got := fmt.Sprintf("%c %d %s %v", m.kind, m.id, arg, m.binary); got != want {
			t.Errorf("%s: %s, want %s", p, got, want)
		}
	}
}

func TestOtherMessagePackIsMalformed(t *testing.T) {
	pack := func(v any) []byte {
		b, err := msgpack.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	type m = map[string]any
	good := m{"type": 2, "nsp": "/", "data": []any{"msg", "abc"}}
	if got := (&format{parser: MsgPack, nsp: "/"}).readMsgPack(pack(good)); string(got.arg) != "abc" {
		t.Fatalf("read %q of a good one", got.arg)
	}
	for name, p := range map[string][]byte{
		"nothing":           {},
		"no map":            pack([]any{1}),
		"other namespace":   pack(m{"type": 2, "nsp": "/x", "data": []any{"msg", "abc"}}),
		"no namespace":      pack(m{"type": 2, "data": []any{"msg", "abc"}}),
		"no type":           pack(m{"nsp": "/", "data": []any{"msg", "abc"}}),
		"binary event":      pack(m{"type": 5, "nsp": "/", "data": []any{"msg", "abc"}}),
		"negative type":     pack(m{"type": -1, "nsp": "/"}),
		"no data":           pack(m{"type": 2, "nsp": "/"}),
		"other event":       pack(m{"type": 2, "nsp": "/", "data": []any{"echo", "abc"}}),
		"two arguments":     pack(m{"type": 2, "nsp": "/", "data": []any{"msg", "abc", "d"}}),
		"no argument":       pack(m{"type": 2, "nsp": "/", "data": []any{"msg"}}),
		"a number":          pack(m{"type": 2, "nsp": "/", "data": []any{"msg", 1}}),
		"event with id":     pack(m{"type": 2, "nsp": "/", "id": 1, "data": []any{"msg", "abc"}}),
		"ack without id":    pack(m{"type": 3, "nsp": "/", "data": []any{"abc"}}),
		"ack, negative id":  pack(m{"type": 3, "nsp": "/", "id": -5, "data": []any{"abc"}}),
		"something behind":  append(pack(good), 0),
		"cut":               pack(good)[:20],
		"endless":           {0xdf, 0xff, 0xff, 0xff, 0xff},
		"deep":              append([]byte{0x81, 0xa1, 'x'}, bytes.Repeat([]byte{0x91}, 100)...),
		"reserved code":     {0x81, 0xa1, 'x', 0xc1},
		"larger than it is": {0x81, 0xa1, 'x', 0xdb, 0xff, 0xff, 0xff, 0xff},
	} {
		if got := (&format{parser: MsgPack, nsp: "/"}).readMsgPack(p); got.kind != 0 {
			t.Errorf("%s: read as %c with %q", name, got.kind, got.arg)
		}
	}
}

func TestMessagePackIsWritten(t *testing.T) {
	for _, size := range []int{1, 31, 32, 255, 256, 65_535, 65_536} {
		for _, isBinary := range []bool{false, true} {
			f := &format{parser: MsgPack, nsp: "/news", binary: isBinary}
			payload := strings.Repeat("x", size)
			for _, id := range []int64{noID, 0, 127, 128, 1 << 33} {
				p, _ := f.event(nil, id, "msg", "", []byte(payload))
				var got struct {
					Type int    `msgpack:"type"`
					Nsp  string `msgpack:"nsp"`
					ID   *int64 `msgpack:"id"`
					Data []any  `msgpack:"data"`
				}
				if err := msgpack.Unmarshal(p, &got); err != nil {
					t.Fatalf("size %d, id %d: %v", size, id, err)
				}
				var want any = payload
				if isBinary {
					want = []byte(payload)
				}
				if got.Type != 2 || got.Nsp != "/news" || len(got.Data) != 2 || fmt.Sprint(got.Data[1]) != fmt.Sprint(want) {
					t.Errorf("size %d, id %d: %+.80v", size, id, got)
				}
				if (id == noID) != (got.ID == nil) || got.ID != nil && *got.ID != id {
					t.Errorf("id %v, want %d", got.ID, id)
				}
			}
		}
	}
}

func TestAuthIsWrittenAsMessagePack(t *testing.T) {
	const auth = `{"a":[1,-2.5,"x",true,false,null,70000,1e300],"b":{"c":{}}}`
	f, err := newFormat(Target{Auth: json.RawMessage(auth)}, Work{Parser: MsgPack})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Data map[string]any `msgpack:"data"`
	}
	if err := msgpack.Unmarshal(f.bare(nil, sioConnect), &got); err != nil {
		t.Fatal(err)
	}
	back, err := json.Marshal(got.Data)
	if want := strings.Replace(auth, "1e300", "1e+300", 1); err != nil || string(back) != want {
		t.Errorf("%s, error %v; want %s", back, err, want)
	}
}

func TestAnswersToDeflate(t *testing.T) {
	for answer, want := range map[string]string{
		"permessage-deflate":                             "true",
		"permessage-deflate; server_no_context_takeover": "false",
		"permessage-deflate;client_no_context_takeover":  "true",
		"permessage-deflate; server_max_window_bits=12":  "true",
		"permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=\"10\"": "false",
		"permessage-deflate; client_max_window_bits=12":                                                             "error",
		"x-webkit-deflate-frame":                 "error",
		"permessage-deflate, permessage-deflate": "error",
	} {
		keeps, err := deflateAnswer(answer)
		got := fmt.Sprint(keeps)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", answer, got, want)
		}
	}
}

// FuzzPacket: whatever a server sends is read or malformed, and what is read lies
// within it.
func FuzzPacket(f *testing.F) {
	for _, p := range []string{
		`2["msg","abc"]`, `317["abc"]`, `51-["msg",{"_placeholder":true,"num":0}]`, `0{"sid":"a"}`, `2 ["msg", "a\u0062"]`,
		"\x83\xa4type\x02\xa4data\x92\xa3msg\xc4\x03abc\xa3nsp\xa1/", "\x84\xa4type\x03\xa4data\x91\xa3abc\xa3nsp\xa1/\xa2id\xcd\x01\x00",
	} {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		m, _ := (&format{parser: JSON, nsp: "/"}).readText(p)
		if len(m.arg) > len(p)*3 { // escapes grow by three at most
			t.Errorf("%d bytes of %d", len(m.arg), len(p))
		}
		m = (&format{parser: MsgPack, nsp: "/"}).readMsgPack(p)
		if m.kind != 0 && m.arg != nil && !bytes.Contains(p, m.arg) {
			t.Errorf("argument %q of %q", m.arg, p)
		}
	})
}

// FuzzStream: frames mean the same however the network cuts them.
func FuzzStream(f *testing.F) {
	f.Add(append(serverFrame(opText, []byte(`42["a"]`)), serverFrame(opBinary, bytes.Repeat([]byte("x"), 200))...), uint16(9))
	f.Add(serverFrame(opText|rsv1, []byte("\x2a\x04\x00")), uint16(1))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint16) {
		read := func(parts ...[]byte) string {
			rec := &record{}
			w := newWebSocket(&client{app: rec, format: &format{parser: JSON, nsp: "/"}, tools: newTools(0), sid: "s"}, true)
			w.c.tr, w.open = w, true
			var err error
			for _, p := range parts {
				if err = w.feed(p); err != nil {
					break
				}
			}
			return fmt.Sprintf("%q, %d bytes of answers, %v", rec.packets, len(w.out), err)
		}
		at := min(int(cut), len(stream))
		if got, want := read(stream[:at], stream[at:]), read(stream); got != want {
			t.Errorf("cut at %d: %s, whole %s", at, got, want)
		}
	})
}
