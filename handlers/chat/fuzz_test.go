package chat

import (
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio/wire"
)

// FuzzHear feeds messages of other nodes to a hall: whatever comes, what is kept stays in
// order and within its bounds.
func FuzzHear(f *testing.F) {
	for _, seed := range []string{
		`[{"v":1,"k":"message","n":"B","t":1,"m":[{"id":"018bcfe568000000abcd","room":"lobby","user":{"id":"u","nick":"U"},"text":"x","time":1700000000000,"key":"k"}]}]`,
		`[{"v":1,"k":"message","n":"B","t":1,"m":[{"id":"018bcfe568000000abcd","room":"x"},{"id":"ffffffffffffffffffff","room":"x"},null]}]`,
		`[{"v":1,"k":"private","from":"u1","to":"u2","key":"k","sent":{"id":"018bcfe568000000abcd","time":1}}]`,
		`[{"v":1,"k":"want","n":"B","to":"A","q":"r","room":"lobby"}]`,
		`[{"v":1,"k":"have","n":"B","to":"A","q":"r","room":"lobby","m":[],"floor":"018bcfe56800000","whole":true,"part":-1,"more":true}]`,
		`[{"v":1,"k":"beat","n":"B","t":7}]`,
		`[{"v":2,"k":"message"}]`, `[{"v":1,"k":"dance"}]`, `[]`, `[1]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args, err := wire.ParseJSONList([]byte(text))
		if err != nil {
			return
		}
		h := open(t, Options{MaxRooms: 2, History: 3, HistoryBytes: 4000})
		h.comes(t, "s1", "ann", "Ann")
		if _, err := h.enter(h.of("s1"), "lobby"); err != nil {
			t.Fatal(err)
		}
		h.hear(args)
		h.hear(args)
		if _, err := h.say(h.of("s1"), "lobby", "hello", ""); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.rooms) > 2 || h.bytes > 4000 {
			t.Errorf("%d rooms, %d bytes", len(h.rooms), h.bytes)
		}
		var bytes int64
		for _, r := range h.rooms {
			last := r.floor
			for _, m := range r.log {
				if m.ID <= last {
					t.Errorf("%s after %s", m.ID, last)
				}
				last = m.ID
				bytes += m.size()
			}
			if len(r.log) > 3 {
				t.Errorf("%d messages in %s", len(r.log), r.name)
			}
		}
		if bytes != h.bytes || timeOf(h.ids.next(time.Now())) > time.Now().Add(maxAhead+time.Second).UnixMilli() {
			t.Errorf("%d bytes, counted %d", bytes, h.bytes)
		}
	})
}
