package redisauth

import (
	"log/slog"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/auth"
)

// FuzzRead reads what somebody else may have put into Redis.
func FuzzRead(f *testing.F) {
	f.Add("eve", `{"since":"2030-01-01T00:00:00Z"}`)
	f.Add("eve", `{"until":"2020-01-01T00:00:00Z"}`)
	f.Add("", `{"hash":"","scopes":null}`)
	f.Add("x", "[]")
	s := New(nil, "p", slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, id, text string) {
		now := time.Now()
		e, over := s.read(map[string]string{id: text}, map[string]string{id: text}, now)
		for id, b := range e.Blocks {
			if len(id) > auth.MaxID || b.Over(now.Add(-lingers)) || over[id] != "" {
				t.Errorf("%q: %q is %+v", id, text, b)
			}
		}
		for _, k := range e.Keys {
			if len(k.Hash) != hashLength {
				t.Errorf("%q: %q is %+v", id, text, k)
			}
		}
	})
}
