package redisstreams

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/sockeye-io/sockeye/server/socketio"
)

func TestOffsetsReadBack(t *testing.T) {
	for _, p := range []position{
		{entryID{1, 0}, 1, "abcd"}, {entryID{1_732_500_000_000, 12}, 99, "-_0Z"}, {entryID{1<<64 - 1, 1<<64 - 1}, 1<<64 - 1, "AAAA"},
	} {
		got, ok := parseOffset(p.offset())
		if !ok || got != p {
			t.Errorf("%+v is %q, which is %+v, %v", p, p.offset(), got, ok)
		}
	}
	if (position{}).offset() != "" {
		t.Error("no position has an offset")
	}
	for _, s := range []string{
		"", "!", "1-0", "x.y", "1.2", "1.2.abc", "1.2.abcde", "1.2.ab!d", "-1.2.abcd", "1-.2.abcd", "1.-2.abcd", ".1.abcd", "1..abcd",
		"1.2.abcd.x", strings.Repeat("1", 80), "g!.1.abcd",
	} {
		if p, ok := parseOffset(s); ok {
			t.Errorf("%q is %+v", s, p)
		}
	}
}

func TestEntryIDsHaveTheOrderOfTheStream(t *testing.T) {
	all := []string{"0-1", "1-0", "1-1", "2-0", "10-0", "10-12"}
	for i, a := range all {
		for j, b := range all {
			x, ok1 := parseID(a)
			y, ok2 := parseID(b)
			if !ok1 || !ok2 || x.before(y) != (i < j) || x.String() != a {
				t.Errorf("%s, %s", a, b)
			}
		}
	}
	for _, s := range []string{"", "1", "1-", "-1", "a-b", "1-2-3"} {
		if id, ok := parseID(s); ok {
			t.Errorf("%q is %v", s, id)
		}
	}
}

func message(fields map[string]any) redis.XMessage { return redis.XMessage{ID: "5-1", Values: fields} }

func TestEntriesOfAllWriters(t *testing.T) {
	e, ok := readEntry(message(map[string]any{"uid": "n1", "nsp": "/", "type": "3", "data": "{}", "x1": "abcd.7.9"}))
	if !ok || e.uid != "n1" || e.nsp != "/" || e.kind != typeBroadcast || e.n != 7 || e.seq != 9 || e.epoch != "abcd" || !e.ours() {
		t.Errorf("%+v, %v", e, ok)
	}
	e, ok = readEntry(message(map[string]any{"uid": "n1", "nsp": "/", "type": "3", "data": "{}"}))
	if !ok || e.ours() {
		t.Errorf("of Node: %+v, %v", e, ok)
	}
	e, ok = readEntry(message(map[string]any{"other": "thing"}))
	if !ok || e.kind != 0 || e.nsp != "" {
		t.Errorf("of a stranger: %+v, %v", e, ok)
	}
	for _, mark := range []string{"", "abcd", "abcd.1", "abcd.x.1", "abcd.1.x", "abc.1.1", "abcd.1.1.1"} {
		if e, ok := readEntry(message(map[string]any{"x1": mark})); ok {
			t.Errorf("%q is %+v", mark, e)
		}
	}
}

func TestBroadcastsReadBack(t *testing.T) {
	for name, args := range map[string][]any{
		"text": {"a", 1, nil, 1.5, map[string]any{"k": []int{1, 2}}}, "binary": {[]byte{1, 2}, map[string]any{"b": []byte{3}}}, "none": nil,
	} {
		p, err := socketio.NewPacket("/x", "ev", args...)
		if err != nil {
			t.Fatal(err)
		}
		to := socketio.Target{Rooms: []string{"r", "5"}, Except: []string{"e"}, Flags: socketio.Flags{Volatile: true, NoCompress: true}}
		data, err := encodeBroadcast(p, &to)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(data, "{") == (name == "binary") {
			t.Errorf("%s: %s", name, data)
		}
		q, got, err := decodeBroadcast("/x", data)
		if err != nil || q.Event() != "ev" || !slices.Equal(got.Rooms, to.Rooms) || !slices.Equal(got.Except, to.Except) || got.Flags != to.Flags {
			t.Fatalf("%s: %v %+v %v", name, q, got, err)
		}
		again, err := encodeBroadcast(q, &got)
		if err != nil || again != data {
			t.Errorf("%s: %s became %s, %v", name, data, again, err)
		}
	}
}

