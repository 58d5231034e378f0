package redisstreams

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// historyBytes is what histories may take in these tests.
const historyBytes = 300_000

// limitsOf says that rooms which begin with "h:" have a history.
func limitsOf(_, room string) (socketio.HistoryLimits, bool) {
	if room == "h:brief" {
		return socketio.HistoryLimits{Age: 300 * time.Millisecond}, true
	}
	return socketio.HistoryLimits{}, strings.HasPrefix(room, "h:")
}

// tells returns the history of rooms, and how it reads: the arguments of each message.
func (n *testNode) tells(since string, rooms ...string) (string, *socketio.History) {
	n.t.Helper()
	h, err := n.Of("/").History(n.t.Context(), socketio.HistoryQuery{Rooms: rooms, Since: since, Limit: socketio.MaxHistoryLimit})
	if err != nil {
		n.t.Fatal(err)
	}
	var all []string
	for _, m := range h.Messages {
		text, err := json.Marshal(m.Args)
		must(n.t, err)
		all = append(all, string(text))
	}
	return strings.Join(all, " "), h
}

// eventually waits until a node tells something: what another node did is there a moment
// later.
func (n *testNode) eventually(since, want string, rooms ...string) *socketio.History {
	n.t.Helper()
	var h *socketio.History
	sockettest.Eventually(n.t, "the history is "+want, func() bool {
		var got string
		got, h = n.tells(since, rooms...)
		return got == want
	})
	return h
}

// nodeSays writes what Node's servers and emitters write.
func nodeSays(t *testing.T, c *redis.Client, room string, v any) {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	must(t, c.XAdd(t.Context(), &redis.XAddArgs{Stream: "p", Values: []string{
		"uid", "emitter", "nsp", "/", "type", "3",
		"data", fmt.Sprintf(`{"packet":{"type":2,"data":["n",%s],"nsp":"/"},"opts":{"rooms":[%q],"except":[],"flags":{}}}`, text, room),
	}}).Err())
}

func TestWhatNodeSaysIsInTheHistoryOnceAndInItsPlace(t *testing.T) {
	r := redistest.Start(t)
	c := r.Client(t)
	a, b := startPair(t, r, "p", nil)
	_, start := a.tells("", "h:a")
	var want []string
	for i := range 60 {
		want = append(want, fmt.Sprintf("[%d]", i))
		switch i % 3 {
		case 0:
			nodeSays(t, c, "h:a", i)
		case 1:
			must(t, a.To("h:a").Emit("n", i))
		case 2:
			must(t, b.To("h:a").Emit("n", i))
		}
		nodeSays(t, c, "plain", i)
	}
	for _, n := range []*testNode{a, b, startUp(t, r, "p", nil)} {
		if h := n.eventually(start.Offset, strings.Join(want, " "), "h:a"); !h.Complete {
			t.Error("not complete")
		}
	}
	if n := c.ZCard(t.Context(), "{p}:history:room:/#h:a").Val(); n != 60 {
		t.Errorf("%d elements", n)
	}
}

