package engineio

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
)

// user is the key under which a middleware puts what it found.
type user struct{}

// What a middleware left in the context of the handshake request stays with the
// session, whichever requests follow.
func TestAttachIsAskedOnceForEachSession(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	f := serve(t, &Options{Attach: func(r *http.Request) any {
		calls.Add(1)
		return r.Context().Value(user{})
	}}, nil)
	inner := f.http.Config.Handler
	f.http.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.URL.Query().Get("who")
		inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), user{}, name)))
	})

	s := f.upgrade("EIO=4&transport=websocket&who=ann")
	s.handshake = parseOpen(t, s.text())
	if got := s.side(f).Attached(); got != "ann" {
		t.Errorf("attached over WebSocket: %v", got)
	}
	c := f.poll(4, "who=bob")
	c.query = "EIO=4&transport=polling&who=eve&sid=" + c.SID
	c.post("4x").want(t, http.StatusOK, "ok")
	c.complete(c.probe())
	if got := c.side().Attached(); got != "bob" {
		t.Errorf("attached over polling: %v", got)
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls for two sessions", n)
	}
}

func TestARefusedHandshakeAttachesNothing(t *testing.T) {
	t.Parallel()
	f := serve(t, &Options{
		AllowRequest: func(*http.Request) error { return errors.New("go away") },
		Attach:       func(*http.Request) any { t.Error("asked"); return nil },
	}, nil)
	f.get("EIO=4&transport=polling").refused(t, http.StatusForbidden, codeForbidden, "go away")
}

func TestNothingIsAttachedByDefault(t *testing.T) {
	t.Parallel()
	if got := serve(t, nil, nil).poll(4).side().Attached(); got != nil {
		t.Errorf("%v is attached", got)
	}
}