// TestRoomsThatAreNumbersAreWrittenInBothWays checks what Node's servers get, which tell
// 5 from "5".
func TestRoomsThatAreNumbersAreWrittenInBothWays(t *testing.T) {
	l := roomList{"r", "5", "-1.5", "05"}
	text, err := json.Marshal(l)
	if err != nil || string(text) != `["r","5",5,"-1.5",-1.5,"05"]` {
		t.Errorf("JSON %s, %v", text, err)
	}
	if text, err := json.Marshal(roomList(nil)); err != nil || string(text) != "[]" {
		t.Errorf("no rooms are %s, %v", text, err)
	}
	var back roomList
	if err := json.Unmarshal(text, &back); err != nil || !slices.Equal(back, l) {
		t.Errorf("%s is read as %q, %v", text, back, err)
	}
	packed, err := msgpack.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	back = nil
	if err := msgpack.Unmarshal(packed, &back); err != nil || !slices.Equal(back, l) {
		t.Errorf("%x is read as %q, %v", packed, back, err)
	}
	var elements []any
	if err := msgpack.Unmarshal(packed, &elements); err != nil || len(elements) != 6 || elements[2] != 5.0 {
		t.Errorf("MessagePack has %v, %v", elements, err)
	}
}

func TestWhatNodeWrites(t *testing.T) {
	p, to, err := decodeBroadcast("/", `{"packet":{"type":2,"data":["ev",{"a":1}],"nsp":"/"},"opts":{"rooms":[5,"r"],"except":[],"flags":{"volatile":true,"compress":true,"broadcast":true}}}`)
	if err != nil || p.Event() != "ev" || !slices.Equal(to.Rooms, []string{"5", "r"}) || !to.Flags.Volatile || to.Flags.NoCompress {
		t.Errorf("%v %+v %v", p, to, err)
	}
	for _, data := range []string{
		"", "{", "{}", "[]", "x", "====", `{"packet":{"type":3,"data":["ev"]},"opts":{}}`, `{"packet":{"type":2,"data":[]},"opts":{}}`,
		`{"packet":{"type":2,"data":{}},"opts":{}}`, `{"packet":{"type":2,"data":["ev"]},"opts":{"rooms":[{}]}}`, `{"packet":{"type":2,"data":["connect"]},"opts":{}}`,
	} {
		if p, _, err := decodeBroadcast("/", data); err == nil {
			t.Errorf("%q is %v", data, p)
		}
	}
}