// A node tells of what Node said before it has come to write that down.
func TestWhatNodeSaidIsToldBeforeItIsKept(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	_, start := a.tells("", "h:a")
	must(t, a.To("h:a").Emit("n", 1))
	at := *a.hub.at.Load()
	at.id.seq++
	data := `{"packet":{"type":2,"data":["n",2],"nsp":"/"},"opts":{"rooms":["h:a"],"except":[],"flags":{}}}`
	target := socketio.Target{Rooms: []string{"h:a"}}
	q := &socketio.HistoryRange{Rooms: []socketio.HistoryRoom{{Name: "h:a", Limits: socketio.HistoryLimits{Age: time.Hour}}}, Since: start.Offset, Limit: 9, Bytes: 1000}
	q.Until = at.offset()
	a.hub.keepForeign(&entry{nsp: "/", data: data}, at, &target)
	h, err := a.adapter().History(t.Context(), q)
	if err != nil || len(h.Messages) != 2 || !h.Complete {
		t.Fatalf("%+v, %v", h, err)
	}
	sockettest.Eventually(t, "it is kept", func() bool {
		waiting, _ := a.hub.histories.snapshot()
		return len(waiting) == 0
	})
	if h, err = a.adapter().History(t.Context(), q); err != nil || len(h.Messages) != 2 || !h.Complete {
		t.Errorf("when it is kept: %+v, %v", h, err)
	}
	for range maxForeign + 1 {
		a.hub.keepForeign(&entry{nsp: "/", data: data}, at, &target)
		at.id.seq++
	}
	if _, dropped := a.hub.histories.snapshot(); dropped == (entryID{}) {
		return // the reader was as fast
	}
	if h, err = a.adapter().History(t.Context(), q); err != nil || h.Complete {
		t.Errorf("when too much waited: %d messages, complete %v, %v", len(h.Messages), h.Complete, err)
	}
}

func TestHistorySurvivesTheRestartOfAllNodes(t *testing.T) {
	r := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	a := startUp(t, r, "p", nil)
	_, start := a.tells("", "h:a")
	must(t, a.To("h:a").Emit("n", 1))
	must(t, a.To("h:a", "h:b").Emit("n", 2))
	must(t, a.Close(t.Context()))
	must(t, a.hub.Close())
	r.Kill(t)
	r.Start(t)
	b := startUp(t, r, "p", nil)
	must(t, b.To("h:a").Emit("n", 3))
	if h := b.eventually(start.Offset, "[1] [2] [3]", "h:a", "h:b"); !h.Complete {
		t.Errorf("not complete: %+v", h)
	}
}

func TestWhenRedisLostEverythingNobodyIsToldThatNothingIsMissing(t *testing.T) {
	r := redistest.Start(t)
	a, b := startPair(t, r, "p", nil)
	_, start := a.tells("", "h:a")
	must(t, a.To("h:a").Emit("n", 1))
	r.FlushAll(t)
	must(t, a.To("h:a").Emit("n", 2))
	for _, n := range []*testNode{a, b} {
		if h := n.eventually(start.Offset, "[2]", "h:a"); h.Complete {
			t.Error("complete")
		}
	}
}

// While no node is there nobody keeps what Node says, and who asks is told so; but a node
// that ends and starts beside others misses nothing.
func TestWhatNodeSaidWhileNobodyWasThereIsMissed(t *testing.T) {
	r := redistest.Start(t)
	c := r.Client(t)
	a := startUp(t, r, "p", nil)
	_, start := a.tells("", "h:a")
	nodeSays(t, c, "h:a", 1)
	a.eventually(start.Offset, "[1]", "h:a")
	b := startUp(t, r, "p", nil)
	nodeSays(t, c, "h:a", 2)
	if h := b.eventually(start.Offset, "[1] [2]", "h:a"); !h.Complete {
		t.Error("beside another node: not complete")
	}
	for _, n := range []*testNode{a, b} {
		must(t, n.Close(t.Context()))
		must(t, n.hub.Close())
	}
	quiet := startUp(t, r, "p", nil)
	if h := quiet.eventually(start.Offset, "[1] [2]", "h:a"); !h.Complete {
		t.Error("nothing was said meanwhile: not complete")
	}
	must(t, quiet.Close(t.Context()))
	must(t, quiet.hub.Close())
	nodeSays(t, c, "h:a", 3)
	last := startUp(t, r, "p", nil)
	h := last.eventually(start.Offset, "[1] [2]", "h:a")
	if h.Complete {
		t.Error("what was said while nobody was there is not missed")
	}
	nodeSays(t, c, "h:a", 4)
	if h = last.eventually(h.Offset, "[4]", "h:a"); !h.Complete {
		t.Error("what follows: not complete")
	}
}

