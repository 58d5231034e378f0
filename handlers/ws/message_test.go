package ws

import (
	"encoding/json"
	"errors"
	"testing"
)

// FuzzMessage: whatever a client sends is a message whose event can be passed on, or an
// error that can be told.
func FuzzMessage(f *testing.F) {
	for _, text := range []string{
		`{"type":"join","room":"lobby","since":"a-1","limit":5,"id":1}`, `{"type":"say","room":5,"data":["x",{"y":[]}]}`,
		`{"type":"event","event":"e","data":{"a":null}}`, `{"type":"echo","data":[ 1 , 2 ]}`, `{"type":"ack","id":0}`,
		`{"type":"auth","token":"t"}`, `null`, `[`, `{"type":"echo","data":"` + "\u2028" + `"}`, `{"type":"typing","room":[]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parse(text)
		var w *wrong
		if err == nil {
			name, args, failed := m.event()
			if err = failed; err == nil {
				if name == "" {
					t.Fatal("an event without a name")
				}
				if list, err := json.Marshal(args); err != nil || !json.Valid(list) {
					t.Fatalf("arguments that are none: %s, %v", list, err)
				}
			}
		}
		if err != nil && !errors.As(err, &w) {
			t.Fatalf("an error that cannot be told: %v", err)
		}
		if w != nil && !json.Valid(failure(m.ID, w.Code, w.Message)) {
			t.Fatal("an answer that is no JSON")
		}
	})
}