func TestHistoriesReadBack(t *testing.T) {
	h := socketio.RoomHistory{Room: "a b", In: true, Changes: []socketio.RoomChange{
		{Room: "a b", Joined: true, After: "1.1.abcd", Until: "2.2.abcd"}, {Room: "a b", After: "3.3.abcd", Until: "3.3.abcd"},
	}}
	got, ok := decodeHistory("a b", encodeHistory(h))
	if !ok || !got.In || !slices.Equal(got.Changes, h.Changes) {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, text := range []string{"", "x", "+ x", "+ +", "+ 1/2", "- +1"} {
		if h, ok := decodeHistory("r", text); ok {
			t.Errorf("%q is %+v", text, h)
		}
	}
}

func at(n uint64) position { return position{entryID{ms: n}, n, "abcd"} }

func TestRoomsOfTheTime(t *testing.T) {
	st := &socketio.Session{SID: "s", Rooms: []string{"in", "always"}, Changed: []socketio.RoomChange{
		{Room: "in", Joined: true, After: at(5).offset(), Until: at(5).offset()},
		{Room: "out", Joined: true, After: at(2).offset(), Until: at(2).offset()},
		{Room: "out", After: at(7).offset(), Until: at(8).offset()},
	}}
	h := historyOf(st)
	for _, tc := range []struct {
		n    uint64
		room string
		want bool
	}{
		{1, "always", true},
		{9, "always", true},
		{5, "in", false},
		{6, "in", true},
		{2, "out", false},
		{3, "out", true},
		{7, "out", true},
		{8, "out", false},
		{1, "s", true},
		{1, "other", false},
	} {
		if got := h.addressed(&kept{position: at(tc.n), rooms: []string{tc.room}}); got != tc.want {
			t.Errorf("entry %d to %s: %v", tc.n, tc.room, got)
		}
		if got := h.addressed(&kept{position: at(tc.n), except: []string{tc.room}}); got == tc.want {
			t.Errorf("entry %d to all but %s: %v", tc.n, tc.room, got)
		}
	}
}

func TestRecentKeepsTheEndOfTheLog(t *testing.T) {
	r := recent{limit: 100 * 1000}
	if _, ok := r.since(entryID{}, entryID{}); ok {
		t.Error("nothing is held and known")
	}
	r.begin(at(0))
	var held []*kept
	for i := uint64(1); i <= 1000; i++ {
		r.add(at(i-1), &kept{position: at(i), size: 1000}, time.Time{})
		if i == 50 {
			held, _ = r.since(entryID{}, entryID{ms: 50})
		}
	}
	if len(held) != 50 || held[0] == nil || held[49].n != 50 {
		t.Errorf("what a replay holds has changed: %d", len(held))
	}
	if _, ok := r.since(entryID{ms: 899}, entryID{ms: 1000}); ok {
		t.Error("what is gone is held")
	}
	got, ok := r.since(entryID{ms: 900}, entryID{ms: 950})
	if !ok || len(got) != 50 || got[0].n != 901 || got[49].n != 950 {
		t.Errorf("%d entries, %v", len(got), ok)
	}
	r.forget()
	if _, ok := r.start(); ok {
		t.Error("something is held")
	}
}

func FuzzOffset(f *testing.F) {
	f.Add("m3x9k2a1-2.1f.q3Zt")
	f.Add("!")
	f.Fuzz(func(t *testing.T, s string) {
		p, ok := parseOffset(s)
		if !ok {
			return
		}
		if again, ok := parseOffset(p.offset()); !ok || again != p {
			t.Errorf("%q is %+v, which is %q", s, p, p.offset())
		}
	})
}

func FuzzBroadcast(f *testing.F) {
	f.Add(`{"packet":{"type":2,"data":["ev",{"a":1}],"nsp":"/"},"opts":{"rooms":[5,"r"],"except":[],"flags":{"volatile":true}}}`)
	p, err := socketio.NewPacket("/", "ev", []byte{1})
	if err != nil {
		f.Fatal(err)
	}
	binary, err := encodeBroadcast(p, &socketio.Target{Rooms: []string{"r"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(binary)
	f.Fuzz(func(t *testing.T, data string) {
		p, to, err := decodeBroadcast("/", data)
		if err != nil {
			return
		}
		if _, err := p.Freeze(); err != nil {
			return
		}
		again, err := encodeBroadcast(p, &to)
		if err != nil {
			return // more binary values than an event may have, say
		}
		if _, _, err := decodeBroadcast("/", again); err != nil {
			t.Errorf("%q became %q, which is refused: %v", data, again, err)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte("\x84\xa3uid\xa1a\xa3nsp\xa1/\xa4type\x07\xa4data\x82\xa9requestId\xa1x\xa4opts\x80"))
	f.Add([]byte("\x84\xa3uid\xa1a\xa3nsp\xa1/\xa4type\x09\xa4data\x81\xa6packet\x92\xa2ev\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		nsp, m, err := decodeMessage(data)
		if err != nil || m == nil {
			return
		}
		payload, err := encodeMessage(nsp, m)
		if err != nil {
			return
		}
		if _, _, err := decodeMessage(payload); err != nil {
			t.Errorf("%q became %q, which is refused: %v", data, payload, err)
		}
	})
}

func FuzzHistory(f *testing.F) {
	f.Add("+ +1.1.abcd/2.2.abcd -3.3.abcd/3.3.abcd")
	f.Fuzz(func(t *testing.T, text string) {
		h, ok := decodeHistory("r", text)
		if !ok {
			return
		}
		if again, ok := decodeHistory("r", encodeHistory(h)); !ok || !slices.Equal(again.Changes, h.Changes) {
			t.Errorf("%q became %q", text, encodeHistory(h))
		}
	})
}
