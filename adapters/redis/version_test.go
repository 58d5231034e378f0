package redis_test

import (
	"encoding/json"
	"testing"

	"github.com/sockeye-io/sockeye/adapters/redisclient"
	"github.com/sockeye-io/sockeye/adapters/redisclient/redistest"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// A cluster is brought from one release to the next node by node: what a newer node says
// in addition is left alone, and the rest is understood.
func TestWhatANewerNodeAddsIsLeftAlone(t *testing.T) {
	url, prefix := redistest.Single(t).URL(), redistest.Prefix(t)
	a := start(t, url, prefix)
	a.together(t, 1)
	c := client(t, url)
	answers := make(chan []byte, 4)
	up := make(chan struct{}, 1)
	s := redisclient.Subscribe(c)
	defer s.Close()
	must(t, s.Add(&redisclient.Topic{
		Channels: []string{prefix + "-response#/#newer123#"},
		Receive:  func(_ string, payload []byte) { answers <- payload }, Up: func(bool) { up <- struct{}{} },
	}))
	sockettest.Receive(t, "the subscription", up)

	// The second element has one field more, the list one element more, the options a flag more.
	say(t, c, prefix+"#/#r#", "\x94\xa8newer123\x84\xa4type\x02\xa4data\x91\xa4news\xa3nsp\xa1/\xa4zone\xa1b\x83\xa5rooms\x91\xa1r\xa5flags\x81\xa6urgent\xc3\xa6except\x90\xc0")
	a.Expect(`2["news"]`)
	say(t, c, prefix+"-request#/#", `{"uid":"newer123","requestId":"s2-dance","type":200,"rooms":["r"],"steps":3}`)
	say(t, c, prefix+"-request#/#", `{"uid":"newer123","requestId":"s2-fetch","type":5,"opts":{"rooms":["r"],"except":[],"zones":2},"since":9}`)
	var answer struct {
		RequestID string           `json:"requestId"`
		Sockets   []map[string]any `json:"sockets"`
	}
	must(t, json.Unmarshal(sockettest.Receive(t, "an answer", answers), &answer))
	if answer.RequestID != "s2-fetch" || len(answer.Sockets) != 1 {
		t.Errorf("answered %+v", answer)
	}
}
