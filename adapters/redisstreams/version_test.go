package redisstreams

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/vmihailenco/msgpack/v5"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// A cluster is brought from one release to the next node by node: what a newer node says
// in addition is left alone, and the rest is understood.
func TestWhatANewerNodeAddsIsLeftAlone(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	v := a.visit("", "r")
	c := r.Client(t)

	appendAsNewer := func(kind int, data string) {
		t.Helper()
		epoch, err := c.HGet(t.Context(), a.hub.logKey(), "epoch").Result()
		must(t, err)
		n, err := c.HIncrBy(t.Context(), a.hub.logKey(), "n", 1).Result()
		must(t, err)
		must(t, c.XAdd(t.Context(), &redis.XAddArgs{Stream: "p", Values: []any{
			"uid", "newer", "nsp", "/", "type", kind, "data", data,
			"x1", fmt.Sprintf("%s.%d.%d", epoch, n, n), "x2", "and more",
		}}).Err())
	}
	appendAsNewer(typeBroadcast, `{"packet":{"type":2,"data":["n",1],"nsp":"/","when":5},"opts":{"rooms":["r"],"except":[],"flags":{"urgent":true},"near":[1]},"zone":"b"}`)
	appendAsNewer(99, `{"what":"ever"}`)
	appendAsNewer(typeBroadcast, `{"packet":{"type":2,"data":["n",2],"nsp":"/"},"opts":{"rooms":["r"],"except":[],"flags":{}}}`)
	v.event(`2["n",1]`)
	v.event(`2["n",2]`)

	answers := make(chan []byte, 4)
	up := make(chan struct{}, 1)
	s := redisclient.Subscribe(c)
	defer s.Close()
	must(t, s.Add(&redisclient.Topic{
		Channels: []string{"p#/#newer#", "p-sockeye#newer#"},
		Receive:  func(_ string, payload []byte) { answers <- payload }, Up: func(bool) { up <- struct{}{} }, Lost: func(error) {},
	}))
	sockettest.Receive(t, "the subscription", up)
	ask := func(kind int, id string) {
		t.Helper()
		b, err := msgpack.Marshal(map[string]any{"uid": "newer", "nsp": "/", "type": kind, "hops": 2, "data": map[string]any{
			"requestId": id, "opts": map[string]any{"rooms": []string{"r"}, "except": []string{}, "flags": map[string]any{}, "zones": 3}, "since": 9,
		}})
		must(t, err)
		must(t, c.Publish(t.Context(), "p#/#", b).Err())
	}
	ask(121, "what is this")
	ask(typeFetch, "who is there")
	var answer struct {
		Type int `msgpack:"type"`
		Data struct {
			RequestID string           `msgpack:"requestId"`
			Sockets   []map[string]any `msgpack:"sockets"`
		} `msgpack:"data"`
	}
	must(t, msgpack.Unmarshal(sockettest.Receive(t, "an answer", answers), &answer))
	if answer.Type != typeFetchResponse || answer.Data.RequestID != "who is there" || len(answer.Data.Sockets) != 1 {
		t.Errorf("answered %+v", answer)
	}

	for _, text := range []string{
		`{"v":2,"kind":"dance","from":"newer","id":1}`,
		`{"v":2,"kind":"evict","from":"newer","id":2,"nsp":"/","pid":"12345678901234567890abc","gently":true}`,
	} {
		must(t, c.Publish(t.Context(), a.hub.pubsub.node(a.hub.o.NodeID), text).Err())
	}
	var said note
	must(t, json.Unmarshal(sockettest.Receive(t, "a note", answers), &said))
	if said.Kind != "evicted" || said.ID != 2 || said.V != noteVersion {
		t.Errorf("said %+v", said)
	}
}

// A session that a newer node has saved in a shape of its own is not recovered by halves.
func TestASessionOfAnotherVersionIsNotRecovered(t *testing.T) {
	r := redistest.Start(t)
	a := startUp(t, r, "p", nil)
	for version, want := range map[string]bool{recordVersion: true, "2": false} {
		v := a.visit("", "r")
		must(t, a.To("r").Emit("n", 1))
		v.event(`2["n",1]`)
		must(t, r.Client(t).HSet(t.Context(), a.hub.session(v.answer.SID), fieldV, version, "more", "of it").Err())
		v.cut()
		if _, recovered := v.returns(a); recovered != want {
			t.Errorf("version %s: recovered %v", version, recovered)
		}
	}
}
