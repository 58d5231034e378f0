package redis

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/cluster"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// What notepack.io 3.0.1 makes of the messages of @socket.io/redis-adapter 8.3 and
// @socket.io/redis-emitter 5.1.
const (
	fromNode = "93a675696431323383a47479706502a46461746194a46e65777301a374776fc0a36e7370a12f83a5726f6f6d7391a172a665786365707492a178a179a5666c61677382a8766f6c6174696c65c3a8636f6d7072657373c2"
	// The rooms 5, -1.5, "5", except 300 and 70000; an argument is a Date.
	fromEmitter = "93a7656d697474657283a47479706502a46461746192a16ed7ff380743006925759aa36e7370a12f83a5726f6f6d739305cbbff8000000000000a135a5666c61677380a665786365707492cd012cce00011170"
	withBinary  = "93a675696431323383a47479706502a46461746194a162c402010281a163c40103c0a36e7370a52f6368617483a5726f6f6d7390a665786365707490a5666c61677381a662696e617279c3"
	withoutMore = "93a675696431323382a47479706502a46461746191a17882a5726f6f6d7390a665786365707490" // neither nsp nor flags
	asking      = "85a3756964a6756964313233a9726571756573744964a6726571343536a47479706507a67061636b657483a47479706502a46461746192a17181a16101a36e7370a12fa46f70747383a5726f6f6d739107a665786365707490a5666c61677382a774696d656f7574cd05dcb465787065637453696e676c65526573706f6e7365c2"
	ack         = "83a47479706509a9726571756573744964a6726571343536a67061636b657492a16101"
	ackOfNone   = "82a47479706509a9726571756573744964a6726571343536"
	ackOfBinary = "83a47479706509a9726571756573744964a6726571343536a67061636b6574c4026869"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func all([]string) bool { return true }

func argsText(t *testing.T, args []any) string {
	t.Helper()
	text, _, err := wire.AppendJSONList(nil, args)
	if err != nil {
		t.Fatal(err)
	}
	if text == nil { // there is binary in it
		a, _ := args[0].(socketio.Args)
		if text, err = a.MarshalJSON(); err != nil {
			t.Fatal(err)
		}
	}
	return string(text)
}

func TestBroadcastsOfNode(t *testing.T) {
	for name, tc := range map[string]struct {
		payload, namespace, from, event, args string
		target                                socketio.Target
	}{
		"plain": {
			fromNode, "/", "uid123", "news", `[1,"two",null]`,
			socketio.Target{Rooms: []string{"r"}, Except: []string{"x", "y"}, Flags: socketio.Flags{Volatile: true, NoCompress: true}},
		},
		"emitter": {
			fromEmitter, "/", "emitter", "n", `["2025-11-25T09:23:38.235Z"]`,
			socketio.Target{Rooms: []string{"5", "-1.5", "5"}, Except: []string{"300", "70000"}},
		},
		"binary":           {withBinary, "/chat", "uid123", "b", `["AQI=",{"c":"Aw=="},null]`, socketio.Target{}},
		"nothing optional": {withoutMore, "/", "uid123", "x", `[]`, socketio.Target{}},
	} {
		m, err := decodeBroadcast("self", tc.namespace, unhex(t, tc.payload), all)
		if err != nil || m == nil {
			t.Errorf("%s: %v, %v", name, m, err)
			continue
		}
		if m.Kind != cluster.KindBroadcast || m.From != tc.from || m.Packet.Event() != tc.event || m.Packet.Namespace() != tc.namespace ||
			argsText(t, m.Packet.Args()) != tc.args || m.Request != "" || m.Target.Flags != tc.target.Flags ||
			!slices.Equal(m.Target.Rooms, tc.target.Rooms) || !slices.Equal(m.Target.Except, tc.target.Except) {
			t.Errorf("%s: %+v, %s(%s)", name, m, m.Packet.Event(), argsText(t, m.Packet.Args()))
		}
	}
}

func TestBroadcastsThatAreNotForThisNode(t *testing.T) {
	for name, decode := range map[string]func() (*cluster.Message, error){
		"its own": func() (*cluster.Message, error) { return decodeBroadcast("uid123", "/", unhex(t, fromNode), all) },
		"another namespace": func() (*cluster.Message, error) {
			return decodeBroadcast("self", "/other", unhex(t, fromNode), all)
		},
		"nobody here": func() (*cluster.Message, error) {
			return decodeBroadcast("self", "/", unhex(t, fromNode), func(rooms []string) bool {
				if !slices.Equal(rooms, []string{"r"}) {
					t.Errorf("asked about %q", rooms)
				}
				return false
			})
		},
	} {
		if m, err := decode(); m != nil || err != nil {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

func TestBroadcastsComeBack(t *testing.T) {
	for _, tc := range []struct {
		event  string
		args   []any
		target socketio.Target
		rooms  []string // as they come back
	}{
		{"e", nil, socketio.Target{}, nil},
		{strings.Repeat("é", 200), []any{1, []byte{1}, map[string]any{"a": []any{"b"}}}, socketio.Target{Rooms: []string{"a"}}, []string{"a"}},
		{"e", []any{strings.Repeat("x", 70000)}, socketio.Target{Rooms: []string{"5", "05", "-0", "1e3", "x"}}, []string{"5", "05", "-0", "1e3", "x"}},
		{"e", []any{nil}, socketio.Target{Except: []string{"7"}, Flags: socketio.Flags{Volatile: true}}, nil},
		{"e", []any{2.5}, socketio.Target{Flags: socketio.Flags{NoCompress: true, Timeout: time.Second}}, nil},
	} {
		p, err := socketio.NewPacket("/n", tc.event, tc.args...)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := encodeBroadcast("nodenode", "/n", &cluster.Message{Packet: p, Target: tc.target})
		if err != nil {
			t.Fatal(err)
		}
		m, err := decodeBroadcast("other", "/n", payload, all)
		if err != nil {
			t.Fatal(err)
		}
		want, _, err := wire.AppendMsgpackValues(nil, tc.args)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := wire.AppendMsgpackValues(nil, m.Packet.Args())
		if err != nil || string(got) != string(want) || m.Packet.Event() != tc.event || m.From != "nodenode" ||
			!slices.Equal(m.Target.Rooms, tc.rooms) || !slices.Equal(m.Target.Except, tc.target.Except) || m.Target.Flags != tc.target.Flags {
			t.Errorf("%+v came back as %+v, %v", tc.target, m.Target, err)
		}
	}
}

// TestNumbersAreRoomsOfBothKinds checks what Node's servers get, which tell 5 from "5".
func TestNumbersAreRoomsOfBothKinds(t *testing.T) {
	for name, want := range map[string]bool{
		"5": true, "-5": true, "0": true, "1.5": true, "-1.25": true, "9007199254740993": false, "123456789012345680000": true,
		"": false, "05": false, "5.0": false, "-0": false, "1e3": false, "1e21": false, "0.0000001": false, "+5": false, "5 ": false,
		"0x5": false, "1_000": false, "Infinity": false, "NaN": false, "-": false, "five": false, ".5": false, strings.Repeat("1", 300): false,
	} {
		v, is := cluster.RoomNumber(name)
		if is != want {
			t.Errorf("%q: %t", name, is)
		}
		if is && numberName(v) != name {
			t.Errorf("%q: %v is written %q", name, v, numberName(v))
		}
	}
	if text, err := json.Marshal(roomList{"5", "x", "-1.5"}); err != nil || string(text) != `["5",5,"x","-1.5",-1.5]` {
		t.Errorf("got %s, %v", text, err)
	}
	if text, err := json.Marshal(roomList(nil)); err != nil || string(text) != `[]` {
		t.Errorf("got %s, %v", text, err)
	}
	var names roomNames
	if err := json.Unmarshal([]byte(`["5",5,1e21,true,null,[]]`), &names); err != nil || !slices.Equal(names, []string{"5", "1e+21", nobody, nobody, nobody}) {
		t.Errorf("got %q, %v", names, err)
	}
	if got := numberName(math.NaN()); got != "NaN" {
		t.Errorf("got %q", got)
	}
}

// TestRoomsThatAreNoneAreNotEverybody has lists of what cannot be a room.
func TestRoomsThatAreNoneAreNotEverybody(t *testing.T) {
	for _, list := range []string{"91c0", "91c3", "9190", "9181a161a162", "91c40101", "91d6ff00000000"} {
		r := &reader{data: unhex(t, list)}
		if got := r.rooms(); r.err != nil || len(got) != 1 || got[0] != nobody && got[0] != "true" {
			t.Errorf("%s: %q, %v", list, got, r.err)
		}
	}
}

func TestRequestsOfNode(t *testing.T) {
	q, err := decodeRequest(unhex(t, asking))
	if err != nil {
		t.Fatal(err)
	}
	p, err := q.event("/")
	if err != nil || q.uid != "uid123" || q.id != "req456" || q.kind != typeBroadcast || !slices.Equal(q.opts.Rooms, []string{"7"}) ||
		q.opts.Flags.Timeout != 1500*time.Millisecond || p.Event() != "q" || argsText(t, p.Args()) != `[{"a":1}]` {
		t.Errorf("%+v, %v", q, err)
	}
	for text, check := range map[string]func(q *request) bool{
		`{"uid":"a","type":2,"opts":{"rooms":["r",5],"except":[]},"rooms":["x",7]}`: func(q *request) bool {
			return q.uid == "a" && q.kind == typeJoin && slices.Equal(q.opts.Rooms, []string{"r", "5"}) && slices.Equal(q.rooms, []string{"x", "7"})
		},
		`{"type":4,"opts":{"rooms":[],"except":["r"]},"close":true}`: func(q *request) bool {
			return q.uid == "" && q.kind == typeDisconnect && q.close && slices.Equal(q.opts.Except, []string{"r"})
		},
		`{"uid":"a","requestId":"b","type":3,"sid":"s","room":5}`: func(q *request) bool {
			return q.kind == typeLeave && q.opts == nil && q.sid == "s" && q.room == "5"
		},
		`{"uid":"a","requestId":"b","type":6,"data":["e",{"x":1}]}`: func(q *request) bool {
			return q.kind == typeServerSide && argsText(t, []any{q.data}) == `["e",{"x":1}]`
		},
		`{"uid":"a","requestId":"b","type":7,"packet":{"type":2,"data":["e",1]},"opts":{"rooms":[],"except":[]}}`: func(q *request) bool {
			p, err := q.event("/")
			return err == nil && p.Event() == "e" && argsText(t, p.Args()) == `[1]`
		},
		`{"type":1,"uid":"a","requestId":"b"}`: func(q *request) bool { return q.kind == typeAllRooms },
		`{}`:                                   func(q *request) bool { return q.kind == -1 },
	} {
		q, err := decodeRequest([]byte(text))
		if err != nil || !check(q) {
			t.Errorf("%s: %+v, %v", text, q, err)
		}
	}
}

func TestRequestsComeBack(t *testing.T) {
	binary := []any{[]byte{1, 2}, "x"}
	for _, m := range []*cluster.Message{
		{Kind: cluster.KindJoin, Rooms: []string{"a", "5"}, Target: socketio.Target{Rooms: []string{"r", "7"}, Except: []string{"e"}}},
		{Kind: cluster.KindLeave, Rooms: []string{"a", "5"}},
		{Kind: cluster.KindDisconnect, Close: true},
		{Kind: cluster.KindDisconnect, Target: socketio.Target{Rooms: []string{"sid"}}},
		{Kind: cluster.KindFetch, Request: "q"},
		{Kind: cluster.KindServerSide, Event: "e", Args: []any{1, map[string]int{"a": 2}}},
		{Kind: cluster.KindServerSide, Event: "e", Args: binary, Request: "q"},
		{Kind: cluster.KindServerSide, Event: "e", Args: binary},
	} {
		m.From = "nodenode"
		payload, err := encodeRequest("/", m)
		if err != nil {
			t.Fatal(err)
		}
		q, err := decodeRequest(payload)
		if err != nil {
			t.Errorf("%s: %v", payload, err)
			continue
		}
		var target socketio.Target
		if q.opts != nil {
			target = *q.opts
		}
		if q.uid != m.From || q.id != m.Request || q.close != m.Close || !slices.Equal(q.rooms, m.Rooms) ||
			!slices.Equal(target.Rooms, m.Target.Rooms) || !slices.Equal(target.Except, m.Target.Except) {
			t.Errorf("%s: %+v", payload, q)
		}
		if m.Kind == cluster.KindServerSide {
			event, err := eventName(q.data)
			if err != nil || event != m.Event || q.data.Len() != 1+len(m.Args) || q.data.At(1).HasBinary() != (len(m.Args) == 2 && m.Args[1] == "x") {
				t.Errorf("%s: %q, %v", payload, event, err)
			}
		}
	}
	// Nobody joins a room and its number.
	payload, err := encodeRequest("/", &cluster.Message{Kind: cluster.KindJoin, Rooms: []string{"5"}})
	if err != nil || !strings.Contains(string(payload), `"rooms":["5"]}`) || strings.Count(string(payload), `"rooms"`) != 2 {
		t.Errorf("%s, %v", payload, err)
	}
	if _, err := encodeRequest("/", &cluster.Message{Kind: cluster.KindSockets}); err == nil {
		t.Error("an answer was written as a request")
	}
	var e *wire.EncodeError
	if _, err := encodeRequest("/", &cluster.Message{Kind: cluster.KindServerSide, Event: "e", Args: []any{1, make(chan int)}}); !errors.As(err, &e) || e.Arg != 1 {
		t.Errorf("got %v", err)
	}
}

func TestResponsesOfNode(t *testing.T) {
	asked := func(request string) bool { return request == "req456" }
	for name, tc := range map[string]struct {
		payload string
		kind    cluster.Kind
		args    string
	}{
		"ack":           {string(unhex(t, ack)), cluster.KindClientAck, `[["a",1]]`},
		"ack of none":   {string(unhex(t, ackOfNone)), cluster.KindClientAck, ``},
		"ack of binary": {string(unhex(t, ackOfBinary)), cluster.KindClientAck, `["aGk="]`},
		"count":         {`{"type":8,"requestId":"req456","clientCount":3}`, cluster.KindClientCount, `[]`},
		"server side":   {`{"type":6,"requestId":"req456","data":{"a":null}}`, cluster.KindServerSideAck, `[{"a":null}]`},
		"undefined":     {`{"type":6,"requestId":"req456"}`, cluster.KindServerSideAck, `[]`},
		"sockets":       {`{"requestId":"req456","sockets":[{"id":"s","handshake":{"address":"x"},"rooms":["s",5],"data":{"n":1}}]}`, cluster.KindSockets, ``},
		"no sockets":    {`{"requestId":"req456","sockets":[]}`, cluster.KindSockets, ``},
	} {
		m, err := decodeResponse([]byte(tc.payload), asked)
		if err != nil || m == nil {
			t.Errorf("%s: %v, %v", name, m, err)
			continue
		}
		got := ""
		if len(m.Args) > 0 {
			got = argsText(t, m.Args)
		}
		if m.Kind != tc.kind || m.From != "" || m.Request != "req456" || got != tc.args {
			t.Errorf("%s: %+v, %s", name, m, got)
		}
		if name == "count" && m.Count != 3 || name == "sockets" && (len(m.Sockets) != 1 || !slices.Equal(m.Sockets[0].Rooms, []string{"s", "5"})) {
			t.Errorf("%s: %+v", name, m)
		}
		if m, err := decodeResponse([]byte(tc.payload), func(string) bool { return false }); m != nil || err != nil {
			t.Errorf("%s of another node's question: %v, %v", name, m, err)
		}
	}
}

func TestResponsesComeBack(t *testing.T) {
	for _, m := range []*cluster.Message{
		{Kind: cluster.KindClientCount, Count: 7},
		{Kind: cluster.KindClientCount},
		{Kind: cluster.KindClientLost},
		{Kind: cluster.KindClientAck, Args: []any{}},
		{Kind: cluster.KindClientAck, Args: []any{"a"}},
		{Kind: cluster.KindClientAck, Args: []any{"a", []byte{1}, nil}},
		{Kind: cluster.KindServerSideAck},
		{Kind: cluster.KindServerSideAck, Args: []any{map[string]int{"a": 1}}},
		{Kind: cluster.KindServerSideAck, Args: []any{nil, "b"}},
		{Kind: cluster.KindServerSideAck, Args: []any{"a", []byte{2}}},
		{Kind: cluster.KindSockets},
		{Kind: cluster.KindSockets, Sockets: []cluster.SocketState{{ID: "s", Handshake: json.RawMessage(`{"address":"a"}`), Rooms: []string{"s", "5"}, Data: json.RawMessage(`[1]`)}}},
	} {
		m.From, m.Request = "nodenode", "q"
		payload, err := encodeResponse(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeResponse(payload, func(string) bool { return true })
		if err != nil || got.Kind != m.Kind || got.From != m.From || got.Request != "q" || got.Count != m.Count || len(got.Sockets) != len(m.Sockets) {
			t.Errorf("%s: %+v, %v", payload, got, err)
			continue
		}
		want, n, err := wire.AppendMsgpackValues(nil, m.Args)
		if err != nil {
			t.Fatal(err)
		}
		values, k, err := wire.AppendMsgpackValues(nil, got.Args)
		if err != nil || k != n || string(values) != string(want) {
			t.Errorf("%s: %x, want %x, %v", payload, values, want, err)
		}
		for i, s := range got.Sockets {
			if s.ID != m.Sockets[i].ID || !slices.Equal(s.Rooms, m.Sockets[i].Rooms) || string(s.Data) != string(m.Sockets[i].Data) {
				t.Errorf("%s: %+v", payload, s)
			}
		}
	}
	if _, err := encodeResponse(&cluster.Message{Kind: cluster.KindFetch}); err == nil {
		t.Error("a question was written as an answer")
	}
	for _, kind := range []cluster.Kind{cluster.KindClientAck, cluster.KindServerSideAck} {
		if _, err := encodeResponse(&cluster.Message{Kind: kind, Args: []any{make(chan int)}}); err == nil {
			t.Error("a channel was written")
		}
	}
}

func TestMalformedMessagesAreErrors(t *testing.T) {
	for _, raw := range []string{
		"", "c0", "90", "9100", "92a161c0", "93a16180", "93a161818080", "93a16183a47479706502", "93a161a162a163", "93a16181a4747970650380",
		"93a16182a47479706502a4646174618080", "93a16182a47479706502a46461746191c080", "93a16182a47479706502a46461746191a7636f6e6e65637480", "dd7fffffff01", "c1",
	} {
		if m, err := decodeBroadcast("self", "/", unhex(t, raw), all); err == nil {
			t.Errorf("broadcast %s: %+v", raw, m)
		}
	}
	for _, text := range []string{"", "{", "[]", "\xc1", `{"type":"x"}`, `{"type":2,"opts":5}`, `{"type":2,"rooms":"r"}`, `{"type":6,"data":5}`, "\x81\xa4data\x05", "\x81\xa4type"} {
		if q, err := decodeRequest([]byte(text)); err == nil {
			t.Errorf("request %q: %+v", text, q)
		}
	}
	for _, text := range []string{"{", "\xc1", "\x81", `{"requestId":"q","type":5}`, `{"requestId":"q","type":6,"args":5}`, `{"requestId":"q","sockets":5}`, "\x81\xa9requestId\xa1q"} {
		if m, err := decodeResponse([]byte(text), func(string) bool { return true }); err == nil {
			t.Errorf("response %q: %+v", text, m)
		}
	}
}

func TestTimeoutsOfNode(t *testing.T) {
	for in, want := range map[float64]time.Duration{0: 0, -1: 0, 1.5: 1500 * time.Microsecond, 1e300: math.MaxInt32 * time.Millisecond, math.Inf(1): math.MaxInt32 * time.Millisecond} {
		if got := millis(in); got != want {
			t.Errorf("%v: %s", in, got)
		}
	}
	if got := millis(math.NaN()); got != 0 {
		t.Errorf("NaN: %s", got)
	}
}

func FuzzBroadcast(f *testing.F) {
	for _, seed := range []string{fromNode, fromEmitter, withBinary, withoutMore} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := decodeBroadcast("self", "/", payload, all)
		if err != nil || m == nil {
			return
		}
		again, err := encodeBroadcast(m.From+"x", "/", m)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := decodeBroadcast("self", "/", again, all); err != nil || m == nil {
			t.Fatalf("does not come back: %v", err)
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add(unhex(f, asking))
	f.Add([]byte(`{"uid":"a","requestId":"b","type":2,"opts":{"rooms":["r",5],"except":[]},"rooms":["x",7],"sid":"s","room":5,"close":true,"data":["e"]}`))
	f.Add([]byte(`{"uid":"a","type":7,"packet":{"type":2,"data":["e",1],"nsp":"/"},"opts":{"rooms":[],"flags":{"timeout":5}}}`))
	f.Fuzz(func(_ *testing.T, payload []byte) {
		if q, err := decodeRequest(payload); err == nil {
			_, _ = q.event("/") // an error is an answer
			_, _ = eventName(q.data)
		}
	})
}

func FuzzResponse(f *testing.F) {
	for _, seed := range []string{ack, ackOfNone, ackOfBinary} {
		f.Add(unhex(f, seed))
	}
	f.Add([]byte(`{"requestId":"q","sockets":[{"id":"s","handshake":{},"rooms":["s",5],"data":{"n":1}}],"args":[1],"type":6}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := decodeResponse(payload, func(string) bool { return true })
		if err != nil || m == nil {
			return
		}
		m.From = "nodenode"
		again, err := encodeResponse(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decodeResponse(again, func(string) bool { return true }); err != nil {
			t.Fatal(err)
		}
	})
}
