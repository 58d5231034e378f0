package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

func goexit() { runtime.Goexit() }

func TestAckIsSentOnce(t *testing.T) {
	srv := serve(t, nil)
	errs := make(chan error, 4)
	srv.On("ask", func(_ context.Context, e *socketio.Event) {
		errs <- e.Ack(make(chan int)) // does not encode: nothing was sent
		errs <- e.Ack("a", []byte{1})
		errs <- e.Ack("b")
	})
	srv.On("tell", func(_ context.Context, e *socketio.Event) { errs <- e.Ack() })
	srv.On("fail", func(_ context.Context, e *socketio.Event) {
		errs <- e.AckError("too_long", "the name is too long", "limit", 20)
	})
	c, _ := join(t, srv)
	c.Send(`27["ask"]`)
	c.Expect(`61-7["a",{"_placeholder":true,"num":0}]`)
	c.ExpectBinary("\x01")
	c.Send(`2["tell"]`)
	c.Send(`28["fail"]`)
	c.Expect(`38[{"error":{"code":"too_long","limit":20,"message":"the name is too long"}}]`)
	if err := <-errs; err == nil {
		t.Error("a channel was acknowledged")
	}
	for i, want := range []error{nil, socketio.ErrAcked, socketio.ErrNoAck} {
		if err := <-errs; !errors.Is(err, want) {
			t.Errorf("call %d: %v, want %v", i, err, want)
		}
	}
}

func TestEmitWithAckFromAHandlerOfTheSameSocket(t *testing.T) {
	srv := serve(t, nil)
	srv.OnConnection(func(s *socketio.Socket) {
		s.On("go", func(ctx context.Context, e *socketio.Event) {
			answer, err := s.Timeout(5*time.Second).EmitWithAck(ctx, "question", 1)
			if err != nil {
				t.Error(err)
			}
			_ = e.Ack(answer.Values()...)
		})
	})
	c, _ := join(t, srv)
	c.Send(`21["go"]`)
	c.Expect(`20["question",1]`)
	c.Send(`2["behind"]`) // queued behind the handler that waits
	c.Send(`30["yes",2]`)
	c.Expect(`31["yes",2]`)
}

func TestEmitWithAckEndsWithoutAnAnswer(t *testing.T) {
	srv := serve(t, nil)
	c, a := join(t, srv)
	s := socketOf(t, srv, a)

	_, err := s.Timeout(time.Millisecond).EmitWithAck(t.Context(), "q")
	if !errors.Is(err, socketio.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after the timeout: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.EmitWithAck(ctx, "q"); !errors.Is(err, context.Canceled) {
		t.Errorf("with a canceled context: %v", err)
	}
	c.Expect(`20["q"]`)
	c.Expect(`21["q"]`)
	c.Send(`30["too late"]`)
	errs := make(chan error, 1)
	go func() {
		_, err := s.EmitWithAck(context.Background(), "q")
		errs <- err
	}()
	c.Expect(`22["q"]`)
	c.Cut()
	if err := sockettest.Receive(t, "error", errs); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("after the end: %v", err)
	}
	if err := s.Emit("x"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("Emit after the end: %v", err)
	}
	if _, err := s.EmitWithAck(t.Context(), "x"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("EmitWithAck after the end: %v", err)
	}
}

type ackObserver struct {
	socketio.NopObserver
	unknown chan string
}

func (o ackObserver) AckUnknown(ns string) { o.unknown <- ns }

func TestAcksNobodyAskedForAreIgnoredAndCounted(t *testing.T) {
	unknown := make(chan string, 3)
	srv := serve(t, &socketio.Options{Observer: ackObserver{unknown: unknown}})
	c, a := join(t, srv)
	s := socketOf(t, srv, a)
	c.Send(`3999["forged"]`)
	c.Send(`61-998[{"_placeholder":true,"num":0}]`)
	c.SendBinary([]byte{1})
	go func() { _, _ = s.EmitWithAck(context.Background(), "q") }()
	c.Expect(`20["q"]`)
	c.Send(`30[]`)
	c.Send(`30[]`)
	for range 3 {
		if ns := sockettest.Receive(t, "count", unknown); ns != "/" {
			t.Errorf("counted in %s", ns)
		}
	}
	c.Fence()
}

func TestBroadcastWithAcks(t *testing.T) {
	srv := serve(t, nil)
	a, aa := join(t, srv)
	b, ba := join(t, srv)
	_ = socketOf(t, srv, aa).Join("r")
	_ = socketOf(t, srv, ba).Join("r")

	type result struct {
		got []socketio.Args
		err error
	}
	results := make(chan result, 1)
	emit := func(x *socketio.Broadcast) {
		got, err := x.EmitWithAck(context.Background(), "q", 1)
		results <- result{got, err}
	}
	go emit(srv.To("r"))
	fa, fb := a.Next().Text, b.Next().Text
	if fa != fb || fa != `20["q",1]` {
		t.Fatalf("got %q and %q", fa, fb)
	}
	a.Send(`30["a"]`)
	a.Send(`30["a again"]`)
	b.Send(`30["b"]`)
	if r := sockettest.Receive(t, "answers", results); r.err != nil || len(r.got) != 2 {
		t.Errorf("%d answers, %v", len(r.got), r.err)
	}

	go emit(srv.To("r").Timeout(50 * time.Millisecond))
	a.Expect(`21["q",1]`)
	b.Expect(`21["q",1]`)
	a.Send(`31["a"]`)
	r := sockettest.Receive(t, "partial answers", results)
	var missing *socketio.AckError
	if !errors.As(r.err, &missing) || missing.Missing != 1 || len(missing.Responses) != 1 || !errors.Is(r.err, socketio.ErrTimeout) {
		t.Errorf("%+v", r)
	}

	go emit(srv.To("r"))
	a.Expect(`22["q",1]`)
	b.Expect(`22["q",1]`)
	a.Send(`32[]`)
	b.Cut()
	r = sockettest.Receive(t, "answers without one who left", results)
	if !errors.As(r.err, &missing) || missing.Missing != 1 || !errors.Is(r.err, socketio.ErrDisconnected) {
		t.Errorf("%+v", r)
	}

	emit(srv.To("nobody"))
	if r := <-results; r.err != nil || len(r.got) != 0 {
		t.Errorf("to nobody: %+v", r)
	}
}

func TestWhatClientsAnswerIsBounded(t *testing.T) {
	srv := serve(t, nil)
	long := strings.Repeat("x", 2000)
	clients := make([]*sockettest.Client, 3)
	for i := range clients {
		clients[i], _ = join(t, srv)
	}
	for id, c := range []struct{ answers, bytes, kept int }{{2, 1 << 20, 2}, {10, 4000, 1}, {0, 0, 0}} {
		asked := make(chan error, 1)
		go func() {
			_, err := srv.To().EmitWithAckWithin(context.Background(), c.answers, c.bytes, "q")
			asked <- err
		}()
		for _, client := range clients {
			client.Expect(fmt.Sprintf(`2%d["q"]`, id))
			client.Send(fmt.Sprintf(`3%d[%q]`, id, long))
		}
		err := sockettest.Receive(t, "answers", asked)
		var e *socketio.AckError
		if !errors.As(err, &e) || len(e.Responses) != c.kept || e.Dropped != 3-c.kept || e.Missing != 0 || !errors.Is(e, socketio.ErrTooManyAnswers) {
			t.Errorf("of 3 answers to be kept within %d and %d bytes: %+v", c.answers, c.bytes, err)
		}
	}
}
