package webhook

import (
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
)

// FuzzAnswer: whatever a backend says, it is understood completely or refused, and what
// is understood can be emitted.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `{"ack":[1,{"base64":"AQID"}],"emit":[{"rooms":["a"],"event":"x","args":[null]}],"join":["a"],"leave":["b"],"data":1,"disconnect":{"code":"c","message":"m"}}`,
		`{"allow":true,"user":{"id":"a","expires":"2030-01-01T00:00:00Z"},"rooms":["a"],"data":{}}`, `{"allow":false,"message":"no","code":"c","data":[]}`,
		`{"emit":[{"namespace":"/x","users":["u"],"except":["e"],"event":"y","volatile":true}]}`, `{"ack":[[["deep"]]]}`, `null`, `[]`, `{"ack":"` + "\xff" + `"}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		emitted := func(list []emit) {
			for _, e := range list {
				if _, err := socketio.NewPacket("/", e.Event, e.args...); err != nil {
					t.Errorf("%q: %v", e.Event, err)
				}
			}
		}
		if a, err := readEvent(body); err == nil {
			emitted(a.Emit)
			if _, err := socketio.NewPacket("/", "ack", a.ack...); err != nil {
				t.Errorf("ack: %v", err)
			}
		}
		if a, err := readConnect(body); err == nil {
			emitted(a.Emit)
			if a.principal != nil && a.principal.ID == "" {
				t.Error("a user without id")
			}
			_ = (&refusal{a.Code, a.Message, a.Data}).connectError().Error()
		}
		if a, err := readDisconnect(body); err == nil {
			emitted(a.Emit)
		}
		_ = refusalOf(body)
	})
}