// Nobody is in the namespace, and who comes later is told all the same.
func TestWhatNodeSaysToANamespaceThatIsNotOpen(t *testing.T) {
	r := redistest.Start(t)
	c := r.Client(t)
	a := startUp(t, r, "p", nil)
	_, start := a.tells("", "h:a")
	must(t, c.XAdd(t.Context(), &redis.XAddArgs{Stream: "p", Values: []string{
		"uid", "emitter", "nsp", "/later", "type", "3", "data", `{"packet":{"type":2,"data":["n",1],"nsp":"/later"},"opts":{"rooms":["h:a"],"except":[],"flags":{}}}`,
	}}).Err())
	sockettest.Eventually(t, "it is told", func() bool {
		h, err := a.Of("/later").History(t.Context(), socketio.HistoryQuery{Rooms: []string{"h:a"}, Since: start.Offset})
		return err == nil && h.Complete && len(h.Messages) == 1
	})
}

// Only the log is another: what was said is there all the same.
func TestWhenTheLogIsLostHistoriesStay(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	_, start := a.tells("", "h:a")
	must(t, a.To("h:a").Emit("n", 1))
	before := *a.hub.at.Load()
	must(t, a.hub.rename(before.epoch))
	must(t, a.To("h:a").Emit("n", 2))
	h := a.eventually(start.Offset, "[1] [2]", "h:a")
	if h.Complete || a.hub.at.Load().epoch == before.epoch {
		t.Errorf("%+v", h)
	}
	if _, h = a.tells(h.Messages[0].Offset, "h:a"); !h.Complete || len(h.Messages) != 1 {
		t.Errorf("what follows the first: %+v", h)
	}
}

func TestWithoutRedisWhoJoinsIsToldNothing(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("")
	_, start := a.tells("", "h:a")
	must(t, a.To("h:a").Emit("n", 1))
	s, ok := a.Of("/").Socket(v.answer.SID)
	if !ok {
		t.Fatal("no socket")
	}
	r.Pause(t)
	h, err := s.JoinSince(t.Context(), start.Offset, 0, "h:a")
	if err != nil || h.Complete || len(h.Messages) != 0 || h.Offset != start.Offset {
		t.Errorf("%+v, %v", h, err)
	}
	if len(s.Rooms()) != 2 {
		t.Errorf("the socket is in %q", s.Rooms())
	}
	r.Resume(t)
	a.upAgain()
	if got, h := a.tells(h.Offset, "h:a"); got != "[1]" || !h.Complete {
		t.Errorf("when Redis is back: %s, %+v", got, h)
	}
}

func TestHistoryInRedisGoesInTime(t *testing.T) {
	r := redistest.Start(t)
	c := r.Client(t)
	a := startUp(t, r, "p", nil)
	_, start := a.tells("", "h:brief")
	must(t, a.To("h:brief").Emit("n", 1))
	sockettest.Eventually(t, "the message is too old", func() bool {
		_, h := a.tells(start.Offset, "h:brief")
		return len(h.Messages) == 0 && !h.Complete
	})
	must(t, a.To("h:brief").Emit("n", 2))
	sockettest.Eventually(t, "nothing is left in Redis", func() bool {
		must(t, a.hub.trimNow())
		all := c.HGetAll(t.Context(), "{p}:history").Val()
		delete(all, "start")
		delete(all, "floor")
		delete(all, "read")
		return len(all) == 1 && all["bytes"] == "0" && c.Exists(t.Context(), "{p}:history:due", "{p}:history:room:/#h:brief").Val() == 0
	})
	if _, h := a.tells(start.Offset, "h:brief"); h.Complete {
		t.Error("complete, and everything is gone")
	}
}

