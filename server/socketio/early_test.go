package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sockeye-io/sockeye/server/socketio"
	"github.com/sockeye-io/sockeye/server/socketio/sockettest"
)

// What middleware emitted to a returning socket used to go out before the answer
// to CONNECT, with an offset beyond what the client had missed, and once more with
// the replay.
func TestWhatMiddlewareEmitsComesOnceAfterTheReplay(t *testing.T) {
	srv := recovering(t, nil)
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		return errors.Join(s.Emit("hello", 1), s.Emit("hello", 2))
	})
	emitted := make(chan struct{}, 10)
	srv.OnConnection(func(s *socketio.Socket) {
		_ = s.Emit("connected")
		emitted <- struct{}{}
	})
	r := arrive(t, srv)
	for range 2 {
		sockettest.Receive(t, "the handler of the connection", emitted)
		r.event(`2["hello",1]`)
		r.event(`2["hello",2]`)
		r.event(`2["connected"]`)
		r.fence()
		r.cut()
		_ = srv.Emit("missed")
		if !r.back() {
			t.Fatal("not recovered")
		}
		r.event(`2["missed"]`)
	}
	// It is kept as any other event: the client was cut off before it heard.
	sockettest.Receive(t, "the handler of the connection", emitted)
	r.cut()
	if !r.back() {
		t.Fatal("not recovered")
	}
	r.event(`2["hello",1]`)
	r.event(`2["hello",2]`)
	r.event(`2["connected"]`)
	r.event(`2["hello",1]`)
	r.event(`2["hello",2]`)
	r.event(`2["connected"]`)
	r.fence()
}

// Events with and without acknowledgement, of middleware and of a goroutine that
// it started, stay in order while the socket becomes connected.
func TestWhatMiddlewareEmitsStaysInOrder(t *testing.T) {
	const total = 500
	for name, srv := range map[string]*sockettest.Server{"plain": serve(t, nil), "recovery": recovering(t, nil)} {
		t.Run(name, func(t *testing.T) {
			done := make(chan error, 1)
			srv.Use(func(ctx context.Context, s *socketio.Socket) error {
				if err := s.Emit("n", 0); err != nil {
					return err
				}
				started := make(chan struct{})
				go func() {
					for i := 1; i < total; i++ {
						if i == 20 {
							close(started)
						}
						if err := s.Emit("n", i); err != nil {
							done <- err
							return
						}
					}
					_, err := s.EmitWithAck(ctx, "last")
					done <- err
				}()
				<-started
				return nil
			})
			c, _ := join(t, srv)
			for i := range total {
				if f := c.Next(); !strings.HasPrefix(f.Text, fmt.Sprintf(`2["n",%d`, i)) {
					t.Fatalf("got %q instead of number %d", f.Text, i)
				}
			}
			c.Expect(`20["last"]`)
			c.Send(`30[]`)
			if err := sockettest.Receive(t, "the answer", done); err != nil {
				t.Error(err)
			}
			c.Fence()
		})
	}
}

// A refused client hears why, and nothing that was meant for one that is let in;
// who waits for its answer is told.
func TestARefusedClientHearsNothingOfWhatMiddlewareEmitted(t *testing.T) {
	srv := serve(t, nil)
	answered, later := make(chan error, 1), make(chan *socketio.Socket, 1)
	srv.Of("/a").Use(func(_ context.Context, s *socketio.Socket) error {
		_ = s.Emit("secret")
		waiting := make(chan struct{})
		s.OnAnyOutgoing(func(string, []any) { t.Error("something went out") })
		go func() {
			close(waiting)
			_, err := s.EmitWithAck(context.Background(), "asked")
			answered <- err
		}()
		<-waiting
		later <- s
		return errors.New("go away")
	})
	c, _ := join(t, srv)
	c.Send("0/a,")
	c.Expect(`4/a,{"message":"go away"}`)
	if err := sockettest.Receive(t, "the end of the wait", answered); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("EmitWithAck: %v", err)
	}
	if err := (<-later).Emit("more"); !errors.Is(err, socketio.ErrDisconnected) {
		t.Errorf("Emit afterwards: %v", err)
	}
	c.Fence()
}

func TestMiddlewareCannotEmitWithoutBounds(t *testing.T) {
	srv := serve(t, nil)
	text := strings.Repeat("x", 100_000)
	counts := make(chan [2]int, 2)
	emitted := func(emit func() error) (n int) {
		err := emit()
		for ; err == nil; err = emit() {
			n++
		}
		if !errors.Is(err, socketio.ErrTooEarly) {
			t.Errorf("Emit: %v", err)
		}
		return n
	}
	srv.Use(func(_ context.Context, s *socketio.Socket) error {
		large := emitted(func() error { return s.Emit("n", text) })
		small := emitted(func() error { return s.Emit("n") })
		if err := s.Emit("n", make(chan int)); err == nil || errors.Is(err, socketio.ErrTooEarly) {
			t.Errorf("an argument that cannot be encoded: %v", err)
		}
		counts <- [2]int{large, small}
		return nil
	})
	c, _ := join(t, srv)
	n := sockettest.Receive(t, "middleware", counts)
	if n != [2]int{10, 990} {
		t.Errorf("%d events were kept, want 10 large and 990 small ones", n)
	}
	for range n[0] + n[1] {
		c.Next()
	}
	c.Fence()
}
