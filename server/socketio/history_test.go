package socketio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/adapters/memory"
	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func everyRoom(string, string) (socketio.HistoryLimits, bool) { return socketio.HistoryLimits{}, true }

func TestHistoryNeedsRecoveryAndAnAdapterThatCan(t *testing.T) {
	if _, err := socketio.New(&socketio.Options{Adapter: memory.New(), History: everyRoom, HistoryBytes: -1}); err == nil {
		t.Error("negative bound")
	}
	srv := serve(t, &socketio.Options{Adapter: memory.New(), History: everyRoom})
	if _, err := srv.Of("/").History(t.Context(), socketio.HistoryQuery{Rooms: []string{"r"}}); !errors.Is(err, socketio.ErrNoHistory) {
		t.Errorf("without recovery: %v", err)
	}
	if srv.Of("/").KeepsHistory("r") {
		t.Error("without recovery a room has a history")
	}
	c, a := join(t, srv)
	h, err := socketOf(t, srv, a).JoinSince(t.Context(), "", 0, "r")
	if err != nil || h.Complete || len(h.Messages) != 0 {
		t.Errorf("joined without recovery: %+v, %v", h, err)
	}
	_ = srv.To("r").Emit("live")
	c.Expect(`2["live"]`)
	if err := srv.Of("/late").EnableRecovery(socketio.Recovery{MaxDisconnection: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if !srv.Of("/late").KeepsHistory("r") {
		t.Error("with recovery of its own the namespace has no history")
	}
}

// What is sent to one client must not be read by who enters a room of that name later.
func TestRoomsOfSocketsAndUsersHaveNoHistory(t *testing.T) {
	srv := recovering(t, func(o *socketio.Options) { o.History = everyRoom })
	_, a := join(t, srv)
	for _, room := range []string{a.SID, socketio.UserRoom("ann"), ""} {
		_ = srv.To(room).Emit("private")
		if _, err := srv.Of("/").History(t.Context(), socketio.HistoryQuery{Rooms: []string{room}}); !errors.Is(err, socketio.ErrNoHistory) || srv.Of("/").KeepsHistory(room) {
			t.Errorf("room %q has a history: %v", room, err)
		}
	}
}

func TestJoinSinceBeforeTheSocketIsConnected(t *testing.T) {
	srv := recovering(t, func(o *socketio.Options) { o.History = everyRoom })
	early := make(chan error, 1)
	srv.Use(func(ctx context.Context, s *socketio.Socket) error {
		_, err := s.JoinSince(ctx, "", 0, "r")
		early <- err
		return nil
	})
	joined := make(chan *socketio.History, 1)
	srv.OnConnection(func(s *socketio.Socket) {
		h, err := s.JoinSince(s.Context(), "", 0, "r")
		if err != nil {
			t.Error(err)
		}
		joined <- h
	})
	_ = srv.To("r").Emit("before", 1)
	c, a := join(t, srv)
	if err := sockettest.Receive(t, "the middleware", early); !errors.Is(err, socketio.ErrTooEarly) {
		t.Errorf("in middleware: %v", err)
	}
	h := sockettest.Receive(t, "the history", joined)
	if h == nil || len(h.Messages) != 1 || h.Messages[0].Event != "before" || h.Messages[0].Args.Len() != 1 || !h.Complete {
		t.Fatalf("%+v", h)
	}
	s := socketOf(t, srv, a)
	c.Cut()
	sockettest.Receive(t, "the end of the socket", s.Context().Done())
	if _, err := s.JoinSince(t.Context(), "", 0, "r"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("when it is gone: %v", err)
	}
	if _, err := s.JoinSince(t.Context(), "", -1, "r"); !errors.Is(err, socketio.ErrHistoryQuery) {
		t.Errorf("with a limit below zero: %v", err)
	}
}

// A client that recovers needs no history; one that was away for too long goes on with its
// last offset.
func TestTheOffsetOfRecoveryIsThatOfHistory(t *testing.T) {
	srv := recovering(t, func(o *socketio.Options) { o.History = everyRoom })
	r := arrive(t, srv)
	_ = socketOf(t, srv, r.answer).Join("r")
	_ = srv.To("r").Emit("seen")
	r.event(`2["seen"]`)
	r.cut()
	_ = srv.To("r").Emit("missed")
	_, a := join(t, srv) // without its session
	h, err := socketOf(t, srv, a).JoinSince(t.Context(), r.offset, 0, "r")
	if err != nil || !h.Complete || len(h.Messages) != 1 || h.Messages[0].Event != "missed" {
		t.Errorf("%+v, %v", h, err)
	}
	if !r.back() {
		t.Fatal("not recovered")
	}
	r.event(`2["missed"]`)
	if r.offset != h.Messages[0].Offset || r.offset != h.Offset {
		t.Errorf("recovered up to %s, told up to %s", r.offset, h.Offset)
	}
}