func TestHistoriesInRedisAreBounded(t *testing.T) {
	r := redistest.Start(t)
	c := r.Client(t)
	a := startUp(t, r, "p", nil)
	_, start := a.tells("", "h:0")
	held := func() (sum int64) {
		all := c.HGetAll(t.Context(), "{p}:history").Val()
		rooms := 0
		for field, text := range all {
			n, _ := strconv.ParseInt(text, 10, 64)
			if strings.HasPrefix(field, "b:") {
				sum += n
				rooms++
				must(t, c.Persist(t.Context(), "{p}:history:room:"+field[2:]).Err())
			}
		}
		if total, _ := strconv.ParseInt(all["bytes"], 10, 64); total != sum || sum > historyBytes {
			t.Fatalf("%d bytes in %d rooms, %d counted", sum, rooms, total)
		}
		return sum
	}
	for i := range 300 {
		must(t, a.To(fmt.Sprint("h:", i)).Emit("n", i, strings.Repeat("x", 3000)))
		if i%50 == 0 {
			held()
		}
	}
	if n := held(); n < historyBytes*8/10 {
		t.Errorf("only %d bytes are kept", n)
	}
	if _, h := a.tells(start.Offset, "h:0"); h.Complete || len(h.Messages) != 0 {
		t.Errorf("the first room: %+v", h)
	}
	if _, h := a.tells(start.Offset, "h:299"); len(h.Messages) != 1 {
		t.Errorf("the last room: %d messages", len(h.Messages))
	}
	for i := range 200 { // one room alone
		must(t, a.To("h:one").Emit("n", i, strings.Repeat("x", 3000)))
	}
	held()
	_, h := a.tells("", "h:one")
	if len(h.Messages) < 80 || h.Complete {
		t.Errorf("the only room: %d messages", len(h.Messages))
	}
}

// Another namespace whose name and room together read the same is not this room.
func TestRoomsOfNamespacesAreApartInRedis(t *testing.T) {
	keys := map[string]bool{roomKey("/a#h:b", "c"): true, roomKey("/a", "h:b#c"): true, roomKey("/a%23h:b", "c"): true}
	if len(keys) != 3 {
		t.Errorf("%v", keys)
	}
}

func TestElementsReadBack(t *testing.T) {
	at, data, ok := readElement(entryID{1732500000000, 7}.place() + `:12:{"a":"b:c"}`)
	if !ok || at.id != (entryID{1732500000000, 7}) || at.n != 12 || data != `{"a":"b:c"}` {
		t.Errorf("%+v %q %v", at, data, ok)
	}
}

func FuzzElement(f *testing.F) {
	f.Add("00017325000000000000000007:12:{}")
	f.Add("0001732500000000000000000:12:{}")
	f.Add("000173250000000000000000-7:x:")
	f.Fuzz(func(t *testing.T, text string) {
		at, data, ok := readElement(text)
		if !ok {
			return
		}
		again, same, ok := readElement(at.id.place() + ":" + strconv.FormatUint(at.n, 10) + ":" + data)
		if !ok || again != at || same != data {
			t.Errorf("%q: %+v %q, then %+v %q", text, at, data, again, same)
		}
	})
}

// BenchmarkEmitToARoom is what an event costs in the log alone, and in the history of its
// room, too; many are under way at once.
func BenchmarkEmitToARoom(b *testing.B) {
	r := redistest.Start(b)
	c, err := redisclient.Open(r.URL())
	if err != nil {
		b.Fatal(err)
	}
	h, err := New(c, Options{NodeID: "bench", Prefix: "p"})
	if err != nil {
		b.Fatal(err)
	}
	srv, err := socketio.New(&socketio.Options{
		Adapter: h.Factory(), Recovery: socketio.Recovery{MaxDisconnection: time.Minute}, History: limitsOf,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = errors.Join(srv.Close(b.Context()), h.Close(), c.Close()) })
	sockettest.Eventually(b, "the log is there", h.Up)
	for name, room := range map[string]string{"log": "plain", "history": "h:a"} {
		b.Run(name, func(b *testing.B) {
			to := srv.To(room)
			b.SetParallelism(100)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := to.Emit("n", "some text of usual length"); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
